/**
 * The engine: a store open in this thread. It has the same calls as the page's `Store` and is what the worker's host, a worker of
 * one's own and Node programs use. It needs storage and a kernel and nothing else of the platform.
 */

import { isStoreError, StoreError, throwIfAborted } from '../errors.js'
import { records } from '../format/checkpoint.js'
import { isUserKey, KEY_BYTES, keyHex, parseKey, parseKeys, RESERVED } from '../format/key.js'
import { createKernel, type Kernel } from '../kernel/kernel.js'
import { valueBytes } from '../log/state.js'
import { checkRange, streamPieces } from '../piece-stream.js'
import { respond } from '../response.js'
import type { Storage } from '../storage/storage.js'
import type {
  BlobOptions,
  CheckOptions,
  CheckReport,
  CollectOptions,
  CollectReport,
  CommitOptions,
  CompactOptions,
  CompactReport,
  Data,
  Durability,
  EngineOptions,
  Frozen,
  Ingest,
  Key,
  KeyEntry,
  KeyLike,
  Piece,
  PutOptions,
  Range,
  Recovery,
  Refs,
  ResponseOptions,
  Source,
  Stats,
  Store,
  StreamOptions,
  Transaction,
} from '../types.js'
import { contentBlob } from './blob.js'
import { checkStore } from './check.js'
import { collect } from './collect.js'
import { compactSegments, compactStore, dueSegments, THRESHOLD } from './compaction.js'
import { Contents } from './contents.js'
import type { Context } from './context.js'
import { sourceBytes, toBytes } from './data.js'
import { freezeStore } from './frozen.js'
import { contentRecords } from './index-records.js'
import {
  abandonCheckpoint,
  CHECKPOINT_BYTES_LEAST,
  checkpoint,
  checkpointStep,
  closingCheckpointIsDue,
  pause,
  removeOutlived,
  SLICE_BYTES,
  unlessFailed,
} from './maintenance.js'
import { openContext } from './open.js'
import { WriteQueue } from './queue.js'
import { type Find, hasContent, readContent, readContents, readListed, readPiece } from './read-content.js'
import { EngineRefs, type Stage, StagedRefs } from './refs.js'
import { flushLog, Staging } from './staging.js'
import { EngineTransaction } from './transaction.js'
import { Uploads } from './uploads.js'

/** Bytes that `putMany` takes from its source ahead of the writing. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024

export interface OpenEngineOptions extends EngineOptions {
  /** What the store calls itself; only for the caller. */
  name?: string
  /** A kernel to share between engines; one is made unless given. */
  kernel?: Kernel
  /** A checkpoint is written when the log has grown by at least this; 8 MiB unless given. Small values are for tests. */
  checkpointBytes?: number
  /** A checkpoint of more than twice this goes in slices of this size, between commits; 1 MiB unless given. Small values are for tests. */
  sliceBytes?: number
  /** Resolves when what waits in this thread has had its turn, between two slices; a timer of no time unless given. */
  pause?: () => Promise<void>
  /** Milliseconds since any moment, for what `gc` takes for recent; `Date.now` unless given. */
  now?: () => number
  /** Fills an array with random bytes, for the id and the hash seed; `crypto.getRandomValues` unless given. */
  random?: (bytes: Uint8Array<ArrayBuffer>) => void
}

/** Opens the store in `storage`, which is its directory. Throws LOCKED at once when it is open elsewhere, NOT_FOUND, FORMAT. */
export async function openEngine(storage: Storage, options: OpenEngineOptions = {}): Promise<Engine> {
  throwIfAborted(options.signal)
  const context = await openContext({
    storage,
    kernel: options.kernel ?? (await createKernel()),
    create: options.create ?? true,
    maxSegmentSize: options.maxSegmentSize,
    chunkSizes: options.chunkSizes,
    checkpointBytes: options.checkpointBytes ?? CHECKPOINT_BYTES_LEAST,
    sliceBytes: options.sliceBytes ?? SLICE_BYTES,
    pause: options.pause ?? pause,
    now: options.now ?? Date.now,
    random: options.random ?? ((bytes) => void crypto.getRandomValues(bytes)),
    signal: options.signal,
  })
  return new Engine(context, options.name ?? '', options.durability ?? 'strict')
}

export class Engine implements Store {
  readonly name: string
  readonly id: string
  readonly recovery: Recovery
  readonly refs: Refs
  readonly #context: Context
  readonly #durability: Durability
  readonly #staging: Staging
  readonly #contents: Contents
  readonly #queue: WriteQueue
  readonly #uploads: Uploads
  /** Where an entry stands, as committed. */
  readonly #find: Find = (key) => this.#context.state.keys.find(key)
  readonly #transactions = new Set<EngineTransaction>()
  /** Reads that have not ended: a close waits for them. */
  readonly #reads = new Set<Promise<unknown>>()
  /** After a compaction that found no room: bytes of the log from which on the next is tried. */
  #compactFrom = 0
  #closing: Promise<void> | undefined
  /** A slice of a checkpoint was written, and the next one is not due yet. */
  #isPausing = false

  constructor(context: Context, name: string, durability: Durability) {
    this.name = name
    this.id = context.config.id
    this.recovery = { ...context.recovery, damaged: [...context.recovery.damaged] }
    this.#context = context
    this.#durability = durability
    this.#staging = new Staging(context)
    this.#contents = new Contents(context, this.#staging)
    this.#queue = new WriteQueue(this.#staging, () => this.#maintain())
    this.#uploads = new Uploads(context, this.#staging, this.#contents, this.#queue)
    const refs = new StagedRefs(context, this.#staging, this.#contents)
    const stage: Stage = async (change) => {
      this.#assertOpen()
      return await this.#queue.write(this.#isStrict(undefined), () => undefined, change)
    }
    const run: Stage = async (read) => {
      this.#assertOpen()
      return await this.#reading(read())
    }
    this.refs = new EngineRefs(context, refs, stage, { find: this.#find, run })
  }

  async put(source: Source, options: PutOptions = {}): Promise<Key> {
    this.#assertOpen()
    const { durability, ...more } = options
    return await this.#uploads.put(source, this.#isStrict(durability), more)
  }

  async putMany(data: Iterable<Data> | AsyncIterable<Data>, options: PutOptions = {}): Promise<Key[]> {
    this.#assertOpen()
    return await this.transaction(async (tx) => {
      const keys: Promise<Key>[] = []
      let bytesWaiting = 0
      /** Waits when many bytes do. */
      const put = (item: Data): Promise<unknown> | undefined => {
        const key = tx.put(item)
        // Met below; until then a failure is nobody's, and must not end the process.
        key.catch(() => undefined)
        keys.push(key)
        bytesWaiting += sourceBytes(item)
        if (bytesWaiting < WAITING_BYTES_MAX) return undefined
        bytesWaiting = 0
        return key
      }
      if (Symbol.iterator in data) {
        // Not by `for await`, which would part what is there together.
        for (const item of data) {
          const waits = put(item)
          if (waits) await waits
        }
      } else {
        for await (const item of data) await put(item)
      }
      return await Promise.all(keys)
    }, options)
  }

  async ingest(key: KeyLike, { size }: { size: number }): Promise<Ingest> {
    this.#assertOpen()
    if (!Number.isSafeInteger(size) || size < 0) throw new TypeError(`size is a whole number of bytes, not ${size}`)
    const upload = await this.#uploads.begin({ key: parseKey(key), size })
    return {
      get offset() {
        return upload.offset
      },
      write: (bytes) => upload.write(bytes),
      finish: ({ durability } = {}) => upload.finish(this.#isStrict(durability)),
      discard: () => upload.discard(),
      [Symbol.asyncDispose]: () => upload.pause(),
    }
  }

  async set(key: KeyLike, data: Data, options: PutOptions = {}): Promise<void> {
    this.#assertOpen()
    const name = parseKey(key)
    await this.#queue.write(
      this.#isStrict(options.durability),
      () => toBytes(data),
      (bytes) => this.#contents.set(name, bytes),
    )
  }

  async get(key: KeyLike, range: Range = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    this.#assertOpen()
    return await this.#reading(readContent(this.#context, parseKey(key), this.#find, checkRange(range)))
  }

  async stream(
    key: KeyLike,
    options: StreamOptions = {},
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
    return await streamPieces((offset) => this.piece(key, offset), checkRange(options))
  }

  async response(key: KeyLike, request?: Request, options: ResponseOptions = {}): Promise<Response> {
    return await respond((offset) => this.piece(key, offset), keyHex(parseKey(key)), request, options)
  }

  async blob(key: KeyLike, options: BlobOptions = {}): Promise<Blob | undefined> {
    this.#assertOpen()
    return await this.#reading(contentBlob(this.#context, parseKey(key), this.#find, options))
  }

  /** Bytes from `offset` on, as many as are cheap to read at once; none at the end. What streams are made of. */
  async piece(key: KeyLike, offset: number): Promise<Piece | undefined> {
    this.#assertOpen()
    return await this.#reading(readPiece(this.#context, parseKey(key), this.#find, offset))
  }

  async getMany(keys: Iterable<KeyLike>): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    this.#assertOpen()
    return await this.#reading(readContents(this.#context, parseKeys(keys)))
  }

  async has(key: KeyLike): Promise<boolean> {
    this.#assertOpen()
    return hasContent(this.#context, parseKey(key))
  }

  async hasMany(keys: Iterable<KeyLike>): Promise<boolean[]> {
    this.#assertOpen()
    return Array.from(keys, (key) => hasContent(this.#context, parseKey(key)))
  }

  async delete(key: KeyLike): Promise<boolean> {
    return (await this.deleteMany([key])) === 1
  }

  async deleteMany(keys: Iterable<KeyLike>, options: CommitOptions = {}): Promise<number> {
    this.#assertOpen()
    const names = Array.from(keys, parseKey)
    return await this.#queue.write(
      this.#isStrict(options.durability),
      () => names,
      async () => {
        let count = 0
        for (const name of names) if (await this.#contents.delete(name)) count++
        return count
      },
    )
  }

  async *keys(options: { signal?: AbortSignal } = {}): AsyncGenerator<KeyEntry> {
    this.#assertOpen()
    throwIfAborted(options.signal)
    const { holders } = this.#staging
    await holders.load()
    const block = contentRecords(this.#context.state, holders)
    for (const record of records(block)) {
      throwIfAborted(options.signal)
      const { at } = record
      if (isUserKey(block, at)) {
        yield { key: keyHex(block, at), size: valueBytes(record) }
      } else {
        const manifest = await readListed(this.#context, block.subarray(at, at + KEY_BYTES))
        if (manifest) yield { key: keyHex(manifest.key), size: manifest.size }
      }
    }
  }

  async transaction<T>(fn: (tx: Transaction) => Promise<T> | T, options: CommitOptions = {}): Promise<T> {
    const tx = await this.begin(options)
    try {
      const result = await fn(tx)
      await tx.commit()
      return result
    } catch (error) {
      // When it was the commit that failed, or fn ended the transaction itself, there is nothing left to undo.
      await tx[Symbol.asyncDispose]()
      throw error
    }
  }

  async begin(options: CommitOptions = {}): Promise<Transaction> {
    this.#assertOpen()
    return await new Promise<Transaction>((resolve, reject) => {
      this.#queue
        .turn(async () => {
          this.#assertOpen()
          await this.#staging.begin()
          await new Promise<void>((release) => {
            const strict = this.#isStrict(options.durability)
            const tx = new EngineTransaction(this.#context, this.#staging, this.#contents, strict, () => {
              this.#transactions.delete(tx)
              release()
            })
            this.#transactions.add(tx)
            resolve(tx)
          })
        })
        .catch(reject)
    })
  }

  async gc(options: CollectOptions = {}): Promise<CollectReport> {
    this.#assertOpen()
    const [context, staging, contents] = [this.#context, this.#staging, this.#contents]
    return await collect({ context, staging, contents, uploads: this.#uploads, queue: this.#queue }, options)
  }

  async stats(): Promise<Stats> {
    this.#assertOpen()
    const { state } = this.#context
    const { bytes, liveBytes } = state.totals()
    const { holders } = this.#staging
    await holders.load()
    return {
      // A chunk that a repair had to give up is listed, and not there.
      count: state.userCount - holders.lists.sizeWithin(state.keys) + state.ownCount(RESERVED.manifest),
      bytes: state.userBytes,
      logBytes: bytes,
      liveBytes,
      deadBytes: bytes - liveBytes,
      transactions: state.transaction,
      segments: [...state.segments]
        .sort(([a], [b]) => a - b)
        .map(([segment, { bytes, liveBytes }]) => ({ segment, bytes, liveBytes })),
      indexBytes: state.keys.memoryBytes + state.shadows.memoryBytes,
    }
  }

  async check(options: CheckOptions = {}): Promise<CheckReport> {
    this.#assertOpen()
    return await this.#queue.turn(() => checkStore(this.#context, this.#staging, options))
  }

  async compact(options: CompactOptions = {}): Promise<CompactReport> {
    this.#assertOpen()
    const { threshold = THRESHOLD } = options
    if (!(threshold >= 0 && threshold <= 1)) throw new TypeError(`threshold is a number from 0 to 1, not ${threshold}`)
    return await this.#queue.turn(() => compactStore(this.#context, this.#staging, { ...options, threshold }))
  }

  async freeze(): Promise<Frozen> {
    this.#assertOpen()
    return await this.#reading(freezeStore(this.#context))
  }

  async flush(): Promise<void> {
    this.#assertOpen()
    await this.#queue.turn(() => flushLog(this.#context))
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    try {
      await Promise.all([...this.#transactions].map((tx) => tx[Symbol.asyncDispose]()))
      await this.#uploads.close()
    } finally {
      await this.#queue.idle()
      await Promise.allSettled(this.#reads)
      await this.#closeFiles()
    }
  }

  async #closeFiles(): Promise<void> {
    const { writer, head, files, lock } = this.#context
    try {
      await abandonCheckpoint(this.#context)
      await flushLog(this.#context)
      if (closingCheckpointIsDue(this.#context)) await checkpoint(this.#context).catch(unlessNoRoom)
      await head.flush()
      await writer.close()
      await removeOutlived(this.#context)
    } finally {
      head.close()
      await files.close()
      lock.close()
    }
  }

  /** Between commits. What fails here is not lost: it is due again after a later commit, and `compact` and `close` report it. */
  async #maintain(): Promise<void> {
    const context = this.#context
    const { bytes } = context.state.totals()
    try {
      await this.#uploads.sweep()
      const due = bytes < this.#compactFrom ? [] : dueSegments(context)
      if (due.length > 0) await compactSegments(context, this.#staging, due, false)
      if (!this.#isPausing) await checkpointStep(context)
    } catch (error) {
      // No room on the disk, or no memory. Each try costs a copy, so the next one waits until the log has grown by a segment.
      if (!isStoreError(error) && !(error instanceof RangeError)) throw error
      this.#compactFrom = bytes + context.config.segmentBytesMax
    }
    if (context.saving && !this.#isPausing) this.#pause()
    await context.reserve.fill().catch(unlessFailed)
  }

  /** Between two slices of a checkpoint whoever waits goes first; then the next one is due, also when nothing else is done. */
  #pause(): void {
    this.#isPausing = true
    void this.#context.pause().then(() => {
      this.#isPausing = false
      if (!this.#closing) this.#queue.wake()
    })
  }

  async #reading<T>(read: Promise<T>): Promise<T> {
    this.#reads.add(read)
    try {
      return await read
    } finally {
      this.#reads.delete(read)
    }
  }

  #isStrict(durability: Durability | undefined): boolean {
    return (durability ?? this.#durability) === 'strict'
  }

  #assertOpen(): void {
    if (this.#closing) throw new StoreError('CLOSED', 'the store is closed; open it again')
  }
}

/** A checkpoint that finds no room is only missed at the next opening, which reads the log instead. */
function unlessNoRoom(error: unknown): void {
  if (!isStoreError(error, 'QUOTA')) throw error
}
