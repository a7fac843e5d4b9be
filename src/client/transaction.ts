/**
 * A transaction as the page sees it: calls that carry its number. It ends once, with `commit` or `rollback`; after that every call
 * is TX_CLOSED here, without a message. The store makes it.
 */

import { StoreError } from '../errors.js'
import type { RefOperations, Transaction } from '../types.js'
import type { Connection } from './connection.js'
import { asyncDispose } from './dispose.js'
import { RemoteOperations } from './operations.js'
import { RemoteRefOperations } from './refs.js'

export class RemoteTransaction extends RemoteOperations implements Transaction {
  readonly refs: RefOperations
  readonly #tx: number
  #open = true

  constructor(connection: Connection, tx: number) {
    super(connection)
    this.#tx = tx
    this.refs = new RemoteRefOperations(connection, () => this.tx)
  }

  protected get tx(): number {
    if (this.#open) return this.#tx
    throw new StoreError('TX_CLOSED', 'the transaction has ended; begin another')
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
    const { tx } = this
    this.#open = false
    return this.connection.call(how, { tx })
  }
}
