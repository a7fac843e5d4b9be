/**
 * Engine cases: the end of a store and of a call: close, lock, abort. Part of engine-cases.ts.
 */

import { StoreError, type StoreErrorCode } from '../errors.js'
import type { Engine } from '../store/engine.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, value } from './engine-case.js'
import { LARGE, sha256 } from './large-content.js'

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

/** A source that gives one value, and then waits for ever. */
function stuckSource<T>(value: T) {
  let stick: () => void
  let tell: () => void
  const isStuck = new Promise<void>((resolve) => {
    stick = resolve
  })
  const isTold = new Promise<void>((resolve) => {
    tell = resolve
  })
  let given = false
  const iterator: AsyncIterator<T> = {
    next() {
      if (!given) {
        given = true
        return Promise.resolve({ value })
      }
      stick()
      return new Promise(() => undefined)
    },
    async return() {
      tell()
      return { done: true, value: undefined }
    },
  }
  return { values: { [Symbol.asyncIterator]: () => iterator }, isStuck, isTold }
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
      const calls = [store.set(key(1), 'a'), store.putMany(['b', new Blob(['c'])])]
      await close()
      await Promise.all(calls)
      equal((await (await reopen()).stats()).count, 3, 'blobs')
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
    name: 'a commit behind a large content that is all there is waited for by a close, and not undone by a rollback that comes too late',
    async run({ open, close, reopen }) {
      const store = await open()
      const [first, second] = [value(LARGE, 1), value(LARGE, 2)]
      const one = await store.begin()
      const calls = [one.put(first), one.commit(), fails(() => one.rollback(), 'TX_CLOSED', 'rollback')]
      const other = await store.begin()
      calls.push(other.put(new Blob([second])), other.commit())
      await close()
      await Promise.all(calls)
      equal(await keysOf(await reopen()), [await sha256(first), await sha256(second)].sort(), 'keys')
    },
  },
  {
    name: 'a close does not wait for a source whose transaction is to be committed: TX_CLOSED, and nothing of that is kept',
    async run({ open, close, reopen }) {
      const store = await open()
      const tx = await store.begin()
      await tx.put('a')
      const source = stuckSource(new Uint8Array([1]))
      const putting = fails(() => tx.put(source.values), 'TX_CLOSED', 'put')
      await source.isStuck
      const committing = fails(() => tx.commit(), 'TX_CLOSED', 'commit')
      await close()
      await Promise.all([putting, committing, source.isTold])
      equal(await keysOf(await reopen()), [], 'keys')
    },
  },
  {
    name: 'a putMany whose source gives nothing more ends with a close (CLOSED) or with its signal (ABORTED); the source is told, and nothing is kept',
    async run({ open, close, reopen }) {
      for (const how of ['CLOSED', 'ABORTED'] as const) {
        const store = await open()
        const source = stuckSource('a')
        const controller = new AbortController()
        const putting = fails(() => store.putMany(source.values, { signal: controller.signal }), how, 'putMany')
        await source.isStuck
        if (how === 'CLOSED') await close()
        else controller.abort()
        await putting
        await source.isTold
        equal((await (await reopen()).stats()).count, 0, `blobs, ${how}`)
        await close()
      }
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
    name: 'a putMany that is aborted takes no more values and keeps none',
    async run({ open }) {
      const store = await open()
      const controller = new AbortController()
      let given = 0
      function* values() {
        for (; given < 100; given++) {
          if (given === 10) controller.abort()
          yield `${given}`
        }
      }
      await fails(() => store.putMany(values(), { signal: controller.signal }), 'ABORTED', 'putMany')
      equal([given, (await store.stats()).count], [10, 0], 'values taken and kept')
      const late = new AbortController()
      const putting = store.putMany(['a', 'b'], { signal: late.signal })
      late.abort()
      await fails(() => putting, 'ABORTED', 'putMany of all there is')
      equal((await store.stats()).count, 0, 'values kept')
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
