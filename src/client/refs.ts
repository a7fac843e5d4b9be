/**
 * Names as the page sees them, on the store and in a transaction. The meta travels as the JSON that the store keeps.
 */

import { metaJson } from '../meta.js'
import type { KeyLike, ListOptions, Ref, RefOperations, Refs } from '../types.js'
import type { Connection } from './connection.js'
import { packKey } from './data.js'
import { listing } from './listing.js'

export class RemoteRefOperations implements RefOperations {
  protected readonly connection: Connection
  readonly #tx: () => number | undefined

  /** `tx` gives the transaction that the calls belong to, if to any, and throws when it has ended. */
  constructor(connection: Connection, tx: () => number | undefined) {
    this.connection = connection
    this.#tx = tx
  }

  async set(name: string, key: KeyLike, meta?: unknown): Promise<void> {
    return this.connection.call('refSet', { tx: this.#tx(), name, key: packKey(key), meta: metaJson(meta) })
  }

  async get(name: string): Promise<Ref | undefined> {
    return this.connection.call('refGet', { tx: this.#tx(), name })
  }

  async delete(name: string): Promise<boolean> {
    return this.connection.call('refDelete', { tx: this.#tx(), name })
  }
}

export class RemoteRefs extends RemoteRefOperations implements Refs {
  list({ prefix, signal }: ListOptions = {}): AsyncGenerator<Ref, void, undefined> {
    const { connection } = this
    return listing(
      connection,
      () => connection.call('refs', { prefix }, { signal }),
      (cursor) => connection.call('refsNext', { cursor }, { signal }),
      signal,
    )
  }
}
