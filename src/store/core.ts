/**
 * The core of the engine: a store open in this thread, with the calls that a worker serves. What a page makes of these itself (streams, responses,
 * transactions around a function) engine.ts adds for everybody else. It needs storage and a kernel and nothing else of the platform.
 */

import { closedError, isStoreError, throwIfAborted } from '../errors.js'
import { parseKey, parseKeys } from '../format/key.js'
import { createKernel, type Kernel } from '../kernel/kernel.js'
import type { Take } from '../log/reader.js'
import { checkRange } from '../piece-stream.js'
import type { Storage } from '../storage/storage.js'
import { transact } from '../transact.js'
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
  Source,
  Stats,
  Store,
} from '../types.js'
import { contentBlob } from './blob.js'
import { checkStore } from './check.js'
import { errorAt } from './closing.js'
import { collect } from './collect.js'
import { compactStore, THRESHOLD } from './compaction.js'
import { Contents } from './contents.js'
import type { Context } from './context.js'
import { toBytes } from './data.js'
import { flushLog } from './flush.js'
import { freezeStore } from './frozen.js'
import {
  abandonCheckpoint,
  CHECKPOINT_BYTES_LEAST,
  checkpoint,
  closingCheckpointIsDue,
  pause,
  removeOutlived,
  SLICE_BYTES,
} from './maintenance.js'
import { closeContext, openContext } from './open.js'
import { listContents, statsOf } from './overview.js'
import { putAll } from './put-many.js'
import { WriteQueue } from './queue.js'
import { type Find, hasContent, readContent, readContents, readPiece } from './read-content.js'
import { EngineRefs, type Stage, StagedRefs } from './refs.js'
import { Staging } from './staging.js'
import { EngineTransaction } from './transaction.js'
import { Upkeep } from './upkeep.js'
import { Uploads } from './uploads.js'

export interface OpenEngineOptions extends EngineOptions {
  /** What the store calls itself; only for the caller. */
  name?: string
  /** A kernel to share between engines; one is made unless given. */
  kernel?: Kernel
}

/** What else tests set: sizes that make a small store do all that a large one does, and what would differ from run to run. */
export interface EngineSettings extends OpenEngineOptions {
  /** A checkpoint is written when the log has grown by at least this; 32 MiB unless given. */
  checkpointBytes?: number
  /** A checkpoint of more than twice this goes in slices of this size, between commits; 1 MiB unless given. */
  sliceBytes?: number
  /** Resolves when what waits in this thread has had its turn, between two slices; a timer of no time unless given. */
  pause?: () => Promise<void>
  /** Milliseconds since any moment, for what `gc` takes for recent; `Date.now` unless given. */
  now?: () => number
  /** Fills an array with random bytes, for the id and the hash seed; `crypto.getRandomValues` unless given. */
  random?: (bytes: Uint8Array<ArrayBuffer>) => void
}

/** Opens the store in `storage`, which is its directory, as a core or an engine. Throws LOCKED at once when it is open elsewhere, NOT_FOUND, FORMAT. */
export async function openAs<C extends EngineCore>(
  Kind: new (context: Context, name: string, durability: Durability) => C,
  storage: Storage,
  options: EngineSettings,
): Promise<C> {
  throwIfAborted(options.signal)
  const durability = checkDurability(options.durability ?? 'strict')
  const context = await openContext({
    storage,
    kernel: options.kernel ?? createKernel(),
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
  try {
    return new Kind(context, options.name ?? '', durability)
  } catch (error) {
    // There was no memory for its tables.
    await closeContext(context)
    throw error
  }
}

export class EngineCore implements Omit<Store, 'stream' | 'response' | 'transaction'> {
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
  /** Fires when the close begins. */
  readonly #leaving = new AbortController()
  #closing: Promise<void> | undefined

  constructor(context: Context, name: string, durability: Durability) {
    this.name = name
    this.id = context.config.id
    this.recovery = { ...context.recovery, damaged: [...context.recovery.damaged] }
    this.#context = context
    this.#durability = durability
    this.#staging = new Staging(context)
    this.#contents = new Contents(context, this.#staging)
    this.#queue = new WriteQueue(this.#staging, () => upkeep.step())
    this.#uploads = new Uploads(context, this.#staging, this.#contents, this.#queue, this.#leaving.signal)
    const upkeep = new Upkeep(context, this.#staging, this.#uploads, () => {
      if (!this.#closing) this.#queue.wake()
    })
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
    const closing = this.#leaving.signal
    try {
      return await transact(this.#begin(options, false), (tx) => putAll(tx, data, options.signal, closing))
    } catch (error) {
      throw errorAt(closing, error)
    }
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
      finish: async ({ durability } = {}) => upload.finish(this.#isStrict(durability)),
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
    return this.#reading(readContent(this.#context, parseKey(key), this.#find, checkRange(range)))
  }

  async blob(key: KeyLike, options: BlobOptions = {}): Promise<Blob | undefined> {
    this.#assertOpen()
    return await this.#reading(contentBlob(this.#context, parseKey(key), this.#find, options))
  }

  /** Bytes from `offset` on, as many as are cheap to read at once; none at the end. They are in `memory` if they fit. What streams are made of. */
  async piece(key: KeyLike, offset: number, memory?: Uint8Array<ArrayBuffer>): Promise<Piece | undefined> {
    this.#assertOpen()
    return await this.#reading(readPiece(this.#context, parseKey(key), this.#find, offset, memory))
  }

  /** With `copy`, which gets each value as it lies in memory that is used again, the values are what it makes of them. */
  async getMany(
    keys: Iterable<KeyLike>,
    copy?: Take<Uint8Array<ArrayBuffer>>,
  ): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    this.#assertOpen()
    return await this.#reading(readContents(this.#context, parseKeys(keys), copy))
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
    yield* listContents(this.#context, holders, options.signal)
  }

  async begin(options: CommitOptions = {}): Promise<EngineTransaction> {
    this.#assertOpen()
    return await this.#begin(options, true)
  }

  /** A transaction that is in the caller's hands is rolled back by a close; for another one a close waits. */
  async #begin(options: CommitOptions, isCallers: boolean): Promise<EngineTransaction> {
    const strict = this.#isStrict(options.durability)
    return await new Promise<EngineTransaction>((resolve, reject) => {
      this.#queue
        .turn(async () => {
          if (isCallers) this.#assertOpen()
          await this.#staging.begin()
          await new Promise<void>((release) => {
            const tx = new EngineTransaction(this.#context, this.#staging, this.#contents, strict, () => {
              this.#transactions.delete(tx)
              release()
            })
            if (isCallers) this.#transactions.add(tx)
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
    const { holders } = this.#staging
    await holders.load()
    return statsOf(this.#context, holders)
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
    return await this.#reading(freezeStore(this.#context, this.#leaving.signal))
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
    // A source may never answer.
    this.#leaving.abort()
    try {
      await Promise.all([...this.#transactions].map((tx) => tx.close()))
      await this.#uploads.close()
    } finally {
      await this.#queue.idle()
      await Promise.allSettled(this.#reads)
      await this.#closeFiles()
    }
  }

  async #closeFiles(): Promise<void> {
    const { writer, head } = this.#context
    try {
      await abandonCheckpoint(this.#context)
      await flushLog(this.#context)
      if (closingCheckpointIsDue(this.#context)) await checkpoint(this.#context).catch(unlessNoRoom)
      await head.flush()
      await writer.close()
      await removeOutlived(this.#context)
    } finally {
      await closeContext(this.#context)
    }
  }

  #reading<T>(read: T | Promise<T>): T | Promise<T> {
    if (!(read instanceof Promise)) return read
    this.#reads.add(read)
    return read.finally(() => this.#reads.delete(read))
  }

  #isStrict(durability: Durability | undefined): boolean {
    return checkDurability(durability ?? this.#durability) === 'strict'
  }

  #assertOpen(): void {
    if (this.#closing) throw closedError()
  }
}

/** Throws TypeError: a word that is misspelt must not come to mean the weaker of the two. */
function checkDurability(durability: Durability): Durability {
  if (durability === 'strict' || durability === 'relaxed') return durability
  throw new TypeError(`durability is 'strict' or 'relaxed', not ${JSON.stringify(durability)}`)
}

/** A checkpoint that finds no room is only missed at the next opening, which reads the log instead. */
function unlessNoRoom(error: unknown): void {
  if (!isStoreError(error, 'QUOTA')) throw error
}
