/**
 * The page of `npm run bench`: runs the scenarios that the script names and hands back the figures, as tables and as a drawing.
 */
import { goalsOf } from '../bench/figures.js'
import { plot } from '../bench/plot.js'
import { type Facts, report, summary } from '../bench/report.js'
import { runBench } from '../bench/run.js'
import { SCENARIOS } from '../bench/scenarios.js'
import { ask } from './ask.js'

export interface BenchRequest {
  /** Names of scenarios; all without. */
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
    scenarioNames: string[]
    bench(request: BenchRequest): Promise<BenchAnswer>
  }
}

window.scenarioNames = SCENARIOS.map(({ name }) => name)

window.bench = async ({ only, rounds, scale, facts }) => {
  const scenarios = SCENARIOS.filter(({ name }) => only.length === 0 || only.includes(name))
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
