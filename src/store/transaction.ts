/**
 * An explicit transaction: the staging, handed to a caller until commit or rollback. Its calls run one after the other, in the
 * order in which they were made. A call that fails to write dooms it: it can then only be rolled back.
 */

import { isStoreError, StoreError, type StoreErrorCode, throwIfAborted } from '../errors.js'
import { wholeBytesMax } from '../format/chunks.js'
import { KEY_BYTES, keyHex, parseKey } from '../format/key.js'
import type { Chunk } from '../format/manifest.js'
import type { Data, Key, KeyLike, PutOptions, RefOperations, Source, Transaction } from '../types.js'
import type { Contents } from './contents.js'
import type { Context } from './context.js'
import { sourceBytes, toBytes } from './data.js'
import { expectKey, type Keyed, keyed } from './keyed.js'
import { makesRoom } from './maintenance.js'
import { piecesOf } from './pieces.js'
import { readContent } from './read-content.js'
import { EngineRefs, type Stage, StagedRefs } from './refs.js'
import type { Staging } from './staging.js'
import { Upload } from './upload.js'

interface Put {
  /** Bytes still to be hashed, when that takes no waiting. */
  content: Uint8Array<ArrayBuffer> | Promise<Keyed>
  wanted: Uint8Array | undefined
  options: Pick<PutOptions, 'signal' | 'onProgress'>
  resolve(key: Key): void
  reject(error: unknown): void
}

export class EngineTransaction implements Transaction {
  readonly #context: Context
  readonly #staging: Staging
  readonly #contents: Contents
  readonly refs: RefOperations
  readonly #strict: boolean
  readonly #release: () => void
  /** Ends when the calls made so far have ended. */
  #tail: Promise<unknown> = Promise.resolve()
  #open = true
  /** Fires at a rollback: what is on its way is not wanted any more. */
  readonly #leaving = new AbortController()
  /** Fires then, and at the store's close: a source that flows may never answer. */
  readonly #closing = new AbortController()
  /** Puts that have no turn yet and that nothing came after. */
  #puts: Put[] | undefined
  /** What made it impossible to commit. */
  #failure: { error: unknown } | undefined

  /** The staging has begun; `release` gives the turn to the next writer. */
  constructor(context: Context, staging: Staging, contents: Contents, strict: boolean, release: () => void) {
    this.#context = context
    this.#staging = staging
    this.#contents = contents
    this.#strict = strict
    this.#release = release
    const staged = new StagedRefs(context, staging, contents)
    const stage: Stage = (change) => this.#call(async () => await this.#writing(change))
    this.refs = new EngineRefs(context, staged, stage, {
      find: (key) => staging.find(key),
      run: (read) => this.#call(read),
    })
  }

  put(source: Source, options: Omit<PutOptions, 'durability'> = {}): Promise<Key> {
    return new Promise((resolve, reject) => this.#put(source, options, resolve, reject))
  }

  /** As `put` of each, but with one promise for all of them: thousands cost more than the writing does. Rejects with the first failure. */
  putMany(values: readonly Data[]): Promise<Key[]> {
    return new Promise((resolve, reject) => {
      const keys = new Array<Key>(values.length)
      let missing = values.length
      const options = {}
      for (const [i, value] of values.entries()) {
        const put = (key: Key) => {
          keys[i] = key
          if (--missing === 0) resolve(keys)
        }
        this.#put(value, options, put, reject)
      }
      if (values.length === 0) resolve(keys)
    })
  }

  async set(key: KeyLike, data: Data): Promise<void> {
    this.#assertOpen()
    const prepared = started(async () => ({ name: parseKey(key), bytes: await toBytes(data) }))
    await this.#call(async () => {
      const { name, bytes } = await prepared
      await this.#writing(() => this.#contents.set(name, bytes))
    })
  }

  async get(key: KeyLike): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return await this.#call(() => readContent(this.#context, parseKey(key), (name) => this.#staging.find(name)))
  }

  async has(key: KeyLike): Promise<boolean> {
    return await this.#call(() => this.#contents.has(parseKey(key)))
  }

  async delete(key: KeyLike): Promise<boolean> {
    return await this.#call(async () => {
      const name = parseKey(key)
      return await this.#writing(() => this.#contents.delete(name))
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
    // Before anything is ended: it may be on its way to a commit.
    this.#assertOpen()
    this.#leaving.abort()
    this.#closing.abort()
    await this.#end(() => this.#staging.rollback())
  }

  /** Rolls back if it is still open; what `await using` calls. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) await this.rollback()
  }

  /** What the store's close does: rolls back, also what waits with its commit for a source that flows. A commit of what is all there is waited for. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this[Symbol.asyncDispose]()
  }

  #put(source: Source, options: Omit<PutOptions, 'durability'>, resolve: Put['resolve'], reject: Put['reject']): void {
    this.#assertOpen()
    const { expected, signal } = options
    throwIfAborted(signal)
    const wanted = expected === undefined ? undefined : parseKey(expected)
    const { hasher, config } = this.#context
    if (sourceBytes(source) > wholeBytesMax(config.chunkSizes)) {
      this.#call(() => this.#putLarge(source, wanted, options)).then(resolve, reject)
      return
    }
    const bytes = toBytes(source as Data)
    const isQuick = bytes instanceof Uint8Array && hasher.isQuick(bytes)
    const content = isQuick ? bytes : started(async () => await keyed(hasher, await bytes, undefined))
    this.#follow({ content, wanted, options, resolve, reject })
  }

  /** Puts with nothing but puts between them have one turn together. */
  #follow(put: Put): void {
    if (this.#puts === undefined) {
      const puts: Put[] = []
      void this.#call(() => this.#putAll(puts))
      this.#puts = puts
    }
    this.#puts.push(put)
  }

  /** Never rejects: each put has a promise of its own. */
  async #putAll(puts: Put[]): Promise<void> {
    if (this.#puts === puts) this.#puts = undefined
    const quick = puts.flatMap(({ content }) => (content instanceof Uint8Array ? content : []))
    const { hasher } = this.#context
    let digests: Uint8Array<ArrayBuffer> | undefined
    try {
      digests = hasher.sha256Together(quick)
    } catch {
      // Bytes that were handed over meanwhile: the put that they belong to meets it again, alone.
    }
    let count = 0
    const digest = (bytes: Uint8Array) =>
      digests?.subarray(count * KEY_BYTES, ++count * KEY_BYTES) ?? hasher.sha256Now(bytes)
    for (const put of puts) {
      try {
        const { content } = put
        const { key, bytes } = content instanceof Uint8Array ? { key: digest(content), bytes: content } : await content
        expectKey({ key }, put.wanted)
        put.options.onProgress?.({ done: bytes.length, total: bytes.length })
        throwIfAborted(put.options.signal)
        const written = this.#writing(() => this.#contents.put(key, bytes))
        if (written) await written
        put.resolve(keyHex(key))
      } catch (error) {
        put.reject(error)
      }
    }
  }

  /** Chunks go into the transaction as they come. Only a failing write dooms it; the source may fail, and then nothing of it is left. */
  async #putLarge(source: Source, wanted: Uint8Array | undefined, { signal, onProgress }: PutOptions): Promise<Key> {
    const { kernel, hasher, config } = this.#context
    const stored: Chunk[] = []
    const options = { kernel, hasher, sizes: config.chunkSizes }
    const upload = new Upload(options, async (chunks) => {
      for (const { key, size, bytes } of chunks) {
        await this.#contents.putChunk(key, bytes)
        stored.push({ key, size })
      }
    })
    const total = sourceBytes(source)
    const ending = (total === Number.POSITIVE_INFINITY ? this.#closing : this.#leaving).signal
    let done = 0
    try {
      for await (const piece of piecesOf(source, signal, ending)) {
        await this.#writing(async () => {
          await upload.write(piece)
          await upload.stored()
        })
        done += piece.length
        onProgress?.({ done, total })
      }
      const content = expectKey(await this.#writing(() => upload.finish()), wanted)
      throwIfAborted(signal)
      await this.#writing(() =>
        'bytes' in content ? this.#contents.put(content.key, content.bytes) : this.#contents.putManifest(content),
      )
      return keyHex(content.key)
    } catch (error) {
      if (!ending.aborted || !isStoreError(error, 'ABORTED')) throw error
      const message = 'the transaction was rolled back before the whole content had come'
      const ended = new StoreError('TX_CLOSED', message, { cause: error })
      this.#failure ??= { error: ended }
      throw ended
    } finally {
      await upload.end()
      if (!this.#failure) await this.#writing(() => this.#contents.releaseChunks(stored))
    }
  }

  async #call<T>(run: () => T | Promise<T>): Promise<T> {
    this.#assertOpen()
    this.#puts = undefined
    const result = this.#tail.then(run)
    this.#tail = result.catch(() => undefined)
    return await result
  }

  /** Waits only when `write` does. */
  #writing<T>(write: () => T | Promise<T>): T | Promise<T> {
    if (this.#failure) throw this.#failure.error
    const doom = (error: unknown) => {
      if (!isRefusal(error)) this.#failure = { error }
      throw error
    }
    try {
      const written = write()
      return written instanceof Promise ? written.catch(doom) : written
    } catch (error) {
      return doom(error)
    }
  }

  async #end(run: () => Promise<void>): Promise<void> {
    this.#assertOpen()
    this.#open = false
    try {
      await this.#tail
      await run()
    } catch (error) {
      this.#failure ??= { error }
      throw error
    } finally {
      // It cannot be done again from here; the next one is to have room.
      await makesRoom(this.#context, this.#failure?.error).finally(this.#release)
    }
  }

  #assertOpen(): void {
    if (!this.#open) throw new StoreError('TX_CLOSED', 'the transaction has ended; begin another one')
  }
}

/** True for what is refused before anything is written: it does not doom the transaction. */
function isRefusal(error: unknown): boolean {
  return isStoreError(error) && REFUSALS.includes(error.code)
}

const REFUSALS: readonly StoreErrorCode[] = ['NOT_FOUND', 'IN_USE', 'BAD_KEY']

/** Starts reading and hashing at once, while the calls before it still run; a failure is met when its turn comes. */
function started<T>(prepare: () => Promise<T>): Promise<T> {
  const prepared = prepare()
  prepared.catch(() => undefined)
  return prepared
}
