/**
 * From milliseconds to what people read: the figures of a scenario's rows, how they compare, and whether the goals are met. Pure; the tables,
 * the plot and the demo all show what is computed here.
 */
import type { ContestantName } from './page/contestants.js'
import type { Measured, RunResult } from './run.js'
import type { Browser, Figure, Goal, RowName, Scenario } from './scenarios.js'
import type { Call, KeysCall, LargeCall } from './shared/keeper.js'

export interface RowFigures {
  name: RowName
  label: string
  /** Lodestore's own rows. */
  own: boolean
  /** Values or keys; 0 where nothing was measured. */
  count: number
  /** In the scenario's unit; undefined where the contestant is missing. */
  median: number | undefined
  low: number | undefined
  high: number | undefined
  /** How many times better the first row is. */
  firstIsBetter: number | undefined
  /** Why there is no figure. */
  missing: string | undefined
}

export interface GoalFigures {
  text: string
  ratio: number | undefined
  met: boolean
}

/** How each call reads: who, and what it does in its own words. */
export const LABELS: Record<ContestantName, { who: string } & Partial<Record<Call, string>>> = {
  lodestore: { who: 'lodestore', writeMany: 'putMany', writeEach: 'put', readMany: 'getMany', readEach: 'get' },
  engine: { who: 'lodestore/engine', writeMany: 'putMany', readMany: 'getMany', readEach: 'get' },
  raw: { who: 'access handle', writeMany: 'buffered', readMany: 'sorted', readEach: 'one by one' },
  'idb-keyval': { who: 'idb-keyval', writeMany: 'setMany', writeEach: 'set', readMany: 'getMany', readEach: 'get' },
  dexie: { who: 'Dexie', writeMany: 'bulkPut', writeEach: 'put', readMany: 'bulkGet', readEach: 'get' },
  sqlite: { who: 'SQLite WASM', writeMany: 'insert', readMany: 'select' },
  cache: { who: 'Cache API', writeEach: 'put', readEach: 'match' },
  files: { who: 'a file a blob', writeEach: 'write', readEach: 'read' },
  baseline: {
    who: 'bare worker',
    writeEach: 'append, flush',
    readMany: 'read, one by one',
    readEach: 'empty message',
  },
}

const KEYS_LABELS: Partial<Record<KeysCall, string>> = {
  open: 'open after a close',
  replay: 'open, checkpoint lost',
  rawRead: 'access handle: log read',
  replayValues: 'lodestore: open',
  rawReadValues: 'access handle: the same log read',
  commitMany: 'in the large store',
  commitFew: 'in the small store',
}

const LARGE_LABELS: Record<LargeCall, string> = {
  fileIn: 'lodestore: put of a File',
  fileInto: 'lodestore: stream, into one buffer',
  fileOut: 'lodestore: stream',
  sha256: "the kernel's SHA-256 alone",
  rawWrite: 'access handle: written',
  rangeFirst: 'get, 1 KiB of 1 GiB, for the first time',
  rangeOfLarge: 'get, 1 KiB of 1 GiB, the same again',
  wholeSmall: 'get, 1 KiB of 1 KiB, just put',
  version: 'the log grows by',
  collectLook: 'gc, only looking',
  collectAll: 'gc, deletes included',
}

/** What stands beside lodestore's figures, and is not lodestore. */
const YARDSTICKS: RowName[] = ['keys.rawRead', 'keys.rawReadValues', 'large.rawWrite', 'large.sha256']

export function labelOf(row: RowName): string {
  const [contestant, call] = row.split('.') as [
    ContestantName | 'keys' | 'large' | 'segments',
    Call & KeysCall & LargeCall,
  ]
  if (contestant === 'segments') return `segments of ${/\d+$/.exec(call)} MiB`
  if (contestant === 'keys') return KEYS_LABELS[call] ?? call
  if (contestant === 'large') return LARGE_LABELS[call]
  const { who, [call]: how } = LABELS[contestant]
  return `${who}: ${how}`
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

export function rowsOf(scenario: Scenario, { measured, missing }: RunResult): RowFigures[] {
  const { set, unit } = scenario
  const values = scenario.rows.map((name) => figuresOf(measured[`${set}/${name}`], unit))
  const first = values[0]?.median
  return scenario.rows.map((name, index) => {
    const { median, ...figures } = values[index] as (typeof values)[0]
    const [contestant = ''] = name.split('.')
    return {
      name,
      label: labelOf(name),
      own: ['lodestore', 'engine', 'keys', 'large', 'segments'].includes(contestant) && !YARDSTICKS.includes(name),
      ...figures,
      median,
      firstIsBetter:
        index === 0 || first === undefined || median === undefined
          ? undefined
          : moreIsBetter(scenario)
            ? first / median
            : median / first,
      missing: missing[`${set}/${contestant}`],
    }
  })
}

export function moreIsBetter({ unit }: Scenario): boolean {
  return unit === 'MB/s'
}

function figuresOf(measured: Measured | undefined, unit: Scenario['unit']) {
  if (measured === undefined) return { count: 0, median: undefined, low: undefined, high: undefined }
  const { count, bytes, calls, milliseconds } = measured
  if (unit === 'MiB')
    return { count, median: median(milliseconds), low: Math.min(...milliseconds), high: Math.max(...milliseconds) }
  const figures = milliseconds.map((time) => {
    // Browsers blur their clocks, and what is shorter than a tick has taken at least a part of one.
    const blurred = Math.max(time, 0.1)
    return unit === 'MB/s' ? bytes / 1000 / blurred : (unit === 'µs' ? 1000 * blurred : blurred) / calls
  })
  return { count, median: median(figures), low: Math.min(...figures), high: Math.max(...figures) }
}

export function goalsOf(scenario: Scenario, result: RunResult, browser: Browser): GoalFigures[] {
  const rows = new Map(rowsOf(scenario, result).map((row) => [row.name, row]))
  return scenario.goals.map((goal) => {
    const own = rows.get(goal.row)?.median
    const other = goal.against === undefined ? 1 : rows.get(goal.against)?.median
    const ratio = own === undefined || other === undefined ? undefined : own / other
    const [least, most] = [figureIn(goal.least, browser), figureIn(goal.most, browser)]
    const met = ratio !== undefined && (least === undefined || ratio >= least) && (most === undefined || ratio <= most)
    return { text: goalText(goal, scenario, least, most), ratio, met }
  })
}

function figureIn(figure: Figure | undefined, browser: Browser): number | undefined {
  return typeof figure === 'object' ? figure[browser] : figure
}

function goalText({ row, against }: Goal, { unit }: Scenario, least?: number, most?: number): string {
  const bound = least === undefined ? `at most ${most}` : `at least ${least}`
  return against === undefined
    ? `${labelOf(row)}: ${bound} ${unit}`
    : `${labelOf(row)}: ${bound} times ${labelOf(against)}`
}

/** Three digits that count: 0.0123, 1.23, 12.3, 123, 1,230. */
export function shown(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en', { maximumSignificantDigits: 3 })
}
