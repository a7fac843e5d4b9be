/**
 * The calls that a store and a transaction have in common. Bytes given are packed before the promise is returned; what is wrong
 * with them rejects it, nothing throws. Store and transaction extend this.
 */

import { throwIfAborted } from '../errors.js'
import { checkRange } from '../piece-stream.js'
import type { PipeData, WireData } from '../protocol/messages.js'
import type { Data, Key, KeyLike, Operations, PutOptions, Range, Source } from '../types.js'
import type { Connection, Take } from './connection.js'
import { isData, packData, packKey } from './data.js'
import { sendFlow } from './pipe.js'

export abstract class RemoteOperations implements Operations {
  protected readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** The transaction that the calls belong to, if to any. Throws when it has ended. */
  protected abstract readonly tx: number | undefined

  async put(source: Source, { durability, transfer, expected, signal, onProgress }: PutOptions = {}): Promise<Key> {
    const { connection, tx } = this
    throwIfAborted(signal)
    const fields = {
      tx,
      durability,
      expected: expected === undefined ? undefined : packKey(expected),
      // What nobody can abort costs the worker less.
      progress: signal || onProgress ? !!onProgress : undefined,
    }
    const call = (data: WireData | PipeData) => connection.call('put', { ...fields, data }, { signal, onProgress })
    if (isData(source)) return call(packData(connection.bytes, source, transfer))
    return sendFlow(connection, source, (pipe) => call({ pipe }))
  }

  async set(key: KeyLike, data: Data, { durability, transfer }: PutOptions = {}): Promise<void> {
    const { connection, tx } = this
    const fields = { key: packKey(key), data: packData(connection.bytes, data, transfer) }
    return connection.call('set', { tx, ...fields, durability })
  }

  async get(key: KeyLike, range: Range = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { offset, length } = checkRange(range)
    const read = (slice: number | undefined, take: Take) => take(slice)
    return this.connection.call('get', { tx: this.tx, key: packKey(key), offset, length }, { read })
  }

  async has(key: KeyLike): Promise<boolean> {
    return this.connection.call('has', { tx: this.tx, key: packKey(key) })
  }

  async delete(key: KeyLike): Promise<boolean> {
    return this.connection.call('delete', { tx: this.tx, key: packKey(key) })
  }
}
