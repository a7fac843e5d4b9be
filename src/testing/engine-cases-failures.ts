/**
 * Engine cases: what is left when something fails: nothing of it. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import { VALUE_BYTES_MAX } from '../format/entry.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, text, value } from './engine-case.js'

const noRoom = (path: string) => new StoreError('QUOTA', 'no room is left', { where: { file: path } })

export const failureCases: readonly EngineCase[] = [
  {
    name: 'a rollback over several segments leaves the files as they were',
    async run({ open, storage, segments }) {
      const store = await open({ maxSegmentSize: 1024 })
      await store.set(key(1), value(500))
      const before = await storage.contents('data/0/0')
      const tx = await store.begin()
      for (let number = 10; number < 30; number++) await tx.set(key(number), value(400, number))
      equal((await segments()).length > 4, true, 'the transaction fills segments')
      await tx.rollback()
      equal(await segments(), [0], 'segments')
      equal(await storage.contents('data/0/0'), before, 'segment 0')
      await store.set(key(2), 'after')
      equal(await keysOf(store), [key(1), key(2)], 'keys')
    },
  },
  {
    name: 'what a rollback cut off is off the disk before anything takes its place',
    async run({ open, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      const tx = await store.begin()
      // More than the buffer holds, so that part of it is written out.
      for (let number = 0; number < 3; number++) await tx.set(key(10 + number), value(600_000, number))
      storage.calls.length = 0
      await tx.rollback()
      await store.set(key(2), 'two')
      const calls = storage.calls.filter(({ path }) => path === 'data/0/0').map(({ kind }) => kind)
      equal(calls, ['truncate', 'flush', 'write', 'flush'], 'calls')
    },
  },
  {
    // What is rolled back began a segment, and had flushed the relaxed commit for that.
    name: 'after a relaxed commit that fills a segment, and a rollback, the head tells of the commit',
    async run({ open }) {
      const store = await open({ maxSegmentSize: 1024 })
      await store.set(key(1), value(2000), { durability: 'relaxed' })
      const tx = await store.begin()
      await tx.set(key(2), 'rolled back')
      await tx.rollback()
      equal((await store.check()).findings, [], 'findings')
    },
  },
  {
    name: 'a rollback of the first transaction leaves no segment',
    async run({ open, segments }) {
      const store = await open({ maxSegmentSize: 1024 })
      const tx = await store.begin()
      for (let number = 0; number < 5; number++) await tx.set(key(number), value(600))
      await tx.rollback()
      equal(await segments(), [], 'segments')
      await store.set(key(1), 'after')
      equal(await segments(), [0], 'segments')
    },
  },
  {
    name: 'a full disk fails the put with QUOTA, leaves the store as it was, and the next put works',
    async run({ open, storage }) {
      const store = await open()
      await store.set(key(1), 'kept')
      const before = await storage.contents('data/0/0')
      storage.before = ({ kind, path }) => {
        if (kind === 'write' && path.startsWith('data/')) throw noRoom(path)
      }
      const error = await fails(() => store.set(key(2), 'new'), 'QUOTA', 'set')
      equal(error.name, 'QuotaExceededError', 'name')
      equal(text(await store.get(key(1))), 'kept', 'a read meanwhile')
      storage.before = () => undefined
      equal(await storage.contents('data/0/0'), before, 'the segment')
      await store.set(key(3), 'after')
      equal(await keysOf(store), [key(1), key(3)], 'keys')
    },
  },
  {
    name: 'what one put cannot write does not fail the others made with it',
    async run({ open, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      storage.before = ({ kind, path, bytes }) => {
        if (kind === 'write' && path.startsWith('data/') && bytes > 1000) throw noRoom(path)
      }
      const outcomes = await Promise.allSettled([
        store.delete(key(1)),
        store.set(key(2), value(2000)),
        store.set(key(3), 'three'),
      ])
      equal(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
        'outcomes',
      )
      equal(await keysOf(store), [key(3)], 'keys')
    },
  },
  {
    name: 'a flush that fails takes its transaction back',
    async run({ open, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      storage.before = ({ kind, path }) => {
        if (kind === 'flush' && path.startsWith('data/')) throw new StoreError('IO', 'the disk is gone')
      }
      await fails(() => store.set(key(1), 'two'), 'IO', 'set')
      storage.before = () => undefined
      equal(text(await store.get(key(1))), 'one', 'value')
      await store.set(key(2), 'two')
    },
  },
  {
    name: 'an undoing that fails is done by the next transaction, or by the close, and nothing of what failed is found',
    async run({ storage, reopen, reopenFromLog }) {
      // The undoing fails at the cut, or before it, when the file cannot be opened anew.
      for (const [kind, next] of [
        ['truncate', 'transaction'],
        ['truncate', 'close'],
        ['open', 'transaction'],
        ['open', 'close'],
      ]) {
        const store = await reopen()
        await store.set(key(1), 'one')
        const before = await storage.contents('data/0/0')
        storage.before = (call) => {
          const isRefused = call.kind === 'flush' || call.kind === kind
          if (isRefused && call.path.startsWith('data/')) throw new StoreError('IO', 'the disk is gone')
        }
        await fails(() => store.set(key(1), 'two'), 'IO', 'set')
        storage.before = () => undefined
        equal((await storage.contents('data/0/0')).length > before.length, true, 'what was written is still there')
        if (next === 'transaction') await store.set(key(2), 'next')
        else await store.close()
        const after = await storage.contents('data/0/0')
        equal(after.slice(0, before.length), before, 'what was there before')
        if (next === 'close') equal(after.length, before.length, 'bytes of the segment')
        for (const openAgain of [reopen, reopenFromLog]) {
          const again = await openAgain()
          const held = [key(1), key(2)]
          equal((await again.getMany(held)).map(text), ['one', 'next'], `values, read after the ${next}`)
        }
      }
    },
  },
  {
    name: 'a read whose file cannot be opened is IO, and one that waits for it gets what was stored meanwhile',
    async run({ open, close, storage }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 8; number++) await first.set(key(number), value(450, number))
      await close()
      const store = await open()
      let refuse = (): void => {}
      const refused = new Promise<void>((resolve) => {
        refuse = resolve
      })
      storage.before = async ({ kind, path }) => {
        if (kind !== 'open' || path !== 'data/0/0') return
        await refused
        throw new StoreError('IO', 'too many files are open')
      }
      const [kept, replaced] = [store.get(key(0)).catch((error: unknown) => error), store.get(key(1))]
      await store.set(key(1), 'new')
      refuse()
      equal(((await kept) as StoreError).code, 'IO', 'the value that nobody replaced')
      equal(text(await replaced), 'new', 'the value that was replaced')
      storage.before = () => undefined
      equal(await store.get(key(0)), value(450, 0), 'the next read')
      equal((await store.check()).clean, true, 'clean: nothing was taken for damaged')
    },
  },
  {
    name: 'a put of content that is there, in a store with damage, whose file cannot be opened fails with IO and writes nothing',
    damages: true,
    async run({ open, close, storage }) {
      const first = await open({ maxSegmentSize: 1024 })
      const values = Array.from({ length: 6 }, (_, number) => value(900, number))
      await first.putMany(values)
      await close()
      await storage.remove('data/0/1')
      const store = await open()
      storage.before = ({ kind, path }) => {
        if (kind === 'open' && path === 'data/0/0') throw new StoreError('IO', 'too many files are open')
      }
      await fails(() => store.put(values[0] ?? ''), 'IO', 'put')
      storage.before = () => undefined
      const { transactions } = await store.stats()
      await store.put(values[0] ?? '')
      equal((await store.stats()).liveBytes > 0 && transactions, 1, 'transactions before the put that worked')
    },
  },
  {
    name: 'a fault of the driver is never taken for a full disk: the call it ends gets it, and after one between commits nothing is written',
    async run({ open, storage, close }) {
      const fault = new TypeError('a fault of the driver')
      const caught = async (call: Promise<unknown>) => await call.catch((error: unknown) => error)
      // At the commit itself; behind it, at the compaction of segment 0; and behind the first one of all, at the reserve.
      for (const [kind, path, before] of [
        ['write', 'head', 6],
        ['read', 'data/0/0', 6],
        ['open', 'reserve', 0],
      ] as const) {
        const store = await open({ maxSegmentSize: 1024 })
        for (let number = 0; number < before; number++) await store.set(key(number), value(300, number))
        storage.before = (call) => {
          if (call.path === path && call.kind === kind) throw fault
        }
        const first = await caught(
          before > 0 ? store.deleteMany([key(0), key(1), key(2)]) : store.set(key(5), value(300, 5)),
        )
        equal(first === fault, path === 'head', `the commit ends with ${first}, with a fault at ${path}`)
        const second = await caught(store.set(key(9), 'next'))
        equal(second === fault, true, `the next one ends with ${second}, with a fault at ${path}`)
        storage.before = () => undefined
        equal(await store.get(key(5)), value(300, 5), 'a read')
        await close()
        const held = before > 0 ? [3, 4, 5] : [5]
        equal((await keysOf(await open())).slice(0, held.length), held.map(key), 'what was committed')
        await close()
        await storage.clear()
      }
    },
  },
  {
    name: 'an error of the storage that is none of ours is passed on, and no value is taken for damaged',
    async run({ open, storage }) {
      const store = await open()
      const name = await store.put('content')
      const fault = new TypeError('a fault of the driver')
      storage.before = ({ kind }) => {
        if (kind === 'read') throw fault
      }
      for (const read of [() => store.get(name), () => store.getMany([name])]) {
        const error = await read().catch((caught: unknown) => caught)
        equal(error === fault, true, `${error} is the fault`)
      }
      storage.before = () => undefined
      storage.calls.length = 0
      await store.put('content')
      equal(storage.written('data/'), 0, 'bytes written by a put of what is there')
    },
  },
  {
    name: 'a segment that cannot be opened when the log is read fails the opening with IO, and loses nothing',
    async run({ open, close, storage, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 8; number++) await first.set(key(number), value(450, number))
      await close()
      for (const path of await storage.paths()) if (path.startsWith('index.')) await storage.remove(path)
      const before = await storage.paths()
      storage.before = ({ kind, path }) => {
        if (kind === 'open' && path === 'data/0/1') throw new StoreError('IO', 'the disk is gone')
      }
      await fails(() => open(), 'IO', 'open')
      storage.before = () => undefined
      equal([storage.openPaths, await storage.paths()], [[], before], 'files left open, files')
      equal((await keysOf(await reopenFromLog())).length, 8, 'keys')
    },
  },
  {
    name: 'a head that cannot be written does not undo a commit that is on the disk',
    async run({ open, storage, reopen }) {
      const store = await open()
      await store.set(key(1), 'one')
      storage.before = ({ kind, path }) => {
        if (kind === 'write' && path === 'head') throw new StoreError('IO', 'the head cannot be written')
      }
      await store.set(key(1), 'two')
      storage.before = () => undefined
      equal(text(await store.get(key(1))), 'two', 'value')
      await store.set(key(2), 'two')
      equal(text(await (await reopen()).get(key(1))), 'two', 'value after reopening')
    },
  },
  {
    name: 'a transaction in which a write failed can only be rolled back',
    async run({ open, storage }) {
      const store = await open({ maxSegmentSize: 1024 })
      const tx = await store.begin()
      await tx.put(value(2000))
      storage.before = ({ kind, path }) => {
        if (kind === 'write' && path.startsWith('data/')) throw noRoom(path)
      }
      await fails(() => tx.set(key(2), 'next segment'), 'QUOTA', 'set')
      storage.before = () => undefined
      await fails(() => tx.set(key(3), 'again'), 'QUOTA', 'set after it')
      await fails(() => tx.commit(), 'QUOTA', 'commit')
      equal(await keysOf(store), [], 'keys')
      await store.set(key(4), 'after')
      equal(await keysOf(store), [key(4)], 'keys')
    },
  },
  {
    name: 'data that is refused inside a transaction does not doom it',
    async run({ open }) {
      const store = await open()
      await store.transaction(async (tx) => {
        await tx.set(key(1), 'one')
        await fails(() => tx.set('short', 'x'), 'BAD_KEY', 'a bad key')
        await fails(() => tx.set(key(9), new Uint8Array(VALUE_BYTES_MAX + 1)), 'TOO_LARGE', 'a large value')
        await tx.set(key(2), 'two')
      })
      equal(await keysOf(store), [key(1), key(2)], 'keys')
    },
  },
]
