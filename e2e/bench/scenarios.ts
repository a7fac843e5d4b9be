/**
 * What is measured: the sets of values, how many each contestant gets of them, and the scenarios, which are views of the same measurements with
 * the goals that lodestore has set itself. Slow contestants get fewer values and are rated by the byte.
 */
import type { ContestantName } from './page/contestants.js'
import { type Call, type KeysCall, type LargeCall, SEGMENTS, type SegmentsCall } from './shared/keeper.js'

export type Browser = 'chromium' | 'firefox'

/** Values of one size, and how many of them each contestant's calls get. */
export interface ValueSet {
  size: number
  plan: Partial<Record<ContestantName, Partial<Record<Call, number>>>>
}

const KIB = 1024
const MIB = 1024 * KIB

export const VALUE_SETS = {
  '1k': {
    size: KIB,
    plan: {
      lodestore: { writeMany: 10_000, readMany: 10_000, writeEach: 300, readEach: 1000 },
      engine: { writeMany: 10_000, readMany: 10_000, writeEach: 300, readEach: 1000 },
      raw: { writeMany: 10_000, readMany: 10_000, readEach: 10_000 },
      'idb-keyval': { writeMany: 10_000, readMany: 10_000, writeEach: 1000, readEach: 1000 },
      dexie: { writeMany: 10_000, readMany: 10_000, writeEach: 300, readEach: 300 },
      sqlite: { writeMany: 10_000, readMany: 10_000 },
      cache: { writeEach: 300, readEach: 300 },
      files: { writeEach: 60, readEach: 60 },
      baseline: { writeEach: 300, readMany: 1000, readEach: 1000 },
    },
  },
  '64k': {
    size: 64 * KIB,
    plan: {
      lodestore: { writeMany: 1500, readMany: 1500 },
      engine: { writeMany: 1500, readMany: 1500 },
      raw: { writeMany: 1500, readMany: 1500, readEach: 1500 },
      'idb-keyval': { writeMany: 1500, readMany: 1500, writeEach: 300, readEach: 300 },
      dexie: { writeMany: 1500, readMany: 1500 },
      sqlite: { writeMany: 500, readMany: 500 },
      cache: { writeEach: 200, readEach: 200 },
      files: { writeEach: 60, readEach: 60 },
    },
  },
  '1m': {
    size: MIB,
    plan: {
      lodestore: { writeMany: 200, readEach: 200, readMany: 200 },
      engine: { writeMany: 200, readEach: 200 },
      raw: { writeMany: 200, readEach: 200 },
      'idb-keyval': { writeMany: 200, readEach: 200, readMany: 200 },
      dexie: { writeMany: 200, readEach: 200 },
      sqlite: { writeMany: 60, readMany: 60 },
      cache: { writeEach: 60, readEach: 60 },
      files: { writeEach: 60, readEach: 60 },
    },
  },
} satisfies Record<string, ValueSet>

export type ValueSetName = keyof typeof VALUE_SETS

/** The stores with many keys and with few, values of 32 bytes, and with some values of 64 KiB: built once a run. So many commits are timed together. */
export const KEYS = { many: 1_000_000, few: 1000, values: 4096, commits: 100 }

/** Large contents: the file's bytes (the blob that a range is read of is half of it), those of the one that gets a second version, and how many of the rest. */
export const LARGE = { fileBytes: 2048 * MIB, versionBytes: 100 * MIB, reads: 300, collected: 100_000 }

/** What one row of a scenario shows: a contestant's call, or a call on the stores with many keys, with large contents or with segments of a size. */
export type RowName =
  | `${ContestantName}.${Call}`
  | `keys.${KeysCall}`
  | `large.${LargeCall}`
  | `segments.${SegmentsCall}${(typeof SEGMENTS.mebibytes)[number]}`

export type Figure = number | Record<Browser, number>

/** What lodestore wants to reach: as a ratio to another row's figure or, without one, in the scenario's unit. */
export interface Goal {
  row: RowName
  against?: RowName
  least?: Figure
  most?: Figure
}

export interface Scenario {
  name: string
  title: string
  set: ValueSetName | 'keys' | 'large' | 'segments'
  /** MB/s: of the values' bytes, more is better. Times: of one call, less is better. MiB: bytes written, less is better. */
  unit: 'MB/s' | 'µs' | 'ms' | 'MiB'
  /** Lodestore's own first: the others are compared with it. */
  rows: RowName[]
  goals: Goal[]
}

const WRITERS: RowName[] = [
  'lodestore.writeMany',
  'engine.writeMany',
  'raw.writeMany',
  'idb-keyval.writeMany',
  'idb-keyval.writeEach',
  'dexie.writeMany',
  'sqlite.writeMany',
  'cache.writeEach',
  'files.writeEach',
]

const READERS: RowName[] = [
  'lodestore.readMany',
  'engine.readMany',
  'raw.readMany',
  'raw.readEach',
  'idb-keyval.readMany',
  'idb-keyval.readEach',
  'dexie.readMany',
  'sqlite.readMany',
  'cache.readEach',
  'files.readEach',
]

/** Goals of a scenario that writes: against the access handle alone, and against idb-keyval. */
function writeGoals(raw: number, idb: number): Goal[] {
  return [
    { row: 'lodestore.writeMany', against: 'raw.writeMany', least: raw },
    { row: 'lodestore.writeMany', against: 'idb-keyval.writeMany', least: idb },
  ]
}

function readGoals(least: Figure): Goal[] {
  return [{ row: 'lodestore.readMany', against: 'idb-keyval.readMany', least }]
}

/** A whole run. */
export const SCENARIOS: Scenario[] = [
  {
    name: 'put-1k',
    title: 'Write values of 1 KiB',
    set: '1k',
    unit: 'MB/s',
    rows: WRITERS,
    goals: writeGoals(0.5, 8),
  },
  {
    name: 'put-64k',
    title: 'Write values of 64 KiB',
    set: '64k',
    unit: 'MB/s',
    rows: WRITERS,
    goals: writeGoals(0.8, 1),
  },
  {
    name: 'put-1m',
    title: 'Write values of 1 MiB',
    set: '1m',
    unit: 'MB/s',
    rows: WRITERS.filter((row) => row !== 'idb-keyval.writeEach'),
    goals: writeGoals(0.8, 1.5),
  },
  {
    name: 'get-1k',
    title: 'Read values of 1 KiB, shuffled',
    set: '1k',
    unit: 'MB/s',
    rows: READERS,
    goals: readGoals({ chromium: 6, firefox: 10 }),
  },
  {
    name: 'get-64k',
    title: 'Read values of 64 KiB, shuffled',
    set: '64k',
    unit: 'MB/s',
    rows: READERS,
    goals: readGoals({ chromium: 4, firefox: 1.5 }),
  },
  {
    name: 'get-1m',
    title: 'Read values of 1 MiB, shuffled',
    set: '1m',
    unit: 'MB/s',
    rows: [
      'lodestore.readEach',
      'engine.readEach',
      'raw.readEach',
      'idb-keyval.readEach',
      'lodestore.readMany',
      'idb-keyval.readMany',
      'dexie.readEach',
      'sqlite.readMany',
      'cache.readEach',
      'files.readEach',
    ],
    goals: [{ row: 'lodestore.readEach', against: 'idb-keyval.readEach', least: 5 }],
  },
  {
    name: 'get-one',
    title: 'Read one value of 1 KiB and wait for it',
    set: '1k',
    unit: 'µs',
    rows: [
      'lodestore.readEach',
      'baseline.readEach',
      'baseline.readMany',
      'idb-keyval.readEach',
      'dexie.readEach',
      'cache.readEach',
      'files.readEach',
    ],
    goals: [
      { row: 'lodestore.readEach', against: 'baseline.readEach', most: 1.3 },
      { row: 'lodestore.readEach', against: 'idb-keyval.readEach', most: 1 },
    ],
  },
  {
    name: 'put-one',
    title: 'Write one value of 1 KiB and wait for it',
    set: '1k',
    unit: 'µs',
    rows: [
      'lodestore.writeEach',
      'baseline.writeEach',
      'idb-keyval.writeEach',
      'dexie.writeEach',
      'cache.writeEach',
      'files.writeEach',
    ],
    goals: [{ row: 'lodestore.writeEach', against: 'baseline.writeEach', most: 1.3 }],
  },
  {
    name: 'open',
    title: 'Open a store with very many keys, engine in the worker',
    set: 'keys',
    unit: 'ms',
    rows: ['keys.open', 'keys.replay', 'keys.rawRead'],
    goals: [
      { row: 'keys.open', most: { chromium: 200, firefox: 500 } },
      { row: 'keys.replay', against: 'keys.rawRead', most: 2 },
    ],
  },
  {
    name: 'replay',
    title: 'Open a store of 256 MiB in values of 64 KiB, checkpoint lost, engine in the worker',
    set: 'keys',
    unit: 'ms',
    rows: ['keys.replayValues', 'keys.rawReadValues'],
    goals: [{ row: 'keys.replayValues', against: 'keys.rawReadValues', most: 2 }],
  },
  {
    name: 'commit-size',
    title: 'Commit one value of 32 bytes, engine in the worker',
    set: 'keys',
    unit: 'µs',
    rows: ['keys.commitMany', 'keys.commitFew'],
    goals: [{ row: 'keys.commitMany', against: 'keys.commitFew', most: 1.2 }],
  },
]

/** The group `large`, which takes minutes and gigabytes, and is run when it is asked for. */
export const LARGE_SCENARIOS: Scenario[] = [
  {
    name: 'large-file',
    title: 'A File of 2 GiB in, and out as a stream',
    set: 'large',
    unit: 'MB/s',
    rows: ['large.fileIn', 'large.fileOut', 'large.fileInto', 'large.sha256', 'large.rawWrite'],
    goals: [{ row: 'large.fileIn', against: 'large.sha256', least: 0.7 }],
  },
  {
    name: 'large-range',
    title: 'Read 1 KiB of a blob of 1 GiB and wait for it; the goal is for what the system has in memory',
    set: 'large',
    unit: 'µs',
    rows: ['large.rangeOfLarge', 'large.rangeFirst', 'large.wholeSmall'],
    goals: [{ row: 'large.rangeOfLarge', against: 'large.wholeSmall', most: 3 }],
  },
  {
    name: 'large-version',
    title: 'A second version of 100 MiB, 1 % changed in ten places',
    set: 'large',
    unit: 'MiB',
    rows: ['large.version'],
    goals: [{ row: 'large.version', most: 15 }],
  },
  {
    name: 'collect',
    title: 'Collect among 100,000 blobs',
    set: 'large',
    unit: 'ms',
    rows: ['large.collectLook', 'large.collectAll'],
    goals: [{ row: 'large.collectLook', most: 1000 }],
  },
]

function segmentScenario(call: SegmentsCall, unit: Scenario['unit'], title: string): Scenario {
  const rows = SEGMENTS.mebibytes.map((mebibytes) => `segments.${call}${mebibytes}` as const)
  return { name: `segments-${call}`, title, set: 'segments', unit, rows, goals: [] }
}

/** The group `segments`, which shows what the default size of a segment is chosen for. */
export const SEGMENT_SCENARIOS: Scenario[] = [
  segmentScenario('write', 'MB/s', 'Write 128 MiB in values of 64 KiB, engine in the worker'),
  segmentScenario('open', 'ms', 'Open that store'),
  segmentScenario('read', 'ms', 'Read a value of a segment for the first time'),
  segmentScenario('compact', 'ms', 'Give back the space of three values of five, between puts'),
  segmentScenario('wait', 'ms', 'The longest that one of these puts waits'),
]

const GROUPS = { large: LARGE_SCENARIOS, segments: SEGMENT_SCENARIOS }

/** The scenarios that are asked for by their names, or by that of their group; a whole run without any. Throws for what is no name. */
export function scenariosNamed(names: readonly string[]): Scenario[] {
  if (names.length === 0) return SCENARIOS
  const all = [...SCENARIOS, ...Object.values(GROUPS).flat()]
  const named = new Map<string, Scenario[]>(Object.entries(GROUPS))
  for (const one of all) named.set(one.name, [one])
  const unknown = names.filter((name) => !named.has(name))
  if (unknown.length > 0) {
    throw new Error(
      `there is no scenario ${unknown.join(', ')}; there are ${[...all.map(({ name }) => name), ...Object.keys(GROUPS)].join(', ')}`,
    )
  }
  const wanted = new Set(names.flatMap((name) => named.get(name) ?? []))
  return all.filter((one) => wanted.has(one))
}
