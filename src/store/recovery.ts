/**
 * What happens between the lock and the first call: take the newest good checkpoint, replay the log behind it, and cut off what
 * no COMMIT covers. A crash anywhere in here leaves a store that the next opening treats the same way.
 */

import { isStoreError } from '../errors.js'
import { COMMIT } from '../format/entry.js'
import type { Crc, Head } from '../format/head.js'
import { HEAD_FILE } from '../format/paths.js'
import type { Kernel } from '../kernel/kernel.js'
import { loadCheckpoint } from '../log/checkpoint.js'
import { isBefore, type Position, START } from '../log/position.js'
import { SegmentScan } from '../log/reader.js'
import { type ReplayResult, replayLog } from '../log/replay.js'
import type { SegmentFiles } from '../log/segments.js'
import type { LogState } from '../log/state.js'
import type { Storage } from '../storage/storage.js'
import type { Damage, Recovery } from '../types.js'
import type { FoundCheckpoint } from './inventory.js'
import { isBeingMoved, setAside } from './lost-and-found.js'
import { RESERVE_BYTES, type Reserve } from './reserve.js'

export interface Recovered {
  recovery: Recovery
  replay: ReplayResult
  checkpoint: Position | undefined
  degraded: boolean
  /** Segments with entries in them that were never committed, and could not be cut off. */
  uncut: ReadonlySet<number>
  /** Where the next entry goes, and the end of the segment before it. */
  end: Position
  previous: Position | undefined
}

export interface RecoveryInput {
  storage: Storage
  kernel: Kernel
  crc: Crc
  id: Uint8Array
  files: SegmentFiles
  /** Newest first. */
  checkpoints: readonly FoundCheckpoint[]
  state: LogState
  /** What the head file says: undefined when it cannot be believed; and how many of its slots cannot be read. */
  head: Head | undefined
  unreadableSlots: number
  reserve: Reserve
}

const COPY_BYTES = 1024 * 1024
/** So much room the reserve gives. */
const MOVED_BYTES = RESERVE_BYTES / 2

export async function recover(input: RecoveryInput): Promise<Recovered> {
  const { storage, files, checkpoints, state, head } = input
  const damaged: Damage[] = []
  let checkpoint = await firstGood(input, damaged)
  if (input.unreadableSlots > 0 && (files.list().length > 0 || checkpoint)) {
    const message =
      head === undefined
        ? 'the head cannot be read, so a damaged end of the log would look like a torn one'
        : 'one slot of the head cannot be read: torn by a crash, or damaged'
    damaged.push({ kind: 'head', file: HEAD_FILE, message })
  }
  const durable = later(head ?? START, checkpoint?.position ?? START)
  const { kernel, id } = input
  const replay = await replayLog({ files, kernel, state, id, durable, from: checkpoint?.position })
  if (!replay.fromCheckpoint) checkpoint = undefined
  damaged.push(...replay.damaged)
  state.transaction = Math.max(state.transaction, head?.transaction ?? 0)
  const recovery: Recovery = {
    created: false,
    source: checkpoint ? 'checkpoint' : 'log',
    replayed: replay.replayed,
    rolledBack: { entries: 0, bytes: 0 },
    setAside: [],
    damaged,
  }
  const degraded = damaged.some(({ kind }) => kind === 'entry' || kind === 'segment')
  const uncut = new Set([...replay.forgotten, ...(await cutTail(input, replay, recovery))])
  if (!degraded) {
    for (const { name } of checkpoints) if (name !== checkpoint?.name) await storage.remove(name)
  }
  const { end, previous } = nextEntry(files, state, replay.end, degraded, durable)
  return { recovery, replay, checkpoint: checkpoint?.position, degraded, uncut, end, previous }
}

async function firstGood(
  input: RecoveryInput,
  damaged: Damage[],
): Promise<{ name: string; position: Position } | undefined> {
  const { storage, checkpoints, state, id, crc } = input
  for (const { name } of checkpoints) {
    const load = await loadCheckpoint(storage, name, state, id, crc)
    if (load.kind === 'loaded') {
      if (!(await isOverrun(input, load.position))) return { name, position: load.position }
      state.clear()
    }
    if (load.kind === 'corrupt') {
      const message = 'the checkpoint does not match its checksum; the log is read instead'
      damaged.push({ kind: 'checkpoint', file: name, message })
    }
  }
  return undefined
}

/**
 * True for a checkpoint that was taken when a segment had just been closed, and removed; the log went on in that segment, and then a crash undid the
 * removal. It knows nothing of what stands there. (Where a cut has taken that away, the head tells, or the header of the segment behind it: see the replay.)
 */
async function isOverrun({ files, kernel, state, id, head }: RecoveryInput, position: Position): Promise<boolean> {
  if (position.offset > 0) return false
  if (head && head.transaction > state.transaction && isBefore(head, position)) return true
  const end = endBefore(state, position.segment)
  if (end === undefined || !files.has(end.segment)) return false
  if ((await files.with(end.segment, (file) => file.size())) <= end.offset) return false
  // A file that holds another segment may be longer too.
  return !(await new SegmentScan(files, kernel).isMisplaced(end.segment, id))
}

/** Where the last segment before this one ended when it was closed. Not the size of its file, which may have been cut since. */
function endBefore(state: LogState, segment: number): Position | undefined {
  const last = Math.max(-1, ...[...state.segments.keys()].filter((other) => other < segment))
  const known = state.segments.get(last)
  return known && { segment: last, offset: known.bytes }
}

/**
 * Removes what lies behind the last commit. What might hold a COMMIT that cannot be reached is copied to lost+found/ first; behind
 * damage nothing is removed, so that the next opening finds it again: the segments are answered in which it stays.
 */
async function cutTail(
  input: RecoveryInput,
  { end, stop, tailEntries, damaged, misplaced }: ReplayResult,
  recovery: Recovery,
): Promise<number[]> {
  const { files } = input
  recovery.rolledBack.entries = tailEntries
  const isBehind = (position: Position) => !isBefore(position, end)
  const isDamaged =
    damaged.some(({ segment, offset = 0 }) => segment !== undefined && isBehind({ segment, offset })) ||
    // In a file that holds another segment nothing ends where the log did.
    misplaced.some((segment) => segment >= end.segment)
  if (isDamaged) {
    const isLonger = files.has(end.segment) && (await files.with(end.segment, (file) => file.size())) > end.offset
    return files.list().filter((segment) => segment > end.segment || (segment === end.segment && isLonger))
  }
  for (const segment of files.list().reverse()) {
    if (segment < end.segment) break
    const from = segment === end.segment ? end.offset : 0
    const size = await files.with(segment, (file) => file.size())
    if (size > from) {
      recovery.rolledBack.bytes += size - from
      const unread = segment === stop.segment ? stop.offset : size // no segment behind the stop has bytes
      if ((await holdsCommit(files, segment, unread)) || (await isBeingMoved(input.storage, segment, size))) {
        recovery.setAside.push(...(await setTailAside(input, segment, from, size)))
      }
    }
    if (from === 0) await files.discard(segment)
    else if (size > from) await cutOff(files, segment, from)
  }
  return []
}

async function cutOff(files: SegmentFiles, segment: number, from: number): Promise<void> {
  await files.open(segment)
  const file = files.peek(segment)
  file?.truncate(from)
  await file?.flush()
}

/**
 * Copies the tail as a whole. For who cannot open the store on a full disk cannot delete anything either, there it is moved instead, piece by piece
 * from its end, which takes no more room than a piece.
 */
async function setTailAside(
  { storage, files, reserve }: RecoveryInput,
  segment: number,
  from: number,
  size: number,
): Promise<string[]> {
  try {
    return [await setAside(storage, files, segment, from)]
  } catch (error) {
    if (!isStoreError(error, 'QUOTA')) throw error
  }
  await reserve.release()
  const paths: string[] = []
  for (let end = size; end > from; ) {
    const at = Math.max(from, end - MOVED_BYTES)
    paths.unshift(await setAside(storage, files, segment, at))
    await cutOff(files, segment, at)
    end = at
  }
  return paths
}

/** True when the nine bytes of a COMMIT stand anywhere behind `from`. */
async function holdsCommit(files: SegmentFiles, segment: number, from: number): Promise<boolean> {
  const overlap = COMMIT.length - 1
  const bytes = new Uint8Array(COPY_BYTES)
  for (let at = from; ; at += COPY_BYTES - overlap) {
    const got = await files.with(segment, (file) => file.read(bytes, at))
    for (let i = 0; i + COMMIT.length <= got; i++) {
      if (COMMIT.every((byte, j) => bytes[i + j] === byte)) return true
    }
    if (got < COPY_BYTES) return false
  }
}

/** The log goes on where it ends; behind damage, and behind nothing, in a segment of its own. */
function nextEntry(
  files: SegmentFiles,
  state: LogState,
  end: Position,
  degraded: boolean,
  durable: Position,
): { end: Position; previous: Position | undefined } {
  const before = end.offset > 0 ? undefined : endBefore(state, end.segment)
  if (!degraded) return { end, previous: before }
  const segment = Math.max(files.list().at(-1) ?? 0, durable.segment, end.segment) + 1
  return { end: { segment, offset: 0 }, previous: before ?? (end.offset > 0 ? end : undefined) }
}

function later<T extends Position>(a: T, b: Position): Position {
  return isBefore(a, b) ? b : a
}
