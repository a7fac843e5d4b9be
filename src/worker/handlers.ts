/**
 * What each call does to the store: one handler for each type, in a table that the compiler holds complete. Kept here are the
 * store and what the page's side has open in it: transactions and cursors, by the ids of the calls that opened them.
 * A handler starts its work before its first `await`. Made by the host, one table for each transport.
 */

import { abortError, StoreError } from '../errors.js'
import { type Envelope, sliceOf } from '../protocol/bytes.js'
import { encodeKeys, PAGE_ENTRIES_MAX } from '../protocol/key-page.js'
import type { Call, CallType, KeyPage, Result, WireData } from '../protocol/messages.js'
import type { Data, KeyEntry, Progress, Store, TaskOptions, Transaction } from '../types.js'
import { defined } from './defined.js'
import type { Open } from './host.js'

/** What the handlers need of the host. */
export interface Context {
  /** Fires when the page aborts the call of this id. */
  signal(id: number): AbortSignal
  /** Tells the page how far the call of this id is. */
  progress(id: number): (progress: Progress) => void
  /** The slice of these bytes in the reply that is added next. */
  pack(bytes: Uint8Array<ArrayBuffer> | undefined): number | undefined
}

/** A result that holds bytes is a function, called when its reply is added: slices are numbered by message. */
type Outcome<T extends CallType> = Result<T> | (() => Result<T>)

export type Handlers = {
  readonly [T in CallType]: (request: Call<T>, message: Envelope<unknown>) => Promise<Outcome<T>>
}

export function createHandlers(context: Context, open: Open, closed: () => void): Handlers {
  let store: Store | undefined
  let taken = false
  const transactions = new Map<number, Promise<Transaction>>()
  const cursors = new Map<number, AsyncIterator<KeyEntry>>()

  function opened(): Store {
    if (store) return store
    throw new StoreError('CLOSED', 'the store is closed; open it again')
  }

  function transaction(tx: number): Promise<Transaction> {
    const found = transactions.get(tx)
    if (found) return found
    throw new StoreError('TX_CLOSED', 'the transaction has ended, or never began; begin another')
  }

  /** Runs at once on the store, so that the calls of a message start in one tick; in a transaction, once it has begun. */
  async function on<T>(tx: number | undefined, run: (target: Store | Transaction) => Promise<T>): Promise<T> {
    return tx === undefined ? run(opened()) : transaction(tx).then(run)
  }

  async function end(tx: number, how: 'commit' | 'rollback'): Promise<undefined> {
    const ending = transaction(tx)
    transactions.delete(tx)
    await (await ending)[how]()
  }

  async function page(cursor: number, iterator: AsyncIterator<KeyEntry>): Promise<() => KeyPage> {
    const entries: KeyEntry[] = []
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
      cursors.delete(cursor)
      throw error
    }
    const more = cursors.has(cursor) ? cursor : undefined
    return () => ({ entries: context.pack(encodeKeys(entries)) as number, cursor: more })
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

    put: (request, message) =>
      on(request.tx, (target) =>
        target.put(dataOf(request.data, message), defined({ durability: request.durability })),
      ),
    set: (request, message) =>
      on(request.tx, async (target) => {
        await target.set(request.key, dataOf(request.data, message), defined({ durability: request.durability }))
        return undefined
      }),
    async putMany({ tx, data, durability }, message) {
      const values = data.map((each) => dataOf(each, message))
      if (tx === undefined) return opened().putMany(values, defined({ durability }))
      const inside = await transaction(tx)
      return Promise.all(values.map((value) => inside.put(value)))
    },
    get: ({ tx, key }) => on(tx, (target) => target.get(key)).then((bytes) => () => context.pack(bytes)),
    getMany: async ({ keys }) => {
      const values = await opened().getMany(keys)
      return () => values.map((bytes) => context.pack(bytes))
    },
    has: ({ tx, key }) => on(tx, (target) => target.has(key)),
    hasMany: async ({ keys }) => opened().hasMany(keys),
    delete: ({ tx, key }) => on(tx, (target) => target.delete(key)),
    deleteMany: async (request) => opened().deleteMany(request.keys, defined({ durability: request.durability })),

    async keys({ id }) {
      const signal = context.signal(id)
      const iterator = opened().keys({ signal })[Symbol.asyncIterator]()
      cursors.set(id, iterator)
      const first = await page(id, iterator)
      if (!signal.aborted) return first
      // The page has gone on and will never end this cursor.
      await endCursor(id)
      throw abortError(signal)
    },
    async keysNext({ cursor }) {
      const iterator = cursors.get(cursor)
      if (!iterator)
        throw new StoreError('BAD_MESSAGE', 'keysNext: there is no such cursor; it came to its end or was ended')
      return page(cursor, iterator)
    },
    keysEnd: ({ cursor }) => endCursor(cursor),

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
    async flush() {
      await opened().flush()
      return undefined
    },
    async close() {
      const closing = opened()
      store = undefined
      // One that waits for its turn gets it when the one before it is rolled back. That one fails changes nothing: what has no COMMIT is not there.
      const rollbacks = [...transactions.values()].map((each) => each.then((tx) => tx.rollback()))
      transactions.clear()
      await Promise.allSettled(rollbacks)
      try {
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
