/**
 * Engine cases: what is refused, with which error, and that nothing was written. Part of engine-cases.ts.
 */

import { VALUE_BYTES_MAX } from '../format/entry.js'
import type { Data } from '../types.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, text } from './engine-case.js'

const BAD_KEYS: [string, unknown][] = [
  ['an empty string', ''],
  ['63 digits', 'a'.repeat(63)],
  ['65 digits', 'a'.repeat(65)],
  ['upper case', 'A'.repeat(64)],
  ['a letter that is no digit', `${'a'.repeat(63)}g`],
  ['digits and a line end', `${'a'.repeat(64)}\n`],
  ['31 bytes', new Uint8Array(31).fill(1)],
  ['33 bytes', new Uint8Array(33).fill(1)],
  ['a number', 7],
  ['nothing', undefined],
  ['a reserved key, in hex', `${'00'.repeat(15)}01${'00'.repeat(16)}`],
  ['a reserved key, in bytes', new Uint8Array(32)],
  ['a reserved key of no known kind', `${'00'.repeat(15)}ff${'ab'.repeat(16)}`],
]

const BAD_DATA: [unknown, string][] = [
  [7, 'Number'],
  [null, 'null'],
  [undefined, 'undefined'],
  [true, 'Boolean'],
  [[1, 2], 'Array'],
  [{ size: 3 }, 'Object'],
  [Object.create(null), 'Object'],
  [new Uint16Array(2), 'Uint16Array'],
  [new DataView(new ArrayBuffer(2)), 'DataView'],
]

export const badInputCases: readonly EngineCase[] = [
  {
    name: 'a key that is not 32 bytes or 64 lowercase hex digits, or is reserved, is BAD_KEY in every call',
    async run({ open, storage }) {
      const store = await open()
      storage.calls.length = 0
      for (const [what, bad] of BAD_KEYS) {
        const name = bad as string
        const calls = [
          () => store.get(name),
          () => store.has(name),
          () => store.set(name, 'x'),
          () => store.delete(name),
          () => store.getMany([key(1), name]),
          () => store.hasMany([key(1), name]),
          () => store.deleteMany([key(1), name]),
        ]
        for (const call of calls) await fails(call, 'BAD_KEY', what)
      }
      equal(storage.calls, [], 'calls of the storage')
    },
  },
  {
    name: 'a key with 14 zero bytes in front is not reserved',
    async run({ open }) {
      const store = await open()
      const name = `${'00'.repeat(14)}01${'00'.repeat(17)}`
      await store.set(name, 'x')
      equal(text(await store.get(name)), 'x', 'value')
    },
  },
  {
    name: 'data of another type is a TypeError that says what came',
    async run({ open, storage }) {
      const store = await open()
      storage.calls.length = 0
      for (const [data, what] of BAD_DATA) {
        for (const call of [() => store.put(data as Data), () => store.set(key(1), data as Data)]) {
          const error = await call().then(
            () => undefined,
            (caught: unknown) => caught,
          )
          equal(error instanceof TypeError && error.message.includes(what), true, `${error} names ${what}`)
        }
      }
      equal(storage.calls, [], 'calls of the storage')
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'the largest value is stored and read back',
    async run({ open, reopen }) {
      const store = await open()
      const largest = new Uint8Array(VALUE_BYTES_MAX)
      largest[VALUE_BYTES_MAX - 1] = 9
      await store.set(key(1), largest)
      const got = await (await reopen()).get(key(1))
      equal([got?.length, got?.[0], got?.at(-1)], [VALUE_BYTES_MAX, 0, 9], 'length, first and last byte')
    },
  },
  {
    name: 'a value of one byte more under a key of choice is TOO_LARGE, whatever it is made of, before a byte is written',
    async run({ open, storage }) {
      const store = await open()
      storage.calls.length = 0
      const size = VALUE_BYTES_MAX + 1
      const kinds: Data[] = [
        new Uint8Array(size),
        new ArrayBuffer(size),
        new Blob([new Uint8Array(size)]),
        'x'.repeat(size),
      ]
      kinds.push(`${'x'.repeat(VALUE_BYTES_MAX - 1)}ü`)
      for (const data of kinds) {
        await fails(() => store.set(key(1), data), 'TOO_LARGE', 'set')
      }
      equal(storage.count('write'), 0, 'writes')
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'a Blob that cannot be read fails its own put and no other',
    async run({ open }) {
      const store = await open()
      const broken = new Blob(['x'])
      broken.arrayBuffer = () => Promise.reject(new Error('the file has changed'))
      const outcomes = await Promise.allSettled([store.put('before'), store.put(broken), store.put('after')])
      equal(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled'],
        'outcomes',
      )
      await fails(() => store.put(broken), 'IO', 'put')
      equal((await keysOf(store)).length, 2, 'keys')
    },
  },
  {
    name: 'a Blob of another size than it says, as Firefox reads a file that has changed since it was chosen, is IO',
    async run({ open }) {
      const store = await open()
      for (const size of [0, 2, 4]) {
        const changed = new Blob(['abc'])
        changed.arrayBuffer = async () => new ArrayBuffer(size)
        await fails(() => store.put(changed), 'IO', `put of ${size} bytes`)
        await fails(() => store.set(key(1), changed), 'IO', `set of ${size} bytes`)
      }
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'bytes that were handed over before fail their own call and no other, and are not stored as empty',
    async run({ open }) {
      const store = await open()
      const gone = new Uint8Array(5)
      structuredClone(gone.buffer, { transfer: [gone.buffer] })
      async function* source() {
        yield new Uint8Array(1)
        yield gone
      }
      const tx = await store.begin()
      const inside = await Promise.allSettled([tx.put('a'), tx.put(gone), tx.put(source()), tx.put('b')])
      await tx.commit()
      const calls = [store.put('c'), store.put(gone), store.put(source()), store.set(key(1), gone), store.put('d')]
      const outcomes = [...inside, ...(await Promise.allSettled([...calls, store.putMany(['e', gone])]))]
      const failures = outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason instanceof TypeError)
      equal(failures, [false, true, true, false, false, true, true, true, false, true], 'TypeErrors')
      equal((await keysOf(store)).length, 4, 'keys')
    },
  },
  {
    name: 'a durability that is misspelt is a TypeError in every call, and is not taken for the weaker one',
    async run({ open }) {
      const durability = 'Strict' as 'strict'
      equal(await kindOfFailure(() => open({ durability })), 'TypeError', 'open')
      const store = await open({ durability: 'strict' })
      const ingest = await store.ingest(key(1), { size: 1 })
      const calls: [string, () => Promise<unknown>][] = [
        ['put', () => store.put('x', { durability })],
        ['putMany', () => store.putMany(['x'], { durability })],
        ['set', () => store.set(key(1), 'x', { durability })],
        ['deleteMany', () => store.deleteMany([key(1)], { durability })],
        ['begin', () => store.begin({ durability })],
        ['transaction', () => store.transaction(() => {}, { durability })],
        ['finish', () => ingest.finish({ durability })],
      ]
      for (const [name, call] of calls) equal(await kindOfFailure(call), 'TypeError', name)
      await ingest.discard()
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'a putMany of what is no list of values is a TypeError that says so',
    async run({ open }) {
      const store = await open()
      for (const data of ['abc', new Blob(['abc']), Promise.resolve(['abc']), 7, undefined]) {
        const error: unknown = await store.putMany(data as never).catch((caught: unknown) => caught)
        equal(error instanceof TypeError && /putMany takes/.test(error.message), true, `${error}`)
      }
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'a segment size or a threshold that makes no sense is a TypeError',
    async run({ open }) {
      for (const maxSegmentSize of [0, 1023, 1.5, 2 ** 31, Number.NaN]) {
        const error = await open({ maxSegmentSize }).catch((caught: unknown) => caught)
        equal(error instanceof TypeError, true, `${maxSegmentSize}: ${error}`)
      }
      const store = await open({ maxSegmentSize: 1024 })
      for (const threshold of [-0.1, 1.1, Number.NaN]) {
        const error = await store.compact({ threshold }).catch((caught: unknown) => caught)
        equal(error instanceof TypeError, true, `${threshold}: ${error}`)
      }
    },
  },
]

/** What a call rejects with, by its name; undefined when it does not. A call that throws fails the case. */
async function kindOfFailure(call: () => Promise<unknown>): Promise<string | undefined> {
  return await call().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  )
}
