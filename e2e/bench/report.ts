/**
 * The results of a run in Markdown: a page with the conditions, the goals and a table for each scenario, and a summary of it for the README.
 * Pure; the script writes what comes out.
 */
import { goalsOf, LABELS, moreIsBetter, rowsOf, shown } from './figures.js'
import type { ContestantName } from './page/contestants.js'
import type { RunResult } from './run.js'
import type { Browser, Scenario } from './scenarios.js'

/** What the page cannot know of itself. */
export interface Facts {
  browser: Browser
  /** "Chromium 156" */
  browserVersion: string
  /** YYYY-MM-DD */
  date: string
  cores: number
  memoryGigabytes: number
  system: string
  /** "dexie 4.4.7" */
  packages: string[]
}

const NOTES = `Values are random bytes, made before the clock starts, and every one that is read is compared after it has stopped. In each round every
contestant begins empty and has its turn, in another order each time; a first round and a tenth of the values, with others than those
measured, warm up. Figures are medians over the rounds, with the least and the greatest. Reads follow the writes in the same session.

lodestore hashes each value (SHA-256) while it writes, and verifies each checksum while it reads. The others are given their keys and
verify nothing. lodestore, Dexie (with \`strict\`), SQLite, the files and the access handle have flushed when the clock stops; idb-keyval cannot ask
for that and is acknowledged by the system only, and the Cache API promises nothing. Many at a time is 256 values for idb-keyval, Dexie and
SQLite (one transaction each), one commit for lodestore. lodestore/engine, the access handle, SQLite and the files run in a worker of their
own; the others are called from the page. Contestants that are slow get fewer values and are rated by the byte. Large contents, where they are
among these scenarios, have no round to warm up.`

export function report(result: RunResult, scenarios: Scenario[], facts: Facts): string {
  const { browser } = facts
  const goals = scenarios.flatMap((scenario) =>
    goalsOf(scenario, result, browser).map((goal) => ({ scenario, ...goal })),
  )
  const met = goals.filter((goal) => goal.met).length
  const goalRows = goals.map(({ scenario, text, ratio, met }) => [
    scenario.title,
    text,
    ratio === undefined ? '–' : shown(ratio),
    met ? 'met' : '**not met**',
  ])
  const missing = Object.entries(result.missing).map(([name, why]) => `- ${name}: ${why}`)
  return [
    `# lodestore and others in ${facts.browserVersion}`,
    `${conditions(result, facts)}; ${facts.packages.join(', ')}.\nAgain: \`npm run bench -- --browser ${browser} --rounds ${result.rounds}\``,
    `![The figures as bars](${browser}.svg)`,
    `## Goals: ${met} of ${goals.length} met`,
    table(['scenario', 'goal', 'is', ''], goalRows, [2]),
    NOTES,
    ...(missing.length > 0 ? [`## Missing\n\n${missing.join('\n')}`] : []),
    ...scenarios.map((scenario) => `## ${scenario.title}\n\n${scenarioTable(scenario, result)}`),
  ]
    .join('\n\n')
    .concat('\n')
}

/** Contestants in the order of the summary's columns. */
const COLUMNS: ContestantName[] = ['lodestore', 'raw', 'baseline', 'idb-keyval', 'dexie', 'sqlite', 'cache', 'files']

/** The medians of a whole run in one table, each contestant by the first of its rows. */
export function summary(result: RunResult, scenarios: Scenario[], facts: Facts): string {
  const withContestants = scenarios.filter(({ set }) => !['keys', 'large', 'segments'].includes(set))
  const rows = withContestants.map((scenario) => {
    const figures = rowsOf(scenario, result)
    const cells = COLUMNS.map((contestant) => {
      const median = figures.find(({ name }) => name.startsWith(`${contestant}.`))?.median
      if (median === undefined) return ''
      return contestant === 'lodestore' ? `**${shown(median)}**` : shown(median)
    })
    return [`${scenario.title}, ${scenario.unit}`, ...cells]
  })
  const keys = new Map(
    scenarios
      .filter(({ set }) => set === 'keys')
      .flatMap((scenario) => rowsOf(scenario, result).map((row) => [row.name, row] as const)),
  )
  const figure = (name: Parameters<typeof keys.get>[0]) => shown(keys.get(name)?.median ?? Number.NaN)
  const columns = ['', ...COLUMNS.map((contestant) => LABELS[contestant].who)]
  return [
    `${facts.browserVersion}, ${conditions(result, facts)}:`,
    table(columns, rows, [1, 2, 3, 4, 5, 6, 7, 8]),
    `A store of ${(keys.get('keys.open')?.count ?? 0).toLocaleString('en')} keys opens in ${figure('keys.open')} ms, in ${figure('keys.replay')} ms when its checkpoint is lost. A strict commit takes\n` +
      `${figure('keys.commitMany')} µs there and ${figure('keys.commitFew')} µs in a store of ${(keys.get('keys.commitFew')?.count ?? 0).toLocaleString('en')}.`,
    `[All figures](e2e/bench/results/${facts.browser}.md)`,
    `![The figures as bars](e2e/bench/results/${facts.browser}.svg)`,
  ].join('\n\n')
}

function conditions({ rounds, scale }: RunResult, { date, cores, memoryGigabytes, system }: Facts): string {
  const share = scale === 1 ? '' : `, ${scale} of the usual values`
  return `${date}, ${cores} cores, ${memoryGigabytes} GB, ${system}; ${rounds} rounds${share}`
}

/** What is counted. */
const HEADS: { [set in Scenario['set']]?: string } = { keys: 'keys', large: 'calls' }

function scenarioTable(scenario: Scenario, result: RunResult): string {
  const rows = rowsOf(scenario, result).map(({ label, own, count, median, low, high, firstIsBetter }) => [
    own ? `**${label}**` : label,
    count.toLocaleString('en'),
    median === undefined ? 'missing' : shown(median),
    low === undefined || high === undefined ? '' : `${shown(low)} – ${shown(high)}`,
    firstIsBetter === undefined ? '' : `${shown(firstIsBetter)} ×`,
  ])
  const unit = `${scenario.unit} (${moreIsBetter(scenario) ? 'more' : 'less'} is better)`
  const heads = ['', HEADS[scenario.set] ?? 'values', unit, 'least – greatest', 'the first is better by']
  return table(heads, rows, [1, 2, 3, 4])
}

/** `right` are the columns of numbers. The columns are padded as the project's formatter has them. */
function table(heads: string[], rows: string[][], right: number[]): string {
  const widths = heads.map((head, column) => Math.max(3, head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => (right.includes(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(' | ')} |`
  const rule = widths.map((width, column) => (right.includes(column) ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))
  return [line(heads), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}
