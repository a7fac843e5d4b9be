/**
 * Compaction: the live entries of sparse segments are copied to the end of the log as an ordinary transaction, which also commits
 * the list of the segments that stay. From that COMMIT on the others are retired; their files go after the next checkpoint. A crash at any point
 * leaves either the old segments or the new ones in charge.
 */

import { assert, isStoreError, throwIfAborted } from '../errors.js'
import { ENTRY, encodeSegmentList, MAGIC_BYTES, SEGMENT_LIST_KEY, TAG } from '../format/entry.js'
import { Journal } from '../log/journal.js'
import type { LogState, SegmentState } from '../log/state.js'
import { SegmentWalk } from '../log/walk.js'
import type { CompactOptions, CompactReport } from '../types.js'
import type { Context } from './context.js'
import { flushLog } from './flush.js'
import { checkpointWithReserve, giveBackRetired } from './maintenance.js'
import { noteForeignKeys } from './provenance.js'
import type { Staging } from './staging.js'

export const THRESHOLD = 0.5
/** Of a segment that is rewritten though less than half of the log is dead: the copy adds a ninth to what it gives back. */
const THRESHOLD_EARLY = 0.9

/** Closed segments whose share of dead bytes is at least `threshold`, oldest first. Their file's first bytes always count as dead. */
export function sparseSegments({ state, writer, unsound, degraded }: Context, threshold: number): number[] {
  if (degraded) return []
  const sparse: number[] = []
  for (const [segment, { bytes, liveBytes }] of state.segments) {
    const isClosed = segment !== writer.position.segment
    if (isClosed && !unsound.has(segment) && (bytes - liveBytes) / bytes >= threshold) sparse.push(segment)
  }
  return sparse.sort((a, b) => a - b)
}

/** The first of these segments whose live bytes together make about one segment: what one step rewrites. */
export function oneStep({ state, config }: Context, segments: readonly number[]): number[] {
  let copied = 0
  let count = 0
  for (const segment of segments) {
    copied += statistics(state, segment).liveBytes
    if (count > 0 && copied > config.segmentBytesMax) break
    count++
  }
  return segments.slice(0, count)
}

/**
 * What one step between commits rewrites: the deadest sparse segments, once half of the log is dead; before that only those of which
 * next to nothing is left. The longer a segment waits, the less of it has to be copied.
 */
export function dueSegments(context: Context): number[] {
  const { state } = context
  const { bytes, liveBytes } = state.totals()
  const threshold = bytes - liveBytes >= bytes * THRESHOLD ? THRESHOLD : THRESHOLD_EARLY
  return oneStep(context, deadestFirst(context, sparseSegments(context, threshold)))
}

/** Rewrites every segment that is sparse, the one being written too, and gives the space back. */
export async function compactStore(
  context: Context,
  staging: Staging,
  { threshold, signal, onProgress }: CompactOptions & { threshold: number },
): Promise<CompactReport> {
  throwIfAborted(signal)
  const { state, writer } = context
  const active = state.segments.get(writer.position.segment)
  if (active && (active.bytes - active.liveBytes) / active.bytes >= threshold) {
    await flushLog(context)
    await writer.roll()
  }
  const report: CompactReport = { segments: 0, copiedBytes: 0, freedBytes: 0 }
  let left = sparseSegments(context, threshold)
  const total = bytesOf(state, left)
  while (left.length > 0) {
    throwIfAborted(signal)
    const step = oneStep(context, left)
    const done = await compactSegments(context, staging, step, true, signal)
    // On a full disk a step may have done a part only; what it passed over is damaged.
    left = left.filter((segment) => state.segments.has(segment) && (done.segments > 0 || !step.includes(segment)))
    report.segments += done.segments
    report.copiedBytes += done.copiedBytes
    report.freedBytes += done.freedBytes
    onProgress?.({ done: report.freedBytes, total })
  }
  if (report.segments > 0) await checkpointWithReserve(context)
  // What was retired between commits, or while the store was copied.
  else await giveBackRetired(context)
  report.freedBytes -= report.copiedBytes
  return report
}

/** Rewrites these segments in one transaction. Those in which damage is met are left as they are, and not tried again. */
export async function compactSegments(
  context: Context,
  staging: Staging,
  segments: readonly number[],
  mayUseReserve: boolean,
  signal?: AbortSignal,
): Promise<CompactReport> {
  const { state } = context
  const gone = new Journal()
  let victims = segments
  for (;;) {
    if (victims.length === 0) return { segments: 0, copiedBytes: 0, freedBytes: 0 }
    const before = context.state.totals().bytes
    const freedBytes = bytesOf(state, victims)
    try {
      await staging.transact(true, async () => {
        gone.clear()
        for (const victim of victims) await copyLive(context, staging, victim, gone, signal)
        await noteForeignKeys(context, staging)
        await appendList(context, staging, victims)
      })
    } catch (error) {
      if (error instanceof Unsound) {
        context.unsound.add(error.segment)
        victims = victims.filter((segment) => segment !== error.segment)
      } else if (
        isStoreError(error, 'QUOTA') &&
        (victims.length > 1 || (mayUseReserve && (await context.reserve.release())))
      ) {
        // Little room: one at a time, the deadest first, and then with the reserve.
        victims = deadestFirst(context, victims).slice(0, 1)
      } else {
        throw error
      }
      continue
    }
    const copiedBytes = state.totals().bytes - before
    gone.forEach((tag, keys, keyAt, location) => {
      state.retireEntry(tag, keys, keyAt, location)
    })
    for (const victim of victims) {
      state.segments.delete(victim)
      context.retired.push(victim)
    }
    return { segments: victims.length, copiedBytes, freedBytes }
  }
}

function deadestFirst({ state }: Context, segments: readonly number[]): number[] {
  const live = (segment: number) => statistics(state, segment).liveBytes
  return [...segments].sort((a, b) => live(a) - live(b))
}

function bytesOf(state: LogState, segments: readonly number[]): number {
  return segments.reduce((sum, segment) => sum + statistics(state, segment).bytes, 0)
}

function statistics(state: LogState, segment: number): SegmentState {
  const found = state.segments.get(segment)
  assert(found !== undefined, 'a segment has statistics until it is compacted')
  return found
}

/** A segment turned out damaged while it was copied: what it holds must not be dropped. */
class Unsound extends Error {
  constructor(readonly segment: number) {
    super(`segment ${segment} is damaged`)
  }
}

async function copyLive(
  context: Context,
  staging: Staging,
  segment: number,
  gone: Journal,
  signal: AbortSignal | undefined,
): Promise<void> {
  const walk = new SegmentWalk(context.files, context.kernel)
  let end = 0
  if (await walk.isMisplaced(segment, context.id)) throw new Unsound(segment)
  for await (const part of walk.walk(segment, MAGIC_BYTES, () => false)) {
    if (!('records' in part)) throw new Unsound(segment)
    throwIfAborted(signal)
    for (let i = 0; i < part.count; i++) {
      const at = part.records[i * 3] as number
      const size = part.records[i * 3 + 1] as number
      const tag = part.records[i * 3 + 2] as number
      end = part.base + at + size
      if (tag !== TAG.put && tag !== TAG.delete) continue
      const keyAt = at + ENTRY.key
      const location = { segment, offset: part.base + at, size }
      if (context.state.isLive(tag, part.bytes, keyAt, location)) {
        const key = part.bytes.slice(keyAt, keyAt + 32)
        await staging.append(tag, key, part.bytes.subarray(at + ENTRY.putHeaderBytes, at + size))
      }
      gone.add(tag, part.bytes, keyAt, segment, location.offset, size)
    }
  }
  if (end < statistics(context.state, segment).bytes) throw new Unsound(segment)
}

/** The list of what stays: everything but the victims, up to the segment that the list itself stands in. */
export async function appendList(context: Context, staging: Staging, victims: readonly number[]): Promise<void> {
  const { state, writer } = context
  await writer.makeRoom()
  const leaving = new Set(victims)
  const staying = new Set([...state.segments.keys()].filter((segment) => !leaving.has(segment)))
  for (let segment = staging.firstSegment; segment <= writer.position.segment; segment++) staying.add(segment)
  const sorted = [...staying].sort((a, b) => a - b)
  // Those of this transaction are not closed.
  const ends = sorted.map((segment) => (segment < staging.firstSegment ? state.segment(segment).bytes : 0))
  const list = { segment: writer.position.segment, staying: sorted, ends }
  await staging.append(TAG.put, SEGMENT_LIST_KEY, encodeSegmentList(list))
}
