/**
 * Uploads: contents of any size on their way into the store, outside of any transaction, so that nobody waits for a slow source. Here are
 * those that run, and what becomes of the parts that nobody can resume: they go when their upload fails, or when the store is next written to
 * after a crash.
 */

import { StoreError, throwIfAborted } from '../errors.js'
import { wholeBytesMax } from '../format/chunks.js'
import { KEY_BYTES, keyHex, parseKey, RESERVED } from '../format/key.js'
import { type Chunk, decodeUploadPart, UPLOAD_ID_BYTES, uploadPartKey, uploadPartNumber } from '../format/manifest.js'
import type { LogState } from '../log/state.js'
import type { Data, Key, PutOptions, Source } from '../types.js'
import { errorAt } from './closing.js'
import type { Contents } from './contents.js'
import type { Context } from './context.js'
import { sourceBytes } from './data.js'
import { ownKeys } from './index-records.js'
import { keyed } from './keyed.js'
import { piecesOf } from './pieces.js'
import type { WriteQueue } from './queue.js'
import { readCommitted, unlessDamaged } from './read.js'
import { type Expected, RunningUpload } from './running-upload.js'
import type { Staging } from './staging.js'

export class Uploads {
  readonly #context: Context
  readonly #staging: Staging
  readonly #contents: Contents
  readonly #queue: WriteQueue
  readonly #running = new Map<string, RunningUpload>()
  /** Those of a `put`, which ends by itself: with its source, or by `closing` where that flows. */
  readonly #puts = new Map<RunningUpload, Promise<Key>>()
  readonly #closing: AbortSignal
  #swept = false
  /** Uploads of which a repair has taken away a part, but not the last: the first part's key, and how many parts there were. Of `#tornIn`. */
  readonly #torn = new Map<string, number>()
  /** A repair makes another state. */
  #tornIn: LogState | undefined

  /** `closing` fires before `close` is called. */
  constructor(context: Context, staging: Staging, contents: Contents, queue: WriteQueue, closing: AbortSignal) {
    this.#context = context
    this.#staging = staging
    this.#contents = contents
    this.#queue = queue
    this.#closing = closing
  }

  /** Begins an upload that can be resumed, or goes on with one of the same key and size. Throws LOCKED while that one is going on here. */
  async begin(expected: Required<Expected>): Promise<RunningUpload> {
    const id = expected.key.slice(0, UPLOAD_ID_BYTES)
    const name = nameOf(id)
    if (this.#running.has(name)) {
      throw new StoreError('LOCKED', 'this content is being uploaded already; wait for that, or discard it')
    }
    const upload = this.#start(id, expected)
    try {
      const torn = this.#findTorn()
      await upload.resume(expected, torn.get(name) ?? 0)
      torn.delete(name)
    } catch (error) {
      this.#running.delete(name)
      throw error
    }
    return upload
  }

  #start(id: Uint8Array, expected: Expected | undefined): RunningUpload {
    const name = nameOf(id)
    const upload = new RunningUpload(this.#context, this.#staging, this.#contents, this.#queue, id, expected, () => {
      this.#running.delete(name)
      if (upload.hasGarbage) this.#swept = false
    })
    this.#running.set(name, upload)
    return upload
  }

  /** Stores a content of any size. What is small and there as a whole shares its transaction with others that wait. */
  async put(source: Source, strict: boolean, options: Omit<PutOptions, 'durability'>): Promise<Key> {
    const { expected, signal, onProgress } = options
    throwIfAborted(signal)
    const wanted = expected === undefined ? undefined : parseKey(expected)
    if (sourceBytes(source) <= wholeBytesMax(this.#context.config.chunkSizes)) {
      return await this.#queue.write(
        strict,
        () => keyed(this.#context.hasher, source as Data, wanted),
        async ({ key, bytes }) => {
          onProgress?.({ done: bytes.length, total: bytes.length })
          throwIfAborted(signal)
          await this.#contents.put(key, bytes)
          return keyHex(key)
        },
      )
    }
    const id = new Uint8Array(UPLOAD_ID_BYTES)
    this.#context.random(id)
    const upload = this.#start(id, wanted && { key: wanted })
    const put = this.#take(upload, source, strict, options)
    this.#puts.set(upload, put)
    try {
      return await put
    } finally {
      this.#puts.delete(upload)
    }
  }

  async #take(
    upload: RunningUpload,
    source: Source,
    strict: boolean,
    { signal, onProgress }: Omit<PutOptions, 'durability'>,
  ): Promise<Key> {
    const total = sourceBytes(source)
    // A source that flows may never answer.
    const closing = total === Number.POSITIVE_INFINITY ? this.#closing : undefined
    try {
      for await (const piece of piecesOf(source, signal, closing)) {
        await upload.write(piece)
        onProgress?.({ done: upload.offset, total })
      }
      return await upload.finish(strict, signal)
    } catch (error) {
      throw closing ? errorAt(closing, error) : error
    } finally {
      await upload.discard()
    }
  }

  /** Ends what is still going on, all of it: what can be resumed is kept, and of what flows nothing; a put of what is all there is waited for. Throws the first failure. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(
      // How a put ends is its caller's.
      [...this.#running.values()].map((upload) => this.#puts.get(upload)?.catch(() => undefined) ?? upload.pause()),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  /**
   * Takes away what nobody can resume: what a crash has left, or an upload that could not take its own away. In a turn of its own; until one
   * succeeds the next is due.
   */
  async sweep(): Promise<void> {
    if (this.#swept) return
    // An upload that ends from here on may have been passed by as one that runs: what it leaves makes the next one due.
    this.#swept = true
    try {
      await this.#sweepOnce()
    } catch (error) {
      this.#swept = false
      throw error
    }
  }

  async #sweepOnce(): Promise<void> {
    const left: { name: Uint8Array; chunks: Chunk[] }[] = []
    const { state } = this.#context
    for (const name of ownKeys(state, [RESERVED.uploadPart])) {
      if (this.#isRunning(name)) continue
      const value = await unlessDamaged(readCommitted(this.#context, name))
      const part = value && decodeUploadPart(value)
      if (part && part.expected === undefined) left.push({ name, chunks: part.chunks })
    }
    if (left.length === 0) return
    await this.#staging.transact(false, async () => {
      for (const { name, chunks } of left) await this.#contents.deleteList(name, chunks)
    })
  }

  #isRunning(name: Uint8Array): boolean {
    return this.#running.has(uploadOf(name))
  }

  /** Looks through the index once for each opening and repair. */
  #findTorn(): Map<string, number> {
    const { state } = this.#context
    if (this.#tornIn === state) return this.#torn
    const uploads = new Map<string, { parts: number; found: number }>()
    for (const name of ownKeys(state, [RESERVED.uploadPart])) {
      const { parts, found } = uploads.get(uploadOf(name)) ?? { parts: 0, found: 0 }
      uploads.set(uploadOf(name), { parts: Math.max(parts, uploadPartNumber(name) + 1), found: found + 1 })
    }
    this.#torn.clear()
    for (const [upload, { parts, found }] of uploads) if (found < parts) this.#torn.set(upload, parts)
    this.#tornIn = state
    return this.#torn
  }
}

/** What an upload is known by: the key of its first part. */
function nameOf(id: Uint8Array): string {
  return keyHex(uploadPartKey(id, 0))
}

/** The name of the upload of which this is a part. */
function uploadOf(name: Uint8Array): string {
  const first = name.slice()
  first.fill(0, KEY_BYTES - 4)
  return keyHex(first)
}
