/** What the index holds besides the users' keys, and what of these is a content: a blob may also be no more than a chunk of others. */

import { CHECKPOINT, records } from '../format/checkpoint.js'
import { KEY_BYTES, RESERVED, reservedKind } from '../format/key.js'
import type { LogState } from '../log/state.js'
import type { Holders } from './holders.js'

/** Keys of the store's own entries of these kinds, as committed. */
export function ownKeys(state: LogState, kinds: readonly number[]): Uint8Array[] {
  const keys: Uint8Array[] = []
  // Most stores have none, and need not be looked through.
  if (!kinds.some((kind) => state.ownCount(kind) > 0)) return keys
  const block = state.keys.entries()
  for (const { at } of records(block)) {
    const kind = reservedKind(block, at)
    if (kind !== undefined && kinds.includes(kind)) keys.push(block.slice(at, at + KEY_BYTES))
  }
  return keys
}

/** A copy of the records of what users stored, as committed: of contents of one entry, and of manifests. The holders have to be loaded. */
export function contentRecords(state: LogState, { lists }: Holders): Uint8Array {
  const block = state.keys.entries().slice()
  let end = 0
  for (const { at } of records(block)) {
    const kind = reservedKind(block, at)
    const isContent =
      kind === undefined ? lists.size === 0 || lists.committed(block, at) === 0 : kind === RESERVED.manifest
    if (!isContent) continue
    block.copyWithin(end, at, at + CHECKPOINT.entryBytes)
    end += CHECKPOINT.entryBytes
  }
  return block.subarray(0, end)
}
