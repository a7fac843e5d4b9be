/**
 * What is done between commits, when nobody waits: checkpoints and the removal of what they make needless. Both are amortized over the
 * bytes the log has grown by, so the cost of a commit does not depend on how much the store holds.
 */

import { assert, isStoreError } from '../errors.js'
import { CHECKPOINT } from '../format/checkpoint.js'
import { checkpointFile } from '../format/paths.js'
import { saveCheckpoint } from '../log/checkpoint.js'
import type { Storage } from '../storage/storage.js'
import type { Context } from './context.js'
import { flushLog } from './staging.js'

/** A checkpoint is written when the log has grown by this many times its size: so it adds at most an eighth to what is written. */
const CHECKPOINT_GROWTH = 8
/** ... and by at least this: what takes a few milliseconds to replay needs none. */
export const CHECKPOINT_BYTES_LEAST = 8 * 1024 * 1024
/** A clean close writes one already when the log has grown by a 32nd of that. */
const CLOSING_SHARE = 32

export function checkpointIsDue({ state, bytesSinceCheckpoint, checkpointBytes }: Context): boolean {
  const size = (state.keys.count + state.shadows.count) * CHECKPOINT.entryBytes
  return bytesSinceCheckpoint >= Math.max(checkpointBytes, size * CHECKPOINT_GROWTH)
}

export function closingCheckpointIsDue({ checkpoint, bytesSinceCheckpoint, checkpointBytes }: Context): boolean {
  return (
    bytesSinceCheckpoint >= checkpointBytes / CLOSING_SHARE || (checkpoint === undefined && bytesSinceCheckpoint > 0)
  )
}

/**
 * Saves the state. The checkpoint before this one stays until the new one is durable: should both be of one segment, and so have one
 * name, the segment is closed first.
 */
export async function checkpoint(context: Context): Promise<void> {
  const { storage, state, writer, head } = context
  if (context.degraded) return
  await flushLog(context)
  if (context.checkpoint?.segment === writer.position.segment) await writer.roll()
  const position = writer.position
  await saveCheckpoint(storage, state, position, context.id, context.crc)
  await head.flush()
  const old = context.checkpoint
  context.checkpoint = position
  context.bytesSinceCheckpoint = 0
  if (old && old.segment !== position.segment) await removeCheckpoint(storage, old.segment)
  await removeRetired(context)
}

async function removeCheckpoint(storage: Storage, segment: number): Promise<void> {
  try {
    await storage.remove(checkpointFile(segment))
  } catch (error) {
    // Gone already, as it should be: it vanished under the open store, which a new checkpoint mends.
    if (!isStoreError(error, 'NOT_FOUND')) throw error
  }
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
    else await removeRetired(context)
  }
}

/** Removes the files of segments that compaction retired. After a checkpoint only copies of the store need them. */
async function removeRetired(context: Context): Promise<void> {
  assert(!context.degraded, 'a degraded store, which gives nothing away, writes no checkpoint')
  if (context.frozenCount > 0) return
  for (let segment = context.retired.at(-1); segment !== undefined; segment = context.retired.at(-1)) {
    if (context.lent.has(segment)) context.outlived.push(segment)
    else await context.files.remove(segment)
    context.retired.pop()
  }
}

/** At the close: removes the files that only Blobs needed. */
export async function removeOutlived({ outlived, files }: Context): Promise<void> {
  for (const segment of outlived) await files.remove(segment)
}
