/**
 * Uploads: contents of any size on their way into the store, outside of any transaction, so that nobody waits for a slow source. Here are
 * those that run, and what becomes of the parts that nobody can resume: they go when their upload fails, or when the store is next written to
 * after a crash.
 */

import { StoreError, throwIfAborted } from '../errors.js'
import { wholeBytesMax } from '../format/chunks.js'
import { KEY_BYTES, keyHex, parseKey, RESERVED } from '../format/key.js'
import { type Chunk, decodeUploadPart, uploadPartKey, uploadPartNumber } from '../format/manifest.js'
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
import { readValue, unlessDamaged } from './read.js'
import { type Expected, RunningUpload } from './running-upload.js'
import type { Staging } from './staging.js'

export class Uploads {
  readonly #context: Context
  readonly #staging: Staging
  readonly #contents: Contents
  readonly #queue: WriteQueue
  readonly #running = new Map<string, RunningUpload>()
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

  /** Begins an upload, or goes on with one of the same key and size. Throws LOCKED while that one is going on here. */
  async begin(expected?: Expected): Promise<RunningUpload> {
    const resumable = expected?.size === undefined ? undefined : { key: expected.key, size: expected.size }
    const id = new Uint8Array(12)
    if (resumable) id.set(resumable.key.subarray(0, id.length))
    else this.#context.random(id)
    const name = keyHex(uploadPartKey(id, 0))
    if (this.#running.has(name)) {
      throw new StoreError('LOCKED', 'this content is being uploaded already; wait for that, or discard it')
    }
    const upload = new RunningUpload(this.#context, this.#staging, this.#contents, this.#queue, id, expected, () => {
      this.#running.delete(name)
      if (upload.hasGarbage) this.#swept = false
    })
    this.#running.set(name, upload)
    try {
      if (resumable) {
        const torn = this.#findTorn()
        await upload.resume(resumable, torn.get(name) ?? 0)
        torn.delete(name)
      }
    } catch (error) {
      this.#running.delete(name)
      throw error
    }
    return upload
  }

  /** Stores a content of any size. What is small and there as a whole shares its transaction with others that wait. */
  async put(
    source: Source,
    strict: boolean,
    { expected, signal, onProgress }: Omit<PutOptions, 'durability'>,
  ): Promise<Key> {
    throwIfAborted(signal)
    const wanted = expected === undefined ? undefined : parseKey(expected)
    const total = sourceBytes(source)
    if (total <= wholeBytesMax(this.#context.config.chunkSizes)) {
      return await this.#queue.write(
        strict,
        () => keyed(this.#context.hasher, source as Data, wanted),
        async ({ key, bytes }) => {
          throwIfAborted(signal)
          await this.#contents.put(key, bytes)
          return keyHex(key)
        },
      )
    }
    const upload = await this.begin(wanted && { key: wanted })
    try {
      for await (const piece of piecesOf(source, signal, this.#closing)) {
        await upload.write(piece)
        onProgress?.({ done: upload.offset, total })
      }
      return await upload.finish(strict, signal)
    } catch (error) {
      throw errorAt(this.#closing, error)
    } finally {
      await upload.discard()
    }
  }

  /** Ends what is still going on, all of it: what can be resumed is kept, everything else is gone. Throws the first failure. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled([...this.#running.values()].map((upload) => upload.pause()))
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
      const value = await unlessDamaged(readValue(this.#context, name, () => state.keys.find(name)))
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

/** The upload of which this is a part: the key of its first one. */
function uploadOf(name: Uint8Array): string {
  const first = name.slice()
  first.fill(0, KEY_BYTES - 4)
  return keyHex(first)
}
