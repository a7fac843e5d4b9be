/**
 * The store as the page sees it: each call becomes a message to the worker that has it open. Bytes given are packed before the
 * call returns its promise; nothing throws before that. `openStore` makes it.
 */

import { throwIfAborted } from '../errors.js'
import { decodeKeys } from '../protocol/key-page.js'
import type { KeyPage, Result } from '../protocol/messages.js'
import type {
  CheckOptions,
  CheckReport,
  CommitOptions,
  CompactOptions,
  CompactReport,
  Data,
  Key,
  KeyEntry,
  KeyLike,
  PutOptions,
  Recovery,
  Stats,
  Store,
  Transaction,
} from '../types.js'
import type { Connection, Take } from './connection.js'
import { packData, packKey } from './data.js'
import { asyncDispose } from './dispose.js'
import { RemoteTransaction } from './transaction.js'
import { upload } from './upload.js'

export class RemoteStore implements Store {
  readonly name: string
  readonly id: string
  readonly recovery: Recovery
  readonly #connection: Connection

  constructor(connection: Connection, name: string, { id, recovery }: Result<'open'>) {
    this.#connection = connection
    this.name = name
    this.id = id
    this.recovery = recovery
  }

  async put(data: Data, { durability, transfer }: PutOptions = {}): Promise<Key> {
    return this.#connection.call('put', { data: packData(this.#connection.bytes, data, transfer), durability })
  }

  async putMany(data: Iterable<Data> | AsyncIterable<Data>, options: PutOptions = {}): Promise<Key[]> {
    return upload(this.#connection, data, options)
  }

  async set(key: KeyLike, data: Data, { durability, transfer }: PutOptions = {}): Promise<void> {
    const { bytes } = this.#connection
    return this.#connection.call('set', { key: packKey(key), data: packData(bytes, data, transfer), durability })
  }

  async get(key: KeyLike): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#connection.get(key)
  }

  async getMany(keys: Iterable<KeyLike>): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    const read = (slices: (number | undefined)[], take: Take) =>
      slices.map((slice) => (slice === undefined ? undefined : take(slice)))
    return this.#connection.call('getMany', { keys: Array.from(keys, packKey) }, { read })
  }

  async has(key: KeyLike): Promise<boolean> {
    return this.#connection.call('has', { key: packKey(key) })
  }

  async hasMany(keys: Iterable<KeyLike>): Promise<boolean[]> {
    return this.#connection.call('hasMany', { keys: Array.from(keys, packKey) })
  }

  async delete(key: KeyLike): Promise<boolean> {
    return this.#connection.call('delete', { key: packKey(key) })
  }

  async deleteMany(keys: Iterable<KeyLike>, { durability }: CommitOptions = {}): Promise<number> {
    return this.#connection.call('deleteMany', { keys: Array.from(keys, packKey), durability })
  }

  async *keys({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<KeyEntry, void, undefined> {
    const read = ({ entries, cursor }: KeyPage, take: Take) => ({ entries: take(entries), cursor })
    let page = await this.#connection.call('keys', {}, { signal, read })
    try {
      for (;;) {
        for (const entry of decodeKeys(page.entries)) {
          throwIfAborted(signal)
          yield entry
        }
        const { cursor } = page
        if (cursor === undefined) return
        page = await this.#connection.call('keysNext', { cursor }, { signal, read })
      }
    } finally {
      // Left before the end. Nobody waits for the answer, and there is nothing to be done if there is none.
      const { cursor } = page
      if (cursor !== undefined) this.#connection.call('keysEnd', { cursor }).catch(() => {})
    }
  }

  async transaction<T>(fn: (tx: Transaction) => Promise<T> | T, options: CommitOptions = {}): Promise<T> {
    const tx = await this.#begin(options)
    try {
      const result = await fn(tx)
      if (tx.isOpen) await tx.commit()
      return result
    } catch (error) {
      // The caller's own error is what counts; a transaction that cannot be rolled back is gone already.
      if (tx.isOpen) await tx.rollback().catch(() => {})
      throw error
    }
  }

  async begin(options: CommitOptions = {}): Promise<Transaction> {
    return this.#begin(options)
  }

  async stats(): Promise<Stats> {
    return this.#connection.call('stats', {})
  }

  async check({ repair, signal, onProgress }: CheckOptions = {}): Promise<CheckReport> {
    return this.#connection.call('check', { repair, progress: !!onProgress }, { signal, onProgress })
  }

  async compact({ threshold, signal, onProgress }: CompactOptions = {}): Promise<CompactReport> {
    return this.#connection.call('compact', { threshold, progress: !!onProgress }, { signal, onProgress })
  }

  async flush(): Promise<void> {
    return this.#connection.call('flush', {})
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }

  async #begin({ durability }: CommitOptions): Promise<RemoteTransaction> {
    const tx = this.#connection.drawId()
    await this.#connection.call('begin', { tx, durability })
    return new RemoteTransaction(this.#connection, tx)
  }
}
