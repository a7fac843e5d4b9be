/**
 * An explicit transaction: the staging, handed to a caller until commit or rollback. Its calls run one after the other, in the
 * order in which they were made. A call that fails to write dooms it: it can then only be rolled back.
 */

import { StoreError } from '../errors.js'
import { keyHex, parseKey } from '../format/key.js'
import type { Data, Key, KeyLike, Transaction } from '../types.js'
import { toBytes } from './data.js'
import type { Hasher } from './hash.js'
import type { Staging } from './staging.js'

export class EngineTransaction implements Transaction {
  readonly #staging: Staging
  readonly #hasher: Hasher
  readonly #strict: boolean
  readonly #release: () => void
  /** Ends when the calls made so far have ended. */
  #tail: Promise<unknown> = Promise.resolve()
  #open = true
  /** What made it impossible to commit. */
  #failure: { error: unknown } | undefined

  /** The staging has begun; `release` gives the turn to the next writer. */
  constructor(staging: Staging, hasher: Hasher, strict: boolean, release: () => void) {
    this.#staging = staging
    this.#hasher = hasher
    this.#strict = strict
    this.#release = release
  }

  async put(data: Data): Promise<Key> {
    this.#assertOpen()
    const prepared = started(async () => {
      const bytes = await toBytes(data)
      return { bytes, key: await this.#hasher.sha256(bytes) }
    })
    return await this.#call(async () => {
      const { bytes, key } = await prepared
      await this.#writing(() => this.#staging.put(key, bytes))
      return keyHex(key)
    })
  }

  async set(key: KeyLike, data: Data): Promise<void> {
    this.#assertOpen()
    const prepared = started(async () => ({ name: parseKey(key), bytes: await toBytes(data) }))
    await this.#call(async () => {
      const { name, bytes } = await prepared
      await this.#writing(() => this.#staging.set(name, bytes))
    })
  }

  async get(key: KeyLike): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return await this.#call(() => this.#staging.get(parseKey(key)))
  }

  async has(key: KeyLike): Promise<boolean> {
    return await this.#call(async () => this.#staging.has(parseKey(key)))
  }

  async delete(key: KeyLike): Promise<boolean> {
    return await this.#call(async () => {
      const name = parseKey(key)
      return await this.#writing(() => this.#staging.delete(name))
    })
  }

  async commit(): Promise<void> {
    await this.#end(async () => {
      if (this.#failure) {
        await this.#staging.rollback()
        throw this.#failure.error
      }
      await this.#staging.commit(this.#strict)
    })
  }

  async rollback(): Promise<void> {
    await this.#end(() => this.#staging.rollback())
  }

  /** Rolls back if it is still open; what `await using` calls. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) await this.rollback()
  }

  async #call<T>(run: () => Promise<T>): Promise<T> {
    this.#assertOpen()
    const result = this.#tail.then(run)
    this.#tail = result.catch(() => undefined)
    return await result
  }

  async #writing<T>(write: () => Promise<T>): Promise<T> {
    if (this.#failure) throw this.#failure.error
    try {
      return await write()
    } catch (error) {
      this.#failure = { error }
      throw error
    }
  }

  async #end(run: () => Promise<void>): Promise<void> {
    this.#assertOpen()
    this.#open = false
    try {
      await this.#tail
      await run()
    } finally {
      this.#release()
    }
  }

  #assertOpen(): void {
    if (!this.#open) throw new StoreError('TX_CLOSED', 'the transaction has ended; begin another one')
  }
}

/** Starts reading and hashing at once, while the calls before it still run; a failure is met when its turn comes. */
function started<T>(prepare: () => Promise<T>): Promise<T> {
  const prepared = prepare()
  prepared.catch(() => undefined)
  return prepared
}
