/**
 * Engine cases: what each call of the store does, alone. Part of engine-cases.ts.
 */

import type { Data } from '../types.js'
import { equal } from './check.js'
import { type EngineCase, key, keysOf, text, value } from './engine-case.js'

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

const storing: EngineCase[] = [
  {
    name: 'a new store is empty, has an id of 64 hex digits and says that it was made',
    async run({ open, reopen }) {
      const store = await open({ name: 'photos' })
      equal(store.name, 'photos', 'name')
      equal(/^[0-9a-f]{64}$/.test(store.id), true, 'an id')
      equal(store.recovery.created, true, 'created')
      equal(await keysOf(store), [], 'keys')
      const { id } = store
      const again = await reopen()
      equal(again.id, id, 'id after reopening')
      equal(again.recovery.created, false, 'created after reopening')
    },
  },
  {
    name: 'put names bytes by their SHA-256 and get gives them back, also after reopening',
    async run({ open, reopen }) {
      const store = await open()
      equal(await store.put('abc'), ABC, 'key')
      equal(text(await store.get(ABC)), 'abc', 'value')
      equal(text(await (await reopen()).get(ABC)), 'abc', 'value after reopening')
    },
  },
  {
    name: 'a put is not taken in by other bytes that were set under its key',
    async run({ open, reopen }) {
      const store = await open()
      await store.set(ABC, 'ABC')
      equal(await store.put('abc'), ABC, 'key')
      equal(text(await store.get(ABC)), 'abc', 'value')
      equal((await store.stats()).transactions, 2, 'transactions')
      await store.put('abc')
      equal((await store.stats()).transactions, 2, 'transactions when it is there already')
      equal(text(await (await reopen()).get(ABC)), 'abc', 'value after reopening')
    },
  },
  {
    name: 'every kind of data with the same bytes has the same key, and is stored once',
    async run({ open }) {
      const store = await open()
      const bytes = new TextEncoder().encode('abc')
      const wider = new Uint8Array([0, ...bytes, 0]).subarray(1, 4)
      const kinds: Data[] = ['abc', bytes, bytes.buffer, wider, new Blob(['a', 'bc'])]
      // Pages that are not isolated have none.
      if (typeof SharedArrayBuffer === 'function') {
        const shared = new Uint8Array(new SharedArrayBuffer(3))
        shared.set(bytes)
        kinds.push(shared)
      }
      for (const data of kinds) equal(await store.put(data), ABC, 'key')
      equal((await store.stats()).count, 1, 'blobs')
      equal((await store.stats()).transactions, 1, 'transactions')
    },
  },
  {
    name: 'an empty value is a value',
    async run({ open }) {
      const store = await open()
      const name = await store.put('')
      equal((await store.get(name))?.length, 0, 'bytes')
      equal(await store.has(name), true, 'has')
    },
  },
  {
    name: 'values of every size around the limits of buffers and segments come back whole',
    async run({ open, reopen }) {
      const store = await open({ maxSegmentSize: 100_000 })
      const sizes = [1, 32_767, 32_768, 99_900, 100_000, 100_001, 1_048_534, 1_048_576, 3_000_000]
      const keys = await store.putMany(sizes.map((size) => value(size, size)))
      const again = await reopen()
      for (const [index, size] of sizes.entries()) {
        const got = await again.get(keys[index] ?? '')
        const expected = value(size, size)
        equal(got?.length, size, 'bytes')
        equal(
          got?.findIndex((byte, at) => byte !== expected[at]),
          -1,
          `first difference in ${size} bytes`,
        )
      }
    },
  },
  {
    name: 'a key may be given as 32 bytes',
    async run({ open }) {
      const store = await open()
      const name = new Uint8Array(32).fill(7)
      await store.set(name, 'seven')
      equal(text(await store.get('07'.repeat(32))), 'seven', 'value')
      equal(await store.delete(name), true, 'deleted')
    },
  },
  {
    name: 'set replaces what is there',
    async run({ open }) {
      const store = await open()
      await store.set(key(1), 'old')
      await store.set(key(1), 'new')
      equal(text(await store.get(key(1))), 'new', 'value')
      equal((await store.stats()).bytes, 3, 'bytes of all values')
    },
  },
  {
    name: 'a missing key is undefined or false, not an error',
    async run({ open }) {
      const store = await open()
      equal(await store.get(key(1)), undefined, 'get')
      equal(await store.has(key(1)), false, 'has')
      equal(await store.delete(key(1)), false, 'delete')
      equal(await store.deleteMany([key(1), key(2)]), 0, 'deleteMany')
    },
  },
  {
    name: 'put, delete, put of one content leaves it there',
    async run({ open, reopen }) {
      const store = await open()
      const name = await store.put('again')
      equal(await store.delete(name), true, 'deleted')
      equal(await store.get(name), undefined, 'after the delete')
      equal(await store.put('again'), name, 'key')
      equal(text(await store.get(name)), 'again', 'after the second put')
      equal(text(await (await reopen()).get(name)), 'again', 'after reopening')
    },
  },
  {
    name: 'what a caller does with bytes it got changes nothing in the store',
    async run({ open }) {
      const store = await open()
      await store.set(key(1), 'abc')
      const got = await store.get(key(1))
      got?.fill(0)
      equal(text(await store.get(key(1))), 'abc', 'value')
    },
  },
]

const many: EngineCase[] = [
  {
    name: 'getMany and hasMany answer in the order asked, missing and repeated keys included',
    async run({ open }) {
      const store = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 50; number++) await store.set(key(number), `value ${number}`)
      const asked = [key(40), key(99), key(3), key(40), key(0)]
      const expected = ['value 40', undefined, 'value 3', 'value 40', 'value 0']
      equal((await store.getMany(asked)).map(text), expected, 'getMany')
      equal(await store.hasMany(asked), [true, false, true, true, true], 'hasMany')
      equal(await store.getMany([]), [], 'getMany of nothing')
    },
  },
  {
    name: 'getMany reads neighbours in one call',
    async run({ open, storage }) {
      const store = await open()
      const keys = Array.from({ length: 200 }, (_, number) => key(number))
      await store.transaction(async (tx) => {
        for (const [number, name] of keys.entries()) await tx.set(name, value(100, number))
      })
      // The first read of a file looks at its header as well.
      await store.get(key(0))
      storage.calls.length = 0
      const values = await store.getMany(keys.reverse())
      equal(values[0], value(100, 199), 'the first value')
      equal(storage.count('read'), 1, 'reads')
    },
  },
  {
    name: 'putMany takes iterables of both kinds and answers in their order',
    async run({ open }) {
      const store = await open()
      async function* later() {
        yield 'b'
        yield 'a'
      }
      const [first, second] = await store.putMany(new Set(['a', 'b']))
      equal(await store.putMany(later()), [second, first], 'keys')
      equal((await store.stats()).count, 2, 'blobs')
    },
  },
  {
    name: 'putMany that fails in the middle leaves nothing of it',
    async run({ open }) {
      const store = await open()
      function* broken() {
        yield 'a'
        throw new Error('no more')
      }
      const outcome = await store.putMany(broken()).then(
        () => 'stored',
        (error: Error) => error.message,
      )
      equal(outcome, 'no more', 'outcome')
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'deleteMany says how many were there, and counts a repeated key once',
    async run({ open }) {
      const store = await open()
      const keys = await store.putMany(['a', 'b', 'c'])
      equal(await store.deleteMany([...keys.slice(0, 2), key(9), ...keys.slice(0, 1)]), 2, 'deleted')
      equal(await keysOf(store), keys.slice(2), 'keys')
    },
  },
  {
    name: 'keys gives every key with its size',
    async run({ open }) {
      const store = await open()
      await store.set(key(1), value(10))
      await store.set(key(2), value(0))
      await store.set(key(3), value(5))
      await store.delete(key(3))
      const found: [string, number][] = []
      for await (const entry of store.keys()) found.push([entry.key, entry.size])
      equal(
        found.sort(),
        [
          [key(1), 10],
          [key(2), 0],
        ],
        'entries',
      )
    },
  },
  {
    name: 'keys gives what was committed when it began, whatever is stored or deleted meanwhile',
    async run({ open }) {
      const store = await open()
      for (let number = 0; number < 20; number++) await store.set(key(number), 'value')
      const found: string[] = []
      for await (const entry of store.keys()) {
        found.push(entry.key)
        await store.delete(entry.key)
        await store.set(key(1000 + found.length), 'new')
      }
      equal(
        found.sort(),
        Array.from({ length: 20 }, (_, number) => key(number)),
        'keys',
      )
      equal((await keysOf(store)).length, 20, 'keys afterwards')
    },
  },
  {
    name: 'stats counts blobs, bytes, transactions and segments as they are on the disk',
    async run({ open, storage }) {
      const store = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 30; number++) await store.set(key(number), value(100, number))
      await store.delete(key(0))
      const stats = await store.stats()
      equal(stats.count, 29, 'blobs')
      equal(stats.bytes, 2900, 'bytes')
      equal(stats.transactions, 31, 'transactions')
      equal(stats.logBytes, stats.liveBytes + stats.deadBytes, 'bytes of the log')
      for (const { segment, bytes } of stats.segments) {
        equal((await storage.contents(`data/0/${segment}`)).length, bytes, `bytes of segment ${segment}`)
      }
    },
  },
]

export const basicCases: readonly EngineCase[] = [...storing, ...many]
