/**
 * An ingest as the page sees it: calls that carry its number. It ends once: with `finish` when all bytes are there, with `discard`, or
 * when it is disposed of; after that every call is TX_CLOSED here, without a message. The store makes it.
 */

import { StoreError } from '../errors.js'
import { kindOf } from '../flow.js'
import type { CommitOptions, Ingest, Key } from '../types.js'
import type { Connection } from './connection.js'
import { asyncDispose } from './dispose.js'

export class RemoteIngest implements Ingest {
  readonly #connection: Connection
  readonly #ingest: number
  readonly #size: number
  #offset: number
  #isOpen = true

  constructor(connection: Connection, ingest: number, size: number, offset: number) {
    this.#connection = connection
    this.#ingest = ingest
    this.#size = size
    this.#offset = offset
  }

  get offset(): number {
    return this.#offset
  }

  async write(bytes: Uint8Array): Promise<void> {
    const ingest = this.#number
    const kind = kindOf(bytes)
    if (kind !== 'Uint8Array') throw new TypeError(`an ingest takes Uint8Arrays, not ${kind}`)
    const data = this.#connection.bytes.copy(bytes)
    this.#offset = await this.#connection.call('ingestWrite', { ingest, data })
  }

  async finish({ durability }: CommitOptions = {}): Promise<Key> {
    const ingest = this.#number
    try {
      return await this.#connection.call('ingestFinish', { ingest, durability })
    } finally {
      // When bytes are missing it waits for them.
      this.#isOpen = this.#offset < this.#size
    }
  }

  async discard(): Promise<void> {
    return this.#end('ingestDiscard')
  }

  async [asyncDispose](): Promise<void> {
    return this.#end('ingestPause')
  }

  async #end(how: 'ingestDiscard' | 'ingestPause'): Promise<void> {
    if (!this.#isOpen) return
    const ingest = this.#number
    this.#isOpen = false
    return this.#connection.call(how, { ingest })
  }

  get #number(): number {
    if (this.#isOpen) return this.#ingest
    throw new StoreError('TX_CLOSED', 'the ingest has ended; begin another')
  }
}
