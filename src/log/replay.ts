/**
 * The replay of the log: walks the segments from a position on and applies to the state what COMMITs cover. It only reads.
 * What it cannot walk past it judges by one rule: at or behind the durable mark (the later of head and checkpoint), in the last
 * segment that has bytes, it is the torn tail of a crash; anywhere else it is damage, which is reported and walked around.
 */

import {
  decodeSegmentHeader,
  decodeSegmentList,
  ENTRY,
  MAGIC_BYTES,
  NO_SEGMENT,
  type SegmentList,
  TAG,
} from '../format/entry.js'
import { keyHex, RESERVED, reservedKind } from '../format/key.js'
import type { Kernel } from '../kernel/kernel.js'
import { unlessAbsent } from '../storage/use.js'
import type { Damage, Recovery } from '../types.js'
import { SegmentChain } from './chain.js'
import { Findings } from './findings.js'
import type { Gap } from './inspect.js'
import { Journal } from './journal.js'
import { isBefore, type Position, START } from './position.js'
import type { Batch } from './reader.js'
import type { SegmentFiles } from './segments.js'
import type { LogState } from './state.js'
import { SegmentWalk } from './walk.js'

export interface ReplayResult {
  /** End of the last committed transaction. */
  end: Position
  /** Where the walk stopped: behind `end` when there is a tail to roll back. */
  stop: Position
  replayed: Recovery['replayed']
  /** Entries behind `end` that no COMMIT covers. */
  tailEntries: number
  /** What was found wrong, without what lies in retired segments. */
  damaged: Damage[]
  /** See `Findings.doubt`. */
  doubt: Position
  /** Segments that a committed compaction retired, whose files are still there. */
  retired: number[]
  /** Segments whose files hold another one. */
  misplaced: number[]
  /** Segments with entries in them that were never committed, and that only the header of a fresh segment behind them says so of. */
  forgotten: number[]
}

export interface ReplayInput {
  files: SegmentFiles
  kernel: Kernel
  /** Filled; empty, or as the checkpoint left it. */
  state: LogState
  id: Uint8Array
  /** The durable mark. */
  durable: Position
  /** The position of the checkpoint in the state; everything is replayed when there is none. */
  from?: Position | undefined
  /** Sees each batch after it was taken in, and the bytes of all so far, which begin anew when the replay has to; may throw to stop. */
  onBatch?: (segment: number, batch: Batch, replayedBytes: number) => void
}

/**
 * Replays the log into the state. `fromCheckpoint` is false when the checkpoint could not be used after all: it was older than a
 * compaction whose segments are gone, or than the end of a segment that it takes for closed, or retired ones turned out damaged, and then only a replay
 * from nothing, without them, is exact.
 */
export async function replayLog(input: ReplayInput): Promise<ReplayResult & { fromCheckpoint: boolean }> {
  const ignored = new Set<number>()
  let { from } = input
  for (;;) {
    try {
      const result = await new Replay(input, ignored, from).run(from)
      result.retired.push(...ignored)
      return { ...result, fromCheckpoint: from !== undefined }
    } catch (error) {
      if (!(error instanceof StartAgain)) throw error
      for (const segment of error.without) ignored.add(segment)
      from = undefined
      input.state.clear()
    }
  }
}

/** Only a replay from nothing, without these segments, gives an exact state. */
class StartAgain extends Error {
  constructor(readonly without: number[]) {
    super('the replay starts again')
  }
}

class Replay {
  readonly #files: SegmentFiles
  readonly #kernel: Kernel
  readonly #walk: SegmentWalk
  readonly #state: LogState
  readonly #id: Uint8Array
  readonly #durable: Position
  readonly #replayed = { segments: 0, transactions: 0, entries: 0, bytes: 0 }
  readonly #onBatch: ReplayInput['onBatch']
  /** Retired segments whose files are damaged. */
  readonly #ignored: ReadonlySet<number>
  /** The entries of the transaction being walked, how far it reaches in each segment, and its segment list if it has one. */
  readonly #pending = new Journal()
  readonly #reached = new Map<number, number>()
  #pendingList: SegmentList | undefined
  readonly #findings = new Findings()
  readonly #chain: SegmentChain
  readonly #retired: number[] = []
  readonly #misplaced: number[] = []
  /** Where in a segment those entries begin that a fresh one made forget: they were never applied. */
  readonly #forgotten = new Map<number, number>()
  #end: Position = START
  #passedMark = false

  constructor(input: ReplayInput, ignored: ReadonlySet<number>, from: Position | undefined) {
    this.#files = input.files
    this.#kernel = input.kernel
    this.#walk = new SegmentWalk(input.files, input.kernel)
    this.#state = input.state
    this.#id = input.id
    this.#chain = new SegmentChain(input.files, input.id, from?.segment ?? 0, this.#findings)
    this.#durable = input.durable
    this.#onBatch = input.onBatch
    this.#ignored = ignored
  }

  /** Replays what follows `from`, the position of the checkpoint in the state, or everything. Throws StartAgain. */
  async run(from: Position | undefined): Promise<ReplayResult> {
    const segments = await this.#withBytes(from?.segment ?? 0)
    this.#end = from ?? START
    let stop = this.#end
    for (const segment of segments) {
      const start = segment === from?.segment ? from.offset : 0
      const isLast = segment === segments.at(-1)
      this.#replayed.segments++
      stop = { segment, offset: await this.#segment(segment, start, isLast) }
      this.#chain.walked(stop)
    }
    await this.#passMark()
    if (from) this.#retired.push(...this.#chain.leftovers(this.#state))
    this.#chain.findMissing(this.#state, this.#durable)
    this.#chain.findCut(this.#ignored)
    const { damaged, doubt } = this.#findings
    return {
      end: this.#end,
      stop,
      replayed: this.#replayed,
      tailEntries: this.#pending.count,
      damaged,
      doubt,
      retired: this.#retired,
      misplaced: this.#misplaced,
      forgotten: [...this.#forgotten.keys()],
    }
  }

  async #withBytes(from: number): Promise<number[]> {
    const found: number[] = []
    for (const segment of this.#files.list()) {
      if (segment < from || this.#ignored.has(segment)) continue
      // Gone since the store was opened, it is one of the missing.
      const bytes = (await unlessAbsent(this.#walk.size(segment))) ?? 0
      if (bytes > 0) found.push(segment)
    }
    return found
  }

  /** Replays one segment from `start` and returns where the walk stopped. */
  async #segment(segment: number, start: number, isLast: boolean): Promise<number> {
    if ((await this.#walk.size(segment)) < start) return await this.#walk.size(segment)
    const isMisplaced = await this.#walk.isMisplaced(segment, this.#id)
    if (isMisplaced) this.#misplaced.push(segment)
    // What no crash leaves at the beginning of a file makes none of it a torn tail.
    let isTorn = true
    const isTail = (offset: number) => isTorn && isLast && !isBefore({ segment, offset }, this.#durable)
    if (start === 0) {
      const beginning = await this.#walk.beginning(segment)
      if (beginning !== 'magic') {
        if (beginning === 'torn' && isTail(0)) return 0
        this.#findings.report({ kind: 'segment', message: 'the segment does not begin as one', segment, offset: 0 })
        isTorn = beginning === 'torn'
      }
      this.#reached.set(segment, MAGIC_BYTES)
    } else if (isMisplaced) {
      // Whatever is written behind a checkpoint must not go on in it. (A header that is walked tells the chain.)
      this.#findings.report({ kind: 'segment', message: 'the file holds another segment', segment, offset: 0 })
    }
    let chained = !isMisplaced
    const walk = this.#walk.walk(segment, start || MAGIC_BYTES, isTail)
    for (;;) {
      const step = await walk.next()
      if (step.done) return step.value
      if ('records' in step.value) {
        await this.#batch(segment, step.value, chained)
      } else {
        await this.#gap(segment, step.value, chained)
        chained &&= step.value.chained
      }
    }
  }

  async #batch(segment: number, batch: Batch, chained: boolean): Promise<void> {
    const { records, bytes, base } = batch
    let mark = this.#markIn(segment)
    let end = 0
    for (let i = 0; i < batch.count; i++) {
      const at = records[i * 3] as number
      const size = records[i * 3 + 1] as number
      const tag = records[i * 3 + 2] as number
      const offset = base + at
      if (offset >= mark) {
        if (i > 0) this.#reached.set(segment, offset)
        await this.#passMark()
        mark = Number.POSITIVE_INFINITY
      }
      end = offset + size
      if (tag === TAG.commit) {
        this.#reached.set(segment, end)
        await this.#commit({ segment, offset: end })
        continue
      }
      const keyAt = at + ENTRY.key
      const kind = reservedKind(bytes, keyAt)
      if (kind === RESERVED.segmentHeader || kind === RESERVED.segmentList) {
        this.#takeOwn(kind, segment, offset, bytes.subarray(at + ENTRY.putHeaderBytes, at + size), chained)
      }
      // Behind a gap of unknown length a DELETE may be part of a damaged value, and in a misplaced file older than what it would delete. Not to lose a key counts more than to have it back.
      if (tag === TAG.delete && !chained) continue
      this.#pending.add(tag === TAG.put ? TAG.put : TAG.delete, bytes, keyAt, segment, offset, size)
    }
    this.#reached.set(segment, end)
    this.#replayed.entries += batch.count
    this.#replayed.bytes += end - base - (records[0] as number)
    if (!chained) this.#findings.doubtUpTo({ segment: segment + 1, offset: 0 })
    this.#onBatch?.(segment, batch, this.#replayed.bytes)
  }

  /** The offset in this segment at which the walk comes to the durable mark; beyond every offset when it does not, or has come there. */
  #markIn(segment: number): number {
    if (this.#passedMark || segment < this.#durable.segment) return Number.POSITIVE_INFINITY
    return segment === this.#durable.segment ? this.#durable.offset : 0
  }

  /** `chained`: whether what stands in front of it was; if not, no DELETE is believed either. */
  async #gap(segment: number, gap: Gap, chained: boolean): Promise<void> {
    const { at, next, entry } = gap
    if (!this.#passedMark && !isBefore({ segment, offset: at }, this.#durable)) await this.#passMark()
    const key = entry === undefined ? gap.claimedKey : entry.tag === TAG.commit ? undefined : entry.key
    this.#findings.report({
      kind: 'entry',
      message: entry ? 'one bit of the entry is flipped' : `${next - at} bytes are no entry`,
      segment,
      offset: at,
      size: next - at,
      ...(key && { key: keyHex(key) }),
    })
    this.#reached.set(segment, next)
    if (entry?.tag === TAG.commit) {
      await this.#commit({ segment, offset: next })
    } else if (entry) {
      if (entry.value) this.#takeOwn(reservedKind(entry.key), segment, at, entry.value, chained)
      if (entry.tag === TAG.put || chained) this.#pending.add(entry.tag, entry.key, 0, segment, at, next - at)
    } else {
      this.#findings.doubtUpTo({ segment, offset: next })
      if (gap.claimedKey && gap.chained && !this.#state.keys.has(gap.claimedKey)) {
        this.#pending.add(TAG.put, gap.claimedKey, 0, segment, at, next - at)
      }
    }
  }

  /** The walk has come to the durable mark. What is pending was committed, then, even if its COMMIT is damaged. */
  async #passMark(): Promise<void> {
    if (this.#passedMark) return
    this.#passedMark = true
    if (this.#pending.count > 0 && isBefore(this.#end, this.#durable)) await this.#commit(this.#durable)
  }

  async #commit(end: Position): Promise<void> {
    for (const [segment, bytes] of this.#reached) this.#state.segment(segment).bytes = bytes
    this.#reached.clear()
    this.#pending.commit(this.#state)
    this.#replayed.transactions++
    this.#end = end
    const list = this.#pendingList
    this.#pendingList = undefined
    if (list) await this.#retireAllBut(list)
  }

  /** A compaction is committed: of the segments before it only those in its list still count. */
  async #retireAllBut(list: SegmentList): Promise<void> {
    this.#chain.listed(list)
    const kept = new Set(list.staying)
    for (const segment of [...this.#state.segments.keys()]) {
      if (kept.has(segment) || segment >= list.segment) continue
      if (!this.#files.has(segment)) throw new StartAgain([])
      // Without it there is no doubt of what it may have hidden either.
      if (this.#findings.has(segment)) throw new StartAgain([segment])
      const isWhole = await takeOut(
        this.#files,
        this.#kernel,
        this.#state,
        segment,
        this.#id,
        this.#forgotten.get(segment),
      )
      if (!isWhole) throw new StartAgain([segment])
      this.#retired.push(segment)
    }
  }

  /** What is the log's own, of which it has to take note: good, or with one flipped bit. */
  #takeOwn(kind: number | undefined, segment: number, offset: number, value: Uint8Array, chained: boolean): void {
    if (kind === RESERVED.segmentList) this.#takeList(segment, value, chained)
    else if (kind === RESERVED.segmentHeader) this.#takeHeader(segment, offset, value)
  }

  #takeHeader(segment: number, offset: number, value: Uint8Array): void {
    const header = decodeSegmentHeader(value)
    if (header === undefined || offset !== MAGIC_BYTES) return
    if (this.#chain.overruns(segment, header, this.#state)) throw new StartAgain([])
    this.#state.transaction = Math.max(this.#state.transaction, header.transaction)
    if (!this.#chain.follows(segment, header)) return
    // What was behind the last commit then, and could not be cut off because damage was there, never happened.
    const { previous, previousEnd } = header
    const dropped = this.#pending.cutAt(previous === NO_SEGMENT ? START : { segment: previous, offset: previousEnd })
    for (const [from, at] of dropped) this.#forgotten.set(from, at)
    this.#pendingList = undefined
  }

  /**
   * A list that stands in another segment than it says is one of a misplaced file, and retires nothing; nor does one in another store's file, or behind a gap of
   * unknown length, where it may be part of a damaged value: whoever stores segments as contents has lists in them.
   */
  #takeList(segment: number, value: Uint8Array, chained: boolean): void {
    const list = decodeSegmentList(value)
    if (chained && list?.segment === segment) this.#pendingList = list
  }
}

/**
 * Takes all entries of a retired segment out of the state, up to those that were never in it; false when some of them cannot be read any more, or
 * others stand in their place.
 */
async function takeOut(
  files: SegmentFiles,
  kernel: Kernel,
  state: LogState,
  segment: number,
  id: Uint8Array,
  forgotten = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  let end = MAGIC_BYTES
  const walk = new SegmentWalk(files, kernel)
  if (await walk.isMisplaced(segment, id)) return false
  for await (const part of walk.walk(segment, MAGIC_BYTES, () => false)) {
    if (!('records' in part)) return false
    for (let i = 0; i < part.count; i++) {
      const at = part.records[i * 3] as number
      const size = part.records[i * 3 + 1] as number
      const tag = part.records[i * 3 + 2] as number
      end = part.base + at + size
      if (tag !== TAG.put || part.base + at >= forgotten) continue
      state.retireEntry(TAG.put, part.bytes, at + ENTRY.key, { segment, offset: part.base + at, size })
    }
  }
  if (end < state.segment(segment).bytes) return false
  state.segments.delete(segment)
  return true
}
