/**
 * Engine cases: what is refused, with which error, and that nothing was written; and the end of a store's life. Part of engine-cases.ts.
 */

import { StoreError, type StoreErrorCode } from '../errors.js'
import { VALUE_BYTES_MAX } from '../format/entry.js'
import type { Engine } from '../store/engine.js'
import type { Data } from '../types.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, text, value } from './engine-case.js'

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
  [7, 'a number'],
  [null, 'null'],
  [undefined, 'undefined'],
  [true, 'a boolean'],
  [[1, 2], 'Array'],
  [{ size: 3 }, 'Object'],
  [new Uint16Array(2), 'Uint16Array'],
  [new DataView(new ArrayBuffer(2)), 'DataView'],
]

const badInput: EngineCase[] = [
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
    name: 'a value of one byte more is TOO_LARGE, whatever it is made of, before a byte is written',
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
        await fails(() => store.put(data), 'TOO_LARGE', 'put')
        await fails(() => store.set(key(1), data), 'TOO_LARGE', 'set')
        await fails(() => store.putMany(['small', data]), 'TOO_LARGE', 'putMany')
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
      equal((await keysOf(store)).length, 2, 'keys')
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

const CONFIG_FAULTS: [string, (config: string) => string][] = [
  ['another version', (config) => config.replace('version = 1', 'version = 2')],
  ['no version', (config) => config.replace('version = 1\n', '')],
  ["another program's section", (config) => config.replace('[store]', '[repository]')],
  ['an id that is too short', (config) => config.replace(/id = ./, 'id = ')],
  ['an id that is no hex', (config) => config.replace(/id = ./, 'id = z')],
  ['no segment size', (config) => config.replace(/max_segment_size.*\n/, '')],
  ['a segment size of zero', (config) => config.replace(/max_segment_size.*/, 'max_segment_size = 0')],
  ['a segment size that is no number', (config) => config.replace(/max_segment_size.*/, 'max_segment_size = many')],
  ['segments_per_dir of zero', (config) => config.replace(/segments_per_dir.*/, 'segments_per_dir = 0')],
  ['segments_per_dir past u32', (config) => config.replace(/segments_per_dir.*/, 'segments_per_dir = 99999999999')],
  ['a line that says nothing', (config) => `${config}nonsense\n`],
  ['binary noise', () => String.fromCharCode(...value(200).map((byte) => byte & 0x7f))],
  ['a megabyte', (config) => config + '# comment\n'.repeat(100_000)],
]

const directories: EngineCase[] = [
  {
    name: 'an absent store is NOT_FOUND without create, and nothing is made',
    async run({ open, storage }) {
      await fails(() => open({ create: false }), 'NOT_FOUND', 'open')
      equal(await storage.paths(), [], 'files')
      await open({ create: true })
    },
  },
  {
    name: 'a directory that is not empty and no store is FORMAT, and is left alone',
    async run({ open, storage }) {
      await storage.replace('notes.txt', value(3))
      const error = await fails(() => open(), 'FORMAT', 'open')
      equal(error.where?.file, 'config', 'the file that is missing')
      equal(await storage.paths(), ['notes.txt'], 'files')
    },
  },
  {
    name: 'a store whose config is lost, cut, or broken has it written anew from what the segments say',
    damages: true,
    async run({ open, close, storage }) {
      const made = await open()
      const { id } = made
      await made.set(key(1), 'a')
      await close()
      const good = await storage.contents('config')
      for (const [what, change] of CONFIG_FAULTS) {
        if (what === 'another version') continue
        await storage.replace('config', new TextEncoder().encode(change(text(good) ?? '')))
        const store = await open()
        equal([store.id, store.recovery.damaged.map(({ kind }) => kind)], [id, ['config']], what)
        equal(text(await store.get(key(1))), 'a', `value with ${what}`)
        await close()
        equal(text(await storage.contents('config')), text(good), `config after ${what}`)
      }
      await storage.remove('config')
      equal((await open({ create: false })).id, id, 'id after the loss')
    },
  },
  {
    name: 'a store whose config is lost, and whose segments do not say what it was, is FORMAT and left alone',
    async run({ open, storage }) {
      await storage.replace('data/0/0', new TextEncoder().encode('DSEGMENT'))
      const before = await storage.paths()
      equal((await fails(() => open(), 'FORMAT', 'open')).where?.file, 'config', 'the file that is named')
      equal(await storage.paths().then((paths) => paths.filter((path) => path !== 'README')), before, 'files')
    },
  },
  {
    name: 'a config of another version is FORMAT, and so is a broken one of a store that holds nothing',
    async run({ open, close, storage }) {
      await open()
      await close()
      const good = await storage.contents('config')
      for (const [what, change] of CONFIG_FAULTS) {
        const changed = change(text(good) ?? '')
        equal(changed === text(good), false, `${what} is a change`)
        await storage.replace('config', new TextEncoder().encode(changed))
        equal((await fails(() => open(), 'FORMAT', what)).where?.file, 'config', 'the file that is named')
        equal(storage.openPaths, [], `files left open by ${what}`)
      }
      await storage.replace('config', good)
      await (await open()).set(key(1), 'a')
      await close()
      await storage.replace('config', new TextEncoder().encode(text(good)?.replace('version = 1', 'version = 2')))
      await fails(() => open(), 'FORMAT', 'another version')
      await storage.replace('config', good)
    },
  },
  {
    name: "a config's comments, spaces, order, colons and other sections do not matter",
    async run({ open, close, storage }) {
      const { id } = await open()
      await close()
      const config = `; made by hand\r\n[other]\r\nversion = 9\r\n[store]\r\n  ID: ${id}\r\nmax_segment_size=2048\r\nsegments_per_dir : 7\r\n# end\r\nversion = 1`
      await storage.replace('config', new TextEncoder().encode(config))
      equal((await open()).id, id, 'id')
    },
  },
  {
    name: 'foreign files and names in data/ are left alone',
    async run({ open, close, reopen, storage }) {
      const store = await open()
      await store.set(key(1), 'a')
      await close()
      const foreign = ['data/notes', 'data/0/notes', 'data/0/07', 'data/0/-1', 'data/0/20000', 'data/00/1', 'data/7/3']
      foreign.push('data/0/4294967295', 'data/0/1.tmp', 'data/x/1', 'index.tmp', 'hints.3', 'notes')
      for (const path of foreign) await storage.replace(path, value(100))
      const again = await open()
      equal([again.recovery.damaged, again.recovery.rolledBack.bytes], [[], 0], 'damage, bytes rolled back')
      await again.set(key(2), 'b')
      await again.compact({ threshold: 0 })
      equal(await keysOf(await reopen()), [key(1), key(2)], 'keys')
      for (const path of foreign) equal(await storage.contents(path), value(100), path)
    },
  },
]

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
        ['keys', 'ABORTED', async (signal, stop) => { for await (const _ of store.keys({ signal })) stop() }], // biome-ignore format: one row
      ]
      for (const [what, code, run] of runs) {
        const controller = new AbortController()
        await fails(() => run(controller.signal, () => controller.abort()), code, what)
      }
      equal((await keysOf(store)).length, 20, 'keys')
    },
  },
]

export const badInputCases: readonly EngineCase[] = [...badInput, ...directories, ...closing, ...aborting]
