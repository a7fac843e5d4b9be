/**
 * Engine cases: what belongs together and what does not, and what a commit costs. Part of engine-cases.ts.
 */

import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, text, value } from './engine-case.js'

const commits: EngineCase[] = [
  {
    name: 'a transaction commits when its function returns, and answers what it returned',
    async run({ open, reopen }) {
      const store = await open()
      const answer = await store.transaction(async (tx) => {
        await tx.set(key(1), 'one')
        return await tx.put('two')
      })
      equal(text(await store.get(answer)), 'two', 'value')
      equal((await store.stats()).transactions, 1, 'transactions')
      equal(text(await (await reopen()).get(key(1))), 'one', 'value after reopening')
    },
  },
  {
    name: 'a transaction whose function throws leaves nothing, and its error comes out',
    async run({ open }) {
      const store = await open()
      await store.set(key(1), 'kept')
      const error = new Error('changed my mind')
      const outcome = await store
        .transaction(async (tx) => {
          await tx.set(key(1), 'replaced')
          await tx.set(key(2), 'new')
          throw error
        })
        .catch((caught: unknown) => caught)
      equal(outcome === error, true, 'the same error')
      equal(text(await store.get(key(1))), 'kept', 'the old value')
      equal(await store.has(key(2)), false, 'the new key')
    },
  },
  {
    name: 'puts made together have their own keys each, whether their bytes are there or have to be read first',
    async run({ open }) {
      const store = await open()
      const texts = ['one', 'two', 'three', 'four', 'five']
      const keys = await store.putMany(texts.map((text, nth) => (nth % 2 === 0 ? text : new Blob([text]))))
      for (const [nth, name] of keys.entries()) equal(text(await store.get(name)), texts[nth], `value ${nth}`)
      equal((await store.stats()).transactions, 1, 'transactions')
    },
  },
  {
    name: 'reads inside a transaction see its own writes, reads outside do not before it commits',
    async run({ open }) {
      const store = await open()
      await store.set(key(1), 'old')
      await store.set(key(2), 'old')
      const tx = await store.begin()
      await tx.set(key(1), 'new')
      await tx.delete(key(2))
      await tx.set(key(3), 'new')
      const inside = [await tx.get(key(1)), await tx.get(key(2)), await tx.get(key(3))]
      equal(inside.map(text), ['new', undefined, 'new'], 'inside')
      equal([await tx.has(key(1)), await tx.has(key(2)), await tx.has(key(3))], [true, false, true], 'has, inside')
      const keys = [key(1), key(2), key(3)]
      equal((await store.getMany(keys)).map(text), ['old', 'old', undefined], 'outside')
      equal(await keysOf(store), [key(1), key(2)], 'keys, outside')
      await tx.commit()
      equal((await store.getMany(keys)).map(text), ['new', undefined, 'new'], 'after the commit')
    },
  },
  {
    name: 'inside a transaction the last of several changes to a key counts',
    async run({ open, reopen }) {
      const store = await open()
      await store.transaction(async (tx) => {
        await tx.set(key(1), 'a')
        await tx.set(key(1), 'b')
        equal(await tx.delete(key(1)), true, 'deleted')
        equal(await tx.delete(key(1)), false, 'deleted again')
        await tx.set(key(1), 'c')
        await tx.set(key(2), 'a')
        await tx.delete(key(2))
      })
      equal(text(await store.get(key(1))), 'c', 'value')
      equal(await keysOf(await reopen()), [key(1)], 'keys')
    },
  },
  {
    name: 'a transaction of deletes only is committed',
    async run({ open, reopen }) {
      const store = await open()
      await store.set(key(1), 'one')
      await store.transaction(async (tx) => void (await tx.delete(key(1))))
      equal(await keysOf(store), [], 'keys')
      equal(await keysOf(await reopen()), [], 'keys after reopening')
    },
  },
  {
    name: 'an empty transaction, and one that changes nothing, write nothing',
    async run({ open, storage }) {
      const store = await open()
      const name = await store.put('one')
      storage.calls.length = 0
      await store.transaction(() => undefined)
      await store.transaction(async (tx) => {
        await tx.put('one')
        await tx.delete(key(9))
        await tx.get(name)
      })
      equal([storage.count('write'), storage.count('flush')], [0, 0], 'writes and flushes')
      equal((await store.stats()).transactions, 1, 'transactions')
      await store.put('two')
      equal((await store.stats()).count, 2, 'blobs')
    },
  },
  {
    name: 'after commit or rollback every call of the transaction is TX_CLOSED',
    async run({ open }) {
      const store = await open()
      for (const end of ['commit', 'rollback'] as const) {
        const tx = await store.begin()
        await tx[end]()
        const calls = [
          () => tx.put('a'),
          () => tx.set(key(1), 'a'),
          () => tx.get(key(1)),
          () => tx.has(key(1)),
          () => tx.delete(key(1)),
          () => tx.commit(),
          () => tx.rollback(),
        ]
        for (const call of calls) await fails(call, 'TX_CLOSED', `after ${end}`)
        await tx[Symbol.asyncDispose]()
      }
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'a transaction that is only disposed of is rolled back, and the next writer has its turn',
    async run({ open }) {
      const store = await open()
      const tx = await store.begin()
      await tx.set(key(1), 'one')
      const waiting = store.set(key(2), 'two')
      await tx[Symbol.asyncDispose]()
      await waiting
      equal(await keysOf(store), [key(2)], 'keys')
    },
  },
  {
    name: 'writes on the store wait for the end of a transaction, in the order they were made',
    async run({ open }) {
      const store = await open()
      const order: string[] = []
      const tx = await store.begin()
      const first = store.set(key(1), 'outside').then(() => order.push('first'))
      const second = store.transaction(async (next) => void order.push(text(await next.get(key(1))) ?? 'nothing'))
      await tx.set(key(1), 'inside')
      order.push('commit')
      await tx.commit()
      await Promise.all([first, second])
      equal(order, ['commit', 'first', 'outside'], 'order')
    },
  },
]

const costs: EngineCase[] = [
  {
    name: 'puts that are made together share one flush and one transaction',
    async run({ open, storage }) {
      const store = await open()
      storage.calls.length = 0
      const keys = await Promise.all(Array.from({ length: 100 }, (_, number) => store.put(value(50, number))))
      equal(new Set(keys).size, 100, 'keys')
      equal(storage.count('flush'), 1, 'flushes')
      equal(storage.count('write', 'data/'), 1, 'writes')
      equal((await store.stats()).transactions, 1, 'transactions')
    },
  },
  {
    name: 'a put that is waited for costs one write to the log, one flush and one slot of the head, and no file',
    async run({ open, storage }) {
      const store = await open()
      await store.put('the first makes a file')
      await store.flush() // and what is done between commits
      for (let number = 0; number < 10; number++) {
        storage.calls.length = 0
        await store.put(`value ${number}`)
        const calls = storage.calls.map(({ kind, path }) => `${kind} ${path}`)
        equal(calls, ['write data/0/0', 'flush data/0/0', 'write head'], 'calls')
      }
    },
  },
  {
    name: 'a put of content that is there writes nothing',
    async run({ open, storage, reopen }) {
      const keys = await (await open()).putMany(['a', value(100_000)])
      const store = await reopen()
      storage.calls.length = 0
      equal(await store.putMany(['a', value(100_000)]), keys, 'keys')
      equal(await Promise.all([store.put('a'), store.put('a')]), [keys[0], keys[0]], 'keys')
      equal([storage.count('write'), storage.count('flush')], [0, 0], 'writes and flushes')
    },
  },
  {
    name: 'a relaxed put is not flushed; flush does it once, for all of them',
    async run({ open, storage }) {
      const store = await open({ durability: 'relaxed' })
      storage.calls.length = 0
      await store.put('a')
      await store.transaction(async (tx) => void (await tx.put('b')))
      equal(storage.count('flush'), 0, 'flushes')
      equal(storage.count('write', 'data/') > 0, true, 'handed to the system')
      await store.flush()
      await store.flush()
      equal(storage.count('flush'), 1, 'flushes')
      await store.put('c', { durability: 'strict' })
      equal(storage.count('flush'), 2, 'flushes after a strict put')
    },
  },
  {
    name: 'a strict commit that has nothing to write makes the relaxed ones before it durable',
    async run({ open, storage }) {
      const store = await open()
      await store.put('a', { durability: 'relaxed' })
      storage.calls.length = 0
      await store.put('a', { durability: 'strict' })
      equal(storage.count('flush', 'data/'), 1, 'flushes')
    },
  },
  {
    name: 'a segment is flushed before the next one gets its first byte, even by commits that need no flush',
    async run({ open, storage }) {
      const store = await open({ maxSegmentSize: 1024, durability: 'relaxed' })
      for (let number = 0; number < 8; number++) await store.set(key(number), value(400, number))
      const calls = storage.calls.map(({ kind, path }) => `${kind} ${path}`)
      for (const segment of [0, 1]) {
        const [written, flushed] = ['write', 'flush'].map((kind) => calls.lastIndexOf(`${kind} data/0/${segment}`))
        const next = calls.indexOf(`write data/0/${segment + 1}`)
        const isInOrder = (written ?? 0) < (flushed ?? 0) && (flushed ?? 0) < next
        equal(isInOrder, true, `segment ${segment}: written ${written}, flushed ${flushed}, next ${next}`)
      }
    },
  },
  {
    name: 'many commits stand in one segment',
    async run({ open, segments }) {
      const store = await open()
      for (let number = 0; number < 100; number++) await store.set(key(number), 'value')
      equal(await segments(), [0], 'segments')
      equal((await store.stats()).transactions, 100, 'transactions')
    },
  },
  {
    name: "the next segment's file is there before it is needed",
    async run({ open, storage }) {
      const store = await open({ maxSegmentSize: 4096 })
      await store.put(value(3000, 1))
      equal(storage.count('open', 'data/0/1'), 0, 'opens of segment 1 when segment 0 is half full')
      await store.put(value(2000, 2))
      equal(storage.count('open', 'data/0/1'), 1, 'opens of segment 1 when segment 0 is full')
      await store.put(value(10, 3))
      equal((await store.stats()).segments.length, 2, 'segments')
      equal(storage.count('open', 'data/0/1'), 1, 'opens of segment 1 when it is written')
    },
  },
]

export const transactionCases: readonly EngineCase[] = [...commits, ...costs]
