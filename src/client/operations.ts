/**
 * The calls that a store and a transaction have in common. Bytes given are packed before the promise is returned; what is wrong
 * with them rejects it, nothing throws. Store and transaction extend this.
 */

import type { Data, Key, KeyLike, Operations, PutOptions } from '../types.js'
import type { Connection, Take } from './connection.js'
import { packData, packKey } from './data.js'

export abstract class RemoteOperations implements Operations {
  protected readonly connection: Connection

  constructor(connection: Connection) {
    this.connection = connection
  }

  /** The transaction that the calls belong to, if to any. Throws when it has ended. */
  protected abstract readonly tx: number | undefined

  async put(data: Data, { durability, transfer }: PutOptions = {}): Promise<Key> {
    const { connection, tx } = this
    return connection.call('put', { tx, data: packData(connection.bytes, data, transfer), durability })
  }

  async set(key: KeyLike, data: Data, { durability, transfer }: PutOptions = {}): Promise<void> {
    const { connection, tx } = this
    const fields = { key: packKey(key), data: packData(connection.bytes, data, transfer) }
    return connection.call('set', { tx, ...fields, durability })
  }

  async get(key: KeyLike): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const read = (slice: number | undefined, take: Take) => take(slice)
    return this.connection.call('get', { tx: this.tx, key: packKey(key) }, { read })
  }

  async has(key: KeyLike): Promise<boolean> {
    return this.connection.call('has', { tx: this.tx, key: packKey(key) })
  }

  async delete(key: KeyLike): Promise<boolean> {
    return this.connection.call('delete', { tx: this.tx, key: packKey(key) })
  }
}
