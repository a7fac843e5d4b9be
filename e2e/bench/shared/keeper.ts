/**
 * A keeper is something that keeps values under keys, as the benchmark uses it: a contestant. Here is what it has to be able to do, and the one
 * place where its calls are timed, on the page as in the worker. Values that come back are compared after the clock has stopped.
 */
import { type Item, type ItemsWanted, shuffled } from './data.js'

export interface Keeper {
  /** Makes it empty and ready. Throws where the browser lacks what it needs. */
  open(): Promise<void>
  /** Ends it and removes all that it kept. */
  close(): Promise<void>
  /** All values, durable at the end as far as the contestant can say. */
  writeMany?(items: Item[]): Promise<void>
  /** Value after value, each awaited alone, and durable before the next one begins. */
  writeEach?(items: Item[]): Promise<void>
  readMany?(items: Item[]): Promise<Values>
  readEach?(items: Item[]): Promise<Values>
}

export type Values = (Uint8Array | undefined)[]
export type Call = 'writeMany' | 'writeEach' | 'readMany' | 'readEach'

/** Milliseconds of one call. Reads go through the items in another order than they were written in. */
export async function timeCall(keeper: Keeper, call: Call, items: Item[]): Promise<number> {
  const reads = call === 'readMany' || call === 'readEach'
  const ordered = reads ? shuffled(items, items.length) : items
  const run: ((items: Item[]) => Promise<unknown>) | undefined = keeper[call]?.bind(keeper)
  if (run === undefined) throw new Error(`the contestant has no ${call}`)
  const begin = performance.now()
  const values = await run(ordered)
  const milliseconds = performance.now() - begin
  if (reads) compare(values as Values, ordered)
  return milliseconds
}

/** The length of each value, and some of its bytes: enough to see that it is the right one. */
function compare(values: Values, items: Item[]): void {
  for (const [index, { key, value: expected }] of items.entries()) {
    const value = values[index]
    const at = (7919 * index) % expected.length
    if (value?.length !== expected.length || value[at] !== expected[at] || value[0] !== expected[0]) {
      throw new Error(`what came back for ${key} is not what was stored`)
    }
  }
}

/** What the page asks of the worker; each is answered once, under its id. */
export type WorkerRequest =
  | { kind: 'open' | 'close'; keeper: string }
  | { kind: 'time'; keeper: string; call: Call; items: ItemsWanted }
  | { kind: 'settle' }
  | { kind: 'keys'; call: KeysCall; count: number }
  | { kind: 'large'; call: LargeCall; bytes: number }
  | { kind: 'segments'; call: SegmentsCall; mebibytes: number; bytes: number }
  | { kind: 'remove'; directory: string }

/** The calls of the stores with many keys (worker/keys.ts). */
export type KeysCall =
  | 'build'
  | 'buildValues'
  | 'commitFew'
  | 'commitMany'
  | 'open'
  | 'replay'
  | 'rawRead'
  | 'replayValues'
  | 'rawReadValues'
  | 'remove'

/** What is measured of large contents, in this order: `rawWrite` and `sha256` in the worker, the others on the page. */
export const LARGE_CALLS = [
  'rawWrite',
  'sha256',
  'fileIn',
  'fileInto',
  'fileOut',
  'rangeFirst',
  'rangeOfLarge',
  'wholeSmall',
  'version',
  'collectLook',
  'collectAll',
] as const
export type LargeCall = (typeof LARGE_CALLS)[number]

/** Stores of so many bytes in such values, with segments of each of these sizes: the default first. */
export const SEGMENTS = { bytes: 128 * 1024 * 1024, valueBytes: 64 * 1024, mebibytes: [16, 4, 32, 64] } as const

/** The calls on a store with segments of one size (worker/segments.ts), in this order. */
export const SEGMENTS_CALLS = ['write', 'open', 'read', 'compact', 'wait'] as const
export type SegmentsCall = (typeof SEGMENTS_CALLS)[number]

/** Where in the benchmark's corner the large file lies. */
export const LARGE_FILE = { directory: 'large', name: 'file' }

export interface WorkerAnswer {
  id: number
  /** Milliseconds, or what else the call answers with. */
  result?: number
  failure?: string
}
