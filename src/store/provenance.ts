/**
 * Whether the keys of a store are the SHA-256 of their contents. They are as long as nobody chose a key: `set` says so in the log, once, in an
 * entry of the store's own; and a log whose oldest segment another program wrote may hold any key.
 */

import {
  CHOSEN_KEYS_KEY,
  decodeSegmentHeader,
  ENTRY,
  MAGIC_BYTES,
  SEGMENT_HEADER_ENTRY_BYTES,
  TAG,
} from '../format/entry.js'
import { RESERVED, reservedKind } from '../format/key.js'
import type { Context } from './context.js'
import type { Staging } from './staging.js'

/** False when a key may have been chosen: then only its bytes say what is under it. */
export async function keysAreHashes(context: Context): Promise<boolean> {
  return context.state.ownCount(RESERVED.chosenKeys) === 0 && !(await isForeign(context))
}

/** The same as far as it is known without waiting. */
export function keysAreKnownHashes({ state, foreign }: Context): boolean {
  return foreign === false && state.ownCount(RESERVED.chosenKeys) === 0
}

/** Says in the transaction, unless the log has it already, that keys are chosen. */
export async function noteChosenKeys(staging: Staging): Promise<void> {
  if (!staging.has(CHOSEN_KEYS_KEY)) await staging.append(TAG.put, CHOSEN_KEYS_KEY)
}

/** Says the same before a compaction takes away the segments that show it. */
export async function noteForeignKeys(context: Context, staging: Staging): Promise<void> {
  if (await isForeign(context)) await noteChosenKeys(staging)
}

/** Found out when it is first asked for: a file takes milliseconds to open. Only the oldest segment is looked at, as ours come after. */
async function isForeign(context: Context): Promise<boolean> {
  context.foreign ??= await isForeignSegment(context, Math.min(...context.state.segments.keys()))
  return context.foreign
}

async function isForeignSegment({ files }: Context, segment: number): Promise<boolean> {
  if (!files.has(segment)) return false
  const start = new Uint8Array(MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES)
  await files.with(segment, (file) => file.read(start, 0))
  const isHeader = reservedKind(start, MAGIC_BYTES + ENTRY.key) === RESERVED.segmentHeader
  return !isHeader || !decodeSegmentHeader(start.subarray(MAGIC_BYTES + ENTRY.putHeaderBytes))?.tellsChosenKeys
}
