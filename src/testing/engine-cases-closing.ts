/**
 * Engine cases: the end of a store and of a call: close, lock, abort. Part of engine-cases.ts.
 */

import { StoreError, type StoreErrorCode } from '../errors.js'
import type { Engine } from '../store/engine.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, value } from './engine-case.js'

/** One call of every kind. */
function everyCall(store: Engine): [string, () => Promise<unknown>][] {
  return [
    ['put', () => store.put('a')],
    ['putMany', () => store.putMany(['a'])],
    ['set', () => store.set(key(1), 'a')],
    ['get', () => store.get(key(1))],
    ['getMany', () => store.getMany([key(1)])],
    ['has', () => store.has(key(1))],
    ['hasMany', () => store.hasMany([key(1)])],
    ['delete', () => store.delete(key(1))],
    ['deleteMany', () => store.deleteMany([key(1)])],
    ['keys', () => keysOf(store)],
    ['transaction', () => store.transaction(() => undefined)],
    ['begin', () => store.begin()],
    ['stats', () => store.stats()],
    ['check', () => store.check()],
    ['compact', () => store.compact()],
    ['flush', () => store.flush()],
  ]
}

const closing: EngineCase[] = [
  {
    name: 'a close whose checkpoint finds the one before it gone is like any other; if it cannot be removed, that is told',
    async run({ open, close, reopen, storage }) {
      await (await open({ maxSegmentSize: 1024 })).set(key(0), value(450))
      for (const fault of ['vanished', 'stays']) {
        const store = await reopen()
        const [path = ''] = (await storage.paths()).filter((path) => path.startsWith('index.'))
        for (let number = 1; number < 20; number++) await store.set(key(number), value(20_000, number))
        if (fault === 'vanished') {
          await storage.remove(path)
          await close()
        } else {
          storage.before = (call) => {
            if (call.kind === 'remove' && call.path === path) throw new StoreError('IO', 'the file is held')
          }
          await fails(close, 'IO', 'close')
          storage.before = () => undefined
        }
        equal(storage.openPaths, [], 'files left open')
        const again = await open()
        equal([again.recovery.source, again.recovery.damaged], ['checkpoint', []], 'the next opening')
        equal((await keysOf(again)).length, 20, 'keys')
      }
    },
  },
  {
    name: 'every call after close is CLOSED and touches nothing; closing again is allowed',
    async run({ open, storage }) {
      const store = await open()
      await store.set(key(1), 'a')
      await store.close()
      storage.calls.length = 0
      for (const [what, call] of everyCall(store)) await fails(call, 'CLOSED', what)
      await store.close()
      equal(storage.calls, [], 'calls of the storage')
    },
  },
  {
    name: 'close waits for the calls made before it',
    async run({ open, close, reopen }) {
      const store = await open()
      const put = store.set(key(1), 'a')
      await close()
      await put
      equal(await keysOf(await reopen()), [key(1)], 'keys')
    },
  },
  {
    name: 'close rolls back the transaction that is open, and refuses those that wait',
    async run({ open, reopen }) {
      const store = await open()
      const tx = await store.begin()
      await tx.set(key(1), 'a')
      const waiting = store.begin().then(
        () => 'begun',
        (error: unknown) => (error instanceof StoreError ? error.code : error),
      )
      await store.close()
      equal(await waiting, 'CLOSED', 'the transaction that waited')
      await fails(() => tx.commit(), 'TX_CLOSED', 'commit')
      equal(await keysOf(await reopen()), [], 'keys')
    },
  },
  {
    name: 'a second opener is LOCKED while the store is open, and gets it after close',
    async run({ open, storage }) {
      const store = await open()
      const before = await storage.paths()
      await fails(() => open(), 'LOCKED', 'open')
      equal(await storage.paths(), before, 'files')
      await store.put('a')
      await store.close()
      equal((await (await open()).stats()).count, 1, 'blobs')
    },
  },
  {
    name: 'a store is disposed of by closing it',
    async run({ open, storage }) {
      const store = await open()
      await store[Symbol.asyncDispose]()
      equal(storage.openPaths, [], 'open files')
    },
  },
]

const aborting: EngineCase[] = [
  {
    name: 'what is aborted is ABORTED, answers to AbortError, has the reason as its cause, and leaves the store usable',
    async run({ open, storage }) {
      const reason = new Error('enough')
      const signal = AbortSignal.abort(reason)
      await fails(() => open({ signal }), 'ABORTED', 'open')
      equal(await storage.paths(), [], 'files')
      const store = await open({ maxSegmentSize: 1024, signal: new AbortController().signal })
      for (let number = 0; number < 20; number++) await store.set(key(number), value(400, number))
      const calls: [string, () => Promise<unknown>][] = [
        ['check', () => store.check({ signal })],
        ['compact', () => store.compact({ signal, threshold: 0 })],
        ['keys', () => store.keys({ signal })[Symbol.asyncIterator]().next()],
      ]
      for (const [what, call] of calls) {
        const error = await fails(call, 'ABORTED', what)
        equal([error.name, error.cause === reason], ['AbortError', true], what)
      }
      await store.set(key(99), 'after')
    },
  },
  {
    name: 'a check, a compaction and a walk over the keys end when they are aborted on the way',
    async run({ open }) {
      const store = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 20; number++) await store.set(key(number), value(400, number))
      const runs: [string, StoreErrorCode, (signal: AbortSignal, stop: () => void) => Promise<unknown>][] = [
        ['check', 'ABORTED', (signal, stop) => store.check({ signal, onProgress: stop })],
        ['compact', 'ABORTED', (signal, stop) => store.compact({ signal, threshold: 0, onProgress: stop })],
        [
          'keys',
          'ABORTED',
          async (signal, stop) => {
            for await (const _ of store.keys({ signal })) stop()
          },
        ],
      ]
      for (const [what, code, run] of runs) {
        const controller = new AbortController()
        await fails(() => run(controller.signal, () => controller.abort()), code, what)
      }
      equal((await keysOf(store)).length, 20, 'keys')
    },
  },
]

export const closingCases: readonly EngineCase[] = [...closing, ...aborting]
