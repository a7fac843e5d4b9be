/** Many contents in one transaction, in bounded memory. */

import { throwIfAborted } from '../errors.js'
import { checkMany, pull } from '../flow.js'
import type { Data, Key } from '../types.js'
import { sourceBytes } from './data.js'
import type { EngineTransaction } from './transaction.js'

/** Bytes that are taken from the source ahead of the writing. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024
/** Values of a synchronous source are put together, so many bytes at a time. */
const TOGETHER_BYTES = 4 * 1024 * 1024

/**
 * Puts them in their order. Takes no more from the source while much of what it gave waits, nor when the signal has fired: ABORTED, as when
 * `closing` fires while an asynchronous source is waited for.
 */
export async function putAll(
  tx: Pick<EngineTransaction, 'putMany'>,
  data: Iterable<Data> | AsyncIterable<Data>,
  signal: AbortSignal | undefined,
  closing: AbortSignal,
): Promise<Key[]> {
  checkMany(data)
  const keys: Promise<Key[]>[] = []
  let bytesWaiting = 0
  /** Waits when many bytes do. */
  const put = (items: Data[], bytes: number): Promise<unknown> | undefined => {
    const stored = tx.putMany(items)
    // Met below; until then a failure is nobody's, and must not end the process.
    stored.catch(() => undefined)
    keys.push(stored)
    bytesWaiting += bytes
    if (bytesWaiting < WAITING_BYTES_MAX) return undefined
    bytesWaiting = 0
    return stored
  }
  if (Symbol.iterator in data) {
    let items: Data[] = []
    let bytes = 0
    // Not by `for await`, which would part what is there together.
    for (const item of data) {
      throwIfAborted(signal)
      items.push(item)
      bytes += sourceBytes(item)
      if (bytes < TOGETHER_BYTES) continue
      const waits = put(items, bytes)
      if (waits) await waits
      items = []
      bytes = 0
    }
    void put(items, bytes)
  } else {
    for await (const item of pull(data[Symbol.asyncIterator](), [signal, closing])) await put([item], sourceBytes(item))
  }
  const all = await Promise.all(keys)
  throwIfAborted(signal)
  return all.flat()
}
