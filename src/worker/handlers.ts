/**
 * What each call does to the store: one handler for each type, in a table that the compiler holds complete. Kept here are the
 * store and what the page's side has open in it: transactions, cursors, pipes, ingests and frozen stores, by the numbers that the page drew for them.
 * A handler starts its work before its first `await`. Made by the host, one table for each transport.
 */

import { abortError, closedError, StoreError } from '../errors.js'
import { type Envelope, Slabs, sliceOf } from '../protocol/bytes.js'
import { encodeKeys, PAGE_ENTRIES_MAX } from '../protocol/key-page.js'
import type { Call, CallType, KeyPage, PipeData, Result, WireData } from '../protocol/messages.js'
import type {
  CommitOptions,
  Data,
  Ingest,
  Key,
  KeyEntry,
  KeyLike,
  Piece,
  Progress,
  Ref,
  Source,
  Store,
  TaskOptions,
  Transaction,
} from '../types.js'
import { defined } from './defined.js'
import { FrozenStores } from './frozen.js'
import type { Open } from './host.js'
import { Pipe } from './pipe.js'

/**
 * What is served: a store that also gives values and pieces of contents in given memory, and takes many values into a transaction, as the engine does.
 * The page makes streams and responses of pieces itself, and runs what stands in a transaction.
 */
export interface Served extends Omit<Store, 'stream' | 'response' | 'transaction'> {
  getMany(
    keys: Iterable<KeyLike>,
    copy?: (value: Uint8Array) => Uint8Array<ArrayBuffer>,
  ): Promise<(Uint8Array<ArrayBuffer> | undefined)[]>
  begin(options?: CommitOptions): Promise<ServedTransaction>
  piece(key: KeyLike, offset: number, memory?: Uint8Array<ArrayBuffer>): Promise<Piece | undefined>
}

export interface ServedTransaction extends Transaction {
  putMany(values: readonly Data[]): Promise<Key[]>
}

/** What the handlers need of the host. */
export interface Context {
  /** Fires when the page aborts the call of this id. */
  signal(id: number): AbortSignal
  /** Tells the page how far the call of this id is. */
  progress(id: number): (progress: Progress) => void
  /** The slice of these bytes in the reply that is added next. */
  pack(bytes: Uint8Array<ArrayBuffer> | undefined): number | undefined
  /** The same of bytes whose buffer holds nothing but what leaves in that reply. */
  packPart(bytes: Uint8Array<ArrayBuffer>): number
}

/** A result that holds bytes is a function, called when its reply is added: slices are numbered by message. */
type Outcome<T extends CallType> = Result<T> | (() => Result<T>)

export type Handlers = {
  readonly [T in CallType]: (request: Call<T>, message: Envelope<unknown>) => Promise<Outcome<T>>
}

export function createHandlers(context: Context, open: Open, closed: () => void): Handlers {
  let store: Served | undefined
  let taken = false
  const transactions = new Map<number, Promise<ServedTransaction>>()
  const cursors = new Map<number, AsyncIterator<unknown>>()

  const pipes = new Map<number, Pipe>()
  const ingests = new Map<number, { handle: Ingest; size: number }>()
  const frozenStores = new FrozenStores()

  function opened(): Served {
    if (store) return store
    throw closedError()
  }

  function transaction(tx: number): Promise<ServedTransaction> {
    const found = transactions.get(tx)
    if (found) return found
    throw new StoreError('TX_CLOSED', 'the transaction has ended, or never began; begin another')
  }

  /** Runs `put` with the source that the page sends by pipe. */
  async function receive(pipe: number, put: (source: Source) => Promise<Key>, signal?: AbortSignal): Promise<Key> {
    if (pipes.has(pipe)) throw new StoreError('BAD_MESSAGE', `put: the pipe ${pipe} is open already`)
    const source = new Pipe()
    pipes.set(pipe, source)
    // The put itself may end only when it gets its turn. Until then the page would wait with what it has sent, and its source with it.
    signal?.addEventListener('abort', () => source.leave())
    try {
      return await put(source)
    } finally {
      source.leave()
    }
  }

  function piped({ pipe }: PipeData): Pipe {
    const found = pipes.get(pipe)
    if (found) return found
    throw new StoreError('BAD_MESSAGE', `there is no pipe ${pipe}; it came to its end or never began`)
  }

  async function endPipe(request: PipeData, end?: { error: unknown }): Promise<undefined> {
    piped(request).end(end)
    pipes.delete(request.pipe)
  }

  function ingestOf(ingest: number): { handle: Ingest; size: number } {
    const found = ingests.get(ingest)
    if (found) return found
    throw new StoreError('TX_CLOSED', 'the ingest has ended; begin another')
  }

  /** Ends an ingest, if it has not ended yet. */
  async function endIngest(ingest: number, end: (handle: Ingest) => PromiseLike<void>): Promise<undefined> {
    const found = ingests.get(ingest)
    ingests.delete(ingest)
    if (found) await end(found.handle)
  }

  /** Runs at once on the store, so that the calls of a message start in one tick; in a transaction, once it has begun. */
  function on<T>(tx: number | undefined, run: (target: Served | Transaction) => Promise<T>): Promise<T> {
    return tx === undefined ? run(opened()) : transaction(tx).then(run)
  }

  async function end(tx: number, how: 'commit' | 'rollback'): Promise<undefined> {
    const ending = transaction(tx)
    transactions.delete(tx)
    await (await ending)[how]()
  }

  /** The next entries of a listing; without a cursor when these are the last. */
  async function next<T>(
    cursor: number,
    iterator: AsyncIterator<T>,
  ): Promise<{ entries: T[]; cursor: number | undefined }> {
    const entries: T[] = []
    try {
      while (entries.length < PAGE_ENTRIES_MAX) {
        const { done, value } = await iterator.next()
        if (done) {
          cursors.delete(cursor)
          break
        }
        entries.push(value)
      }
    } catch (error) {
      // One that was ended meanwhile stays ended.
      if (!cursors.delete(cursor) || entries.length === 0) throw error
      // What came before it counts, so it is met where it stands: by the next call.
      cursors.set(cursor, { next: () => Promise.reject(error) })
    }
    return { entries, cursor: cursors.has(cursor) ? cursor : undefined }
  }

  /** Begins a listing, under the id of its call. */
  async function list<T>(id: number, begin: (signal: AbortSignal) => AsyncIterable<T>) {
    const signal = context.signal(id)
    const iterator = begin(signal)[Symbol.asyncIterator]()
    cursors.set(id, iterator)
    const first = await next(id, iterator)
    if (!signal.aborted) return first
    // The page has gone on and will never end this cursor.
    await endCursor(id)
    throw abortError(signal)
  }

  function goOn<T>(cursor: number) {
    const iterator = cursors.get(cursor)
    if (iterator) return next(cursor, iterator as AsyncIterator<T>)
    throw new StoreError('BAD_MESSAGE', `there is no cursor ${cursor}; it came to its end or was ended`)
  }

  const keyPage =
    ({ entries, cursor }: { entries: KeyEntry[]; cursor: number | undefined }) =>
    (): KeyPage => ({ entries: context.pack(encodeKeys(entries)) as number, cursor })

  async function packed(bytes: Promise<Uint8Array<ArrayBuffer>>): Promise<() => number> {
    const given = await bytes
    return () => context.pack(given) as number
  }

  async function endCursor(cursor: number): Promise<undefined> {
    const iterator = cursors.get(cursor)
    cursors.delete(cursor)
    await iterator?.return?.()
  }

  function task({ id, progress }: { id: number; progress: boolean }): TaskOptions {
    const signal = context.signal(id)
    return progress ? { signal, onProgress: context.progress(id) } : { signal }
  }

  return {
    async open(request) {
      if (taken)
        throw new StoreError('BAD_MESSAGE', 'open: this connection has a store already; make another for another')
      taken = true
      const signal = context.signal(request.id)
      try {
        const found = await open(request, signal)
        if (signal.aborted) {
          await found.close()
          throw abortError(signal)
        }
        store = found
        return { id: found.id, recovery: found.recovery }
      } catch (error) {
        taken = false
        throw error
      }
    },

    async put(request, message) {
      const { tx, data, durability, expected, progress } = request
      const told = progress === undefined ? {} : task({ id: request.id, progress })
      const options = { ...defined({ durability, expected }), ...told }
      const put = (source: Source) => on(tx, (target) => target.put(source, options))
      return typeof data === 'object' && 'pipe' in data
        ? receive(data.pipe, put, options.signal)
        : put(dataOf(data, message))
    },
    pipeWrite: async (request, message) => {
      await piped(request).write(sliceOf(message, request.data))
      return undefined
    },
    pipeEnd: (request) => endPipe(request),
    pipeFail: (request) => endPipe(request, { error: new StoreError('ABORTED', 'the source failed on the page') }),
    set: (request, message) =>
      on(request.tx, async (target) => {
        await target.set(request.key, dataOf(request.data, message), defined({ durability: request.durability }))
        return undefined
      }),
    async putMany({ id, tx, data, durability, slab }, message) {
      const values = data.map((each) => dataOf(each, message))
      const inside = tx === undefined ? undefined : await transaction(tx)
      const keys = inside
        ? await inside.putMany(values)
        : await opened().putMany(values, defined({ durability, signal: context.signal(id) }))
      // Now that every value is stored nothing reads it any more.
      return () => ({ keys, slab: slab === undefined ? undefined : context.pack(sliceOf(message, slab)) })
    },
    get: ({ tx, key, offset, length }) =>
      on(tx, (target) => target.get(key, defined({ offset, length }))).then((bytes) => () => context.pack(bytes)),
    piece: async ({ key, offset, memory }, message) => {
      const given = memory === undefined ? undefined : sliceOf(message, memory)
      // What is small may share its buffer with the bytes of other calls, and all of it is given back.
      const isAlone = given?.length === given?.buffer.byteLength
      const piece = await opened().piece(key, offset, isAlone ? given : undefined)
      if (!piece) return undefined
      const { bytes, size } = piece
      return () => ({ memory: context.pack(new Uint8Array(bytes.buffer)) as number, length: bytes.length, size })
    },
    blob: async ({ key, mediaType, verify }) => opened().blob(key, defined({ type: mediaType, verify })),
    getMany: async ({ keys }) => {
      const slabs = new Slabs()
      const values = await opened().getMany(keys, (value) => slabs.copy(value))
      return () => values.map((bytes) => bytes && context.packPart(bytes))
    },
    has: ({ tx, key }) => on(tx, (target) => target.has(key)),
    hasMany: async ({ keys }) => opened().hasMany(keys),
    delete: ({ tx, key }) => on(tx, (target) => target.delete(key)),
    deleteMany: async (request) => opened().deleteMany(request.keys, defined({ durability: request.durability })),

    keys: async ({ id }) => keyPage(await list(id, (signal) => opened().keys({ signal }))),
    keysNext: async ({ cursor }) => keyPage(await goOn<KeyEntry>(cursor)),
    refs: async ({ id, prefix }) => list(id, (signal) => opened().refs.list({ signal, ...defined({ prefix }) })),
    refsNext: async ({ cursor }) => goOn<Ref>(cursor),
    listEnd: ({ cursor }) => endCursor(cursor),
    refSet: ({ tx, name, key, meta }) =>
      on(tx, async (target) => {
        await target.refs.set(name, key, meta === undefined ? undefined : JSON.parse(meta))
        return undefined
      }),
    refGet: ({ tx, name }) => on(tx, (target) => target.refs.get(name)),
    refDelete: ({ tx, name }) => on(tx, (target) => target.refs.delete(name)),
    gc: async (request) => {
      const { dryRun, keep, grace } = request
      return opened().gc({ ...task(request), ...defined({ dryRun, keep, grace }) })
    },

    async ingest({ key, size, ingest }) {
      if (ingests.has(ingest)) throw new StoreError('BAD_MESSAGE', `ingest: ${ingest} is open already`)
      const handle = await opened().ingest(key, { size })
      ingests.set(ingest, { handle, size })
      return handle.offset
    },
    async ingestWrite({ ingest, data }, message) {
      const { handle } = ingestOf(ingest)
      await handle.write(sliceOf(message, data))
      return handle.offset
    },
    async ingestFinish({ ingest, durability }) {
      const { handle, size } = ingestOf(ingest)
      try {
        return await handle.finish(defined({ durability }))
      } finally {
        // With all of its bytes it has ended, well or not; without, it waits for the others.
        if (handle.offset === size) ingests.delete(ingest)
      }
    },
    ingestDiscard: ({ ingest }) => endIngest(ingest, (handle) => handle.discard()),
    ingestPause: ({ ingest }) => endIngest(ingest, (handle) => handle[Symbol.asyncDispose]()),

    async begin({ tx, durability }) {
      if (transactions.has(tx)) throw new StoreError('BAD_MESSAGE', `begin: transaction ${tx} is open already`)
      const beginning = opened().begin(defined({ durability }))
      transactions.set(tx, beginning)
      beginning.catch(() => transactions.delete(tx))
      await beginning
      return undefined
    },
    commit: ({ tx }) => end(tx, 'commit'),
    rollback: ({ tx }) => end(tx, 'rollback'),

    stats: async () => opened().stats(),
    check: async (request) => opened().check({ ...task(request), ...defined({ repair: request.repair }) }),
    compact: async (request) => opened().compact({ ...task(request), ...defined({ threshold: request.threshold }) }),
    async freeze({ frozen }) {
      const made = await opened().freeze()
      frozenStores.add(frozen, made)
      return { keysAreHashes: made.keysAreHashes, files: made.files.map(({ path, size }) => ({ path, size })) }
    },
    frozenRead: ({ frozen, file, at, length }) => packed(frozenStores.file(frozen, file).read(at, length)),
    frozenEntries: ({ frozen }) => packed(frozenStores.get(frozen).entries()),
    frozenValue: ({ frozen, index }) => packed(frozenStores.get(frozen).value(index)),
    async frozenEnd({ frozen }) {
      frozenStores.end(frozen)
      return undefined
    },
    async flush() {
      await opened().flush()
      return undefined
    },
    async close() {
      const closing = opened()
      store = undefined
      frozenStores.endAll()
      // That one fails changes nothing: what has no COMMIT is not there. Nor are they waited for: one may be behind a commit whose source only the store's close ends.
      for (const each of transactions.values()) each.then((tx) => tx.rollback()).catch(() => undefined)
      transactions.clear()
      try {
        // What came before the close in its message has reached its transaction then.
        await Promise.resolve()
        await closing.close()
      } finally {
        closed()
      }
      return undefined
    },
  }
}

function dataOf(data: WireData, message: Envelope<unknown>): Data {
  return typeof data === 'number' ? sliceOf(message, data) : data
}
