/** Many contents in one transaction, in bounded memory. */

import { throwIfAborted } from '../errors.js'
import { checkMany, pull } from '../flow.js'
import type { Data, Key, Transaction } from '../types.js'
import { sourceBytes } from './data.js'

/** Bytes that are taken from the source ahead of the writing. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024

/**
 * Puts them in their order. Takes no more from the source while much of what it gave waits, nor when the signal has fired: ABORTED, as when
 * `closing` fires while an asynchronous source is waited for.
 */
export async function putAll(
  tx: Pick<Transaction, 'put'>,
  data: Iterable<Data> | AsyncIterable<Data>,
  signal: AbortSignal | undefined,
  closing: AbortSignal,
): Promise<Key[]> {
  checkMany(data)
  const keys: Promise<Key>[] = []
  let bytesWaiting = 0
  /** Waits when many bytes do. */
  const put = (item: Data): Promise<unknown> | undefined => {
    const key = tx.put(item)
    // Met below; until then a failure is nobody's, and must not end the process.
    key.catch(() => undefined)
    keys.push(key)
    bytesWaiting += sourceBytes(item)
    if (bytesWaiting < WAITING_BYTES_MAX) return undefined
    bytesWaiting = 0
    return key
  }
  if (Symbol.iterator in data) {
    // Not by `for await`, which would part what is there together.
    for (const item of data) {
      throwIfAborted(signal)
      const waits = put(item)
      if (waits) await waits
    }
  } else {
    for await (const item of pull(data[Symbol.asyncIterator](), [signal, closing])) await put(item)
  }
  const all = await Promise.all(keys)
  throwIfAborted(signal)
  return all
}
