/** The entries of a frozen store, in the order of the log: in that order reading them is cheap. */

import { CHECKPOINT, records } from '../format/checkpoint.js'
import { KEY_BYTES } from '../format/key.js'
import type { Frozen } from '../types.js'

/** A PUT that the index points to; the store's own ones are among them. */
export interface FrozenEntry {
  key: Uint8Array<ArrayBuffer>
  /** Of the whole entry, in bytes. */
  size: number
  /** What `Frozen.value` knows it by. */
  index: number
}

export async function entriesOf(frozen: Frozen): Promise<FrozenEntry[]> {
  const block = await frozen.entries()
  const found = Array.from(records(block))
  found.sort((a, b) => a.segment - b.segment || a.offset - b.offset)
  return found.map(({ at, size }) => ({
    key: block.subarray(at, at + KEY_BYTES),
    size,
    index: at / CHECKPOINT.entryBytes,
  }))
}
