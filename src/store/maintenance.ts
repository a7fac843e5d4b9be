/**
 * Checkpoints, written between commits when nobody waits, and the removal of what they make needless. Both are amortized over the
 * bytes the log has grown by, so the cost of a commit does not depend on how much the store holds; and a large checkpoint goes in
 * slices, so that no commit waits for more than one of them. All steps have their turn in the queue: none goes on beside a commit.
 */

import { assert, isStoreError } from '../errors.js'
import { CHECKPOINT } from '../format/checkpoint.js'
import { checkpointFile } from '../format/paths.js'
import { CheckpointSave } from '../log/checkpoint.js'
import type { Storage } from '../storage/storage.js'
import { unlessAbsent } from '../storage/use.js'
import type { Context } from './context.js'
import { flushLog } from './flush.js'

/** A checkpoint is written when the log has grown by this many times its size: so it adds at most an eighth to what is written. */
const CHECKPOINT_GROWTH = 8
/**
 * ... and by at least this, which an opening reads in a tenth of a second. Two segments of the usual size: a checkpoint that comes in the
 * same segment as the one before ends that segment early, and many short segments are many files to open.
 */
export const CHECKPOINT_BYTES_LEAST = 32 * 1024 * 1024
/** A clean close writes one already when the log has grown by this share of that. */
const CLOSING_SHARE = 128

/** What is written of a large checkpoint at a time: it takes a millisecond or two. */
export const SLICE_BYTES = 1024 * 1024
/** A checkpoint of up to this many slices is written at once. */
const SLICES_AT_ONCE = 2

/** A checkpoint that is written in slices, and what was true when it began. */
export interface Saving {
  readonly save: CheckpointSave
  /** `Context.bytesSinceCheckpoint` then: what it covers. */
  readonly bytes: number
  /** The retired segments that no replay from it needs. */
  readonly retired: readonly number[]
}

export function checkpointIsDue(context: Context): boolean {
  const { bytesSinceCheckpoint, checkpointBytes, checkpointFrom } = context
  return bytesSinceCheckpoint >= Math.max(checkpointBytes, checkpointFrom, tableBytes(context) * CHECKPOINT_GROWTH)
}

export function closingCheckpointIsDue({ checkpoint, bytesSinceCheckpoint, checkpointBytes }: Context): boolean {
  return (
    bytesSinceCheckpoint >= checkpointBytes / CLOSING_SHARE || (checkpoint === undefined && bytesSinceCheckpoint > 0)
  )
}

function tableBytes({ state }: Context): number {
  return (state.keys.count + state.shadows.count) * CHECKPOINT.entryBytes
}

/** Saves the state, now and at once. */
export async function checkpoint(context: Context): Promise<void> {
  if (context.degraded) return
  await beginCheckpoint(context)
  const { saving } = context
  assert(saving !== undefined, 'a checkpoint that was begun is under way')
  await orAbandon(context, async () => {
    while (saving.save.write());
    await finishCheckpoint(context, saving)
  })
}

/**
 * The next step of a checkpoint between commits: to begin one that is due, a slice of one that is under way, or its end. A small one
 * is done in one step.
 */
export async function checkpointStep(context: Context): Promise<void> {
  const { saving } = context
  if (saving) {
    await orAbandon(context, async () => {
      if (saving.save.write()) await saving.save.flush()
      else await finishCheckpoint(context, saving)
    })
  } else if (!context.degraded && checkpointIsDue(context)) {
    if (tableBytes(context) <= SLICES_AT_ONCE * context.sliceBytes) await checkpoint(context)
    else await beginCheckpoint(context)
  }
}

/**
 * Takes down the state as it is. The checkpoint before this one stays until the new one is durable: should both be of one segment, and so
 * have one name, the segment is closed first.
 */
async function beginCheckpoint(context: Context): Promise<void> {
  const { storage, state, writer, id, crc, sliceBytes } = context
  await abandonCheckpoint(context)
  await flushLog(context)
  if (context.checkpoint?.segment === writer.position.segment) await writer.roll()
  const { position } = writer
  context.unfinished.add(position.segment)
  // Nothing has come since, so there was no segment to close: it is written over.
  if (context.checkpoint?.segment === position.segment) context.checkpoint = undefined
  const save = await CheckpointSave.begin(storage, state, position, id, crc, sliceBytes)
  context.saving = { save, bytes: context.bytesSinceCheckpoint, retired: [...context.retired] }
}

async function finishCheckpoint(context: Context, { save, bytes, retired }: Saving): Promise<void> {
  assert(!context.degraded, 'a degraded store, which gives nothing away, writes no checkpoint')
  const { storage, head } = context
  await save.finish()
  context.saving = undefined
  const old = context.checkpoint
  context.checkpoint = save.position
  context.unfinished.delete(save.position.segment)
  context.bytesSinceCheckpoint -= bytes
  context.checkpointFrom = 0
  await head.flush()
  if (old && old.segment !== save.position.segment) await removeCheckpoint(storage, old.segment)
  await removeUnfinished(context)
  await removeRetired(context, retired)
}

/** Runs a step. If it fails, the checkpoint is given up, and not tried again before the log has grown by a segment. */
async function orAbandon(context: Context, step: () => Promise<void>): Promise<void> {
  try {
    await step()
  } catch (error) {
    if (context.saving) {
      context.checkpointFrom = context.bytesSinceCheckpoint + context.config.segmentBytesMax
      await abandonCheckpoint(context)
    }
    throw error
  }
}

/** Gives up a checkpoint that is under way, if there is one: the one before it stays. */
export async function abandonCheckpoint(context: Context): Promise<void> {
  context.saving?.save.abandon()
  context.saving = undefined
  await removeUnfinished(context).catch(unlessFailed)
}

/** Removes what is left of checkpoints that were given up, and those that no opening leaned on. What cannot be removed now goes with the next one, or at the next opening. */
async function removeUnfinished({ storage, unfinished }: Context): Promise<void> {
  for (const segment of unfinished) {
    await removeCheckpoint(storage, segment)
    unfinished.delete(segment)
  }
}

async function removeCheckpoint(storage: Storage, segment: number): Promise<void> {
  // It may be gone already, as it should be: when it vanished under the open store, a new checkpoint mends that.
  await unlessAbsent(storage.remove(checkpointFile(segment)))
}

/**
 * A checkpoint after a compaction, whatever it takes: with the reserve if the disk is full, and if that is not enough the retired files go
 * without one. (The next opening then reads the whole log.)
 */
export async function checkpointWithReserve(context: Context): Promise<void> {
  try {
    await checkpoint(context)
  } catch (error) {
    if (!isStoreError(error, 'QUOTA')) throw error
    if (await context.reserve.release()) await checkpointWithReserve(context)
    else await removeRetired(context, [...context.retired])
  }
}

/** Gives back what was retired before: at once when the checkpoint there is knows of it, else with another one. */
export async function giveBackRetired(context: Context): Promise<void> {
  const { retired, frozenCount, blobsCount, checkpoint, writer } = context
  if (retired.length === 0 || frozenCount > 0 || blobsCount > 0) return
  const { segment, offset } = writer.position
  // One that stands where the log does would be written over, while it is the only one.
  if (checkpoint?.segment === segment && checkpoint.offset === offset) await removeRetired(context, [...retired])
  else await checkpointWithReserve(context)
}

/** When `error` says that the disk is full: gives back what was retired before. True when there is more room now, and another try may do. */
export async function makesRoom(context: Context, error: unknown): Promise<boolean> {
  const { length } = context.retired
  if (length === 0 || !isStoreError(error, 'QUOTA')) return false
  await giveBackRetired(context).catch(unlessFailed)
  return context.retired.length < length
}

/** Removes the files of segments that nothing needs any more but copies of the store and Blobs: while there are some, the files stay. */
export async function removeRetired(context: Context, retired: readonly number[]): Promise<void> {
  if (context.frozenCount > 0 || context.blobsCount > 0) return
  for (const segment of retired) {
    if (context.lent.has(segment)) context.outlived.push(segment)
    else await context.files.remove(segment)
    context.retired = context.retired.filter((other) => other !== segment)
  }
}

/** At the close: removes the files that only Blobs needed. */
export async function removeOutlived({ outlived, files }: Context): Promise<void> {
  for (const segment of outlived) await files.remove(segment)
}

/** What the disk, or the memory (a RangeError), refuses between commits it may grant later. */
export function unlessFailed(error: unknown): void {
  if (!isStoreError(error) && !(error instanceof RangeError)) throw error
}

/** Until messages and timers that were there before have had their turn. */
export async function pause(): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, 0))
}
