/**
 * The page of `npm run bench`: runs the scenarios that the script names and hands back the figures, as tables and as a drawing.
 */
import { goalsOf } from '../bench/figures.js'
import { plot } from '../bench/plot.js'
import { type Facts, report, summary } from '../bench/report.js'
import { runBench } from '../bench/run.js'
import { scenariosNamed } from '../bench/scenarios.js'
import { ask } from './ask.js'

export interface BenchRequest {
  /** Names of scenarios or of a group; a whole run without. */
  only: string[]
  rounds: number
  scale: number
  facts: Facts
}

export interface BenchAnswer {
  markdown: string
  /** For the README. */
  summary: string
  svg: string
  missing: string[]
  goals: { name: string; text: string; ratio: number | undefined; met: boolean }[]
}

declare global {
  interface Window {
    /** What is wrong with the names, if anything is. */
    misnamed(only: string[]): string | undefined
    bench(request: BenchRequest): Promise<BenchAnswer>
  }
}

window.misnamed = (only) => {
  try {
    scenariosNamed(only)
    return undefined
  } catch (error) {
    return String(error)
  }
}

window.bench = async ({ only, rounds, scale, facts }) => {
  const scenarios = scenariosNamed(only)
  const result = await runBench({
    rounds,
    scale,
    scenarios,
    async onProgress(progress) {
      await ask('progress', JSON.stringify(progress))
    },
  })
  return {
    markdown: report(result, scenarios, facts),
    summary: summary(result, scenarios, facts),
    svg: plot(result, scenarios, `lodestore and others in ${facts.browserVersion}, ${facts.date}`),
    missing: Object.entries(result.missing).map(([name, why]) => `${name}: ${why}`),
    goals: scenarios.flatMap((scenario) =>
      goalsOf(scenario, result, facts.browser).map((goal) => ({ name: scenario.name, ...goal })),
    ),
  }
}
