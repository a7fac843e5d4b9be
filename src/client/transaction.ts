/**
 * A transaction as the page sees it: calls that carry its number. It ends once, with `commit` or `rollback`; after that every call
 * is TX_CLOSED here, without a message. The store makes it.
 */

import { StoreError } from '../errors.js'
import type { Data, Key, KeyLike, PutOptions, Transaction } from '../types.js'
import type { Connection } from './connection.js'
import { packData, packKey } from './data.js'
import { asyncDispose } from './dispose.js'

type Transfer = Pick<PutOptions, 'transfer'>

export class RemoteTransaction implements Transaction {
  readonly #connection: Connection
  readonly #tx: number
  #open = true

  constructor(connection: Connection, tx: number) {
    this.#connection = connection
    this.#tx = tx
  }

  get isOpen(): boolean {
    return this.#open
  }

  async put(data: Data, { transfer }: Transfer = {}): Promise<Key> {
    const tx = this.#number()
    return this.#connection.call('put', { tx, data: packData(this.#connection.bytes, data, transfer) })
  }

  async set(key: KeyLike, data: Data, { transfer }: Transfer = {}): Promise<void> {
    const tx = this.#number()
    const { bytes } = this.#connection
    return this.#connection.call('set', { tx, key: packKey(key), data: packData(bytes, data, transfer) })
  }

  async get(key: KeyLike): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#connection.get(key, this.#number())
  }

  async has(key: KeyLike): Promise<boolean> {
    return this.#connection.call('has', { tx: this.#number(), key: packKey(key) })
  }

  async delete(key: KeyLike): Promise<boolean> {
    return this.#connection.call('delete', { tx: this.#number(), key: packKey(key) })
  }

  async commit(): Promise<void> {
    return this.#end('commit')
  }

  async rollback(): Promise<void> {
    return this.#end('rollback')
  }

  async [asyncDispose](): Promise<void> {
    if (this.#open) await this.rollback()
  }

  #end(how: 'commit' | 'rollback'): Promise<void> {
    const tx = this.#number()
    this.#open = false
    return this.#connection.call(how, { tx })
  }

  #number(): number {
    if (this.#open) return this.#tx
    throw new StoreError('TX_CLOSED', 'the transaction has ended; begin another')
  }
}
