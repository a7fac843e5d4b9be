/** What a store holds as a whole: its contents, and its figures. The holders have to be loaded. */

import { throwIfAborted } from '../errors.js'
import { records } from '../format/checkpoint.js'
import { isUserKey, KEY_BYTES, keyHex, RESERVED } from '../format/key.js'
import { valueBytes } from '../log/state.js'
import type { KeyEntry, Stats } from '../types.js'
import type { Context } from './context.js'
import type { Holders } from './holders.js'
import { contentRecords } from './index-records.js'
import { readListed } from './read-content.js'

/** Every content as committed now, in no order. */
export async function* listContents(
  context: Context,
  holders: Holders,
  signal: AbortSignal | undefined,
): AsyncGenerator<KeyEntry> {
  const block = contentRecords(context.state, holders)
  for (const record of records(block)) {
    throwIfAborted(signal)
    const { at } = record
    if (isUserKey(block, at)) {
      yield { key: keyHex(block, at), size: valueBytes(record) }
    } else {
      const manifest = await readListed(context, block.subarray(at, at + KEY_BYTES))
      if (manifest) yield { key: keyHex(manifest.key), size: manifest.size }
    }
  }
}

export function statsOf({ state }: Context, { lists }: Holders): Stats {
  const { bytes, liveBytes } = state.totals()
  return {
    // A chunk that a repair had to give up is listed, and not there.
    count: state.userCount - lists.sizeWithin(state.keys) + state.ownCount(RESERVED.manifest),
    bytes: state.userBytes,
    logBytes: bytes,
    liveBytes,
    deadBytes: bytes - liveBytes,
    transactions: state.transaction,
    segments: [...state.segments]
      .sort(([a], [b]) => a - b)
      .map(([segment, { bytes, liveBytes }]) => ({ segment, bytes, liveBytes })),
    indexBytes: state.keys.memoryBytes + state.shadows.memoryBytes,
  }
}
