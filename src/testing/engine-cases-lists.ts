/**
 * Engine cases: lists of chunks and names that are damaged, and what large contents do at their limits. Part of engine-cases.ts.
 */

import { MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import { hexBytes, sameKey } from '../format/key.js'
import { manifestKey } from '../format/manifest.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, value } from './engine-case.js'

/** Contents over 800 bytes are cut. */
const SMALL_CHUNKS = { chunkSizes: { min: 64, average: 256, max: 400 } }

/** Where the key of the content's manifest stands in a log. */
function manifestAt(log: Uint8Array, name: string): number {
  const entry = manifestKey(hexBytes(name))
  for (let at = 0; at < log.length; at++) if (sameKey(log, at, entry, 0)) return at
  throw new Error('there is no manifest in the log')
}

export const listCases: readonly EngineCase[] = [
  {
    name: 'a content whose list is damaged is CORRUPT and not listed; gc refuses, and a put or a delete ends it',
    damages: true,
    async run({ open, close, flip, storage, reopen }) {
      const first = await open(SMALL_CHUNKS)
      const bytes = value(5000, 1)
      const other = await first.put(value(5000, 2))
      const name = await first.put(bytes)
      await close()
      await flip('data/0/0', manifestAt(await storage.contents('data/0/0'), name) + 60)
      const store = await open()
      await fails(() => store.get(name), 'CORRUPT', 'get')
      equal((await keysOf(store)).includes(name), false, 'listed')
      await fails(() => store.gc({ keep: [], grace: 0 }), 'CORRUPT', 'gc')
      equal(await store.put(bytes), name, 'the put that heals')
      equal((await store.get(name))?.length, 5000, 'the healed content')
      equal([await store.delete(name), await store.has(name)], [true, false], 'deleted')
      // Its chunks, which nothing listed for a while, look like contents until then.
      await store.gc({ keep: [other], grace: 0 })
      equal(await keysOf(store), [other], 'what gc leaves')
      equal((await (await reopen()).get(other))?.length, 5000, 'the other content')
    },
  },
  {
    name: 'a content whose list is damaged can be deleted',
    damages: true,
    async run({ open, close, flip, storage }) {
      const name = await (await open(SMALL_CHUNKS)).put(value(5000, 1))
      await close()
      await flip('data/0/0', manifestAt(await storage.contents('data/0/0'), name) + 60)
      const store = await open()
      equal(
        [await store.delete(name), await store.has(name), await store.get(name)],
        [true, false, undefined],
        'deleted',
      )
    },
  },
  {
    name: 'gc refuses in a store that was opened with damage',
    damages: true,
    async run({ open, close, flip, storage }) {
      const first = await open()
      await first.refs.set('name', await first.put('content'))
      await close()
      await storage.remove('index.0')
      for (const at of [2, 3]) await flip('data/0/0', MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES + 41 + at)
      const store = await open()
      await fails(() => store.gc({ grace: 0 }), 'CORRUPT', 'gc')
    },
  },
  {
    name: 'a config whose sizes of chunks are none is mended, with the usual ones',
    async run({ open, close, storage }) {
      const first = await open(SMALL_CHUNKS)
      const name = await first.put(value(5000, 3))
      await close()
      const text = new TextDecoder().decode(await storage.contents('config'))
      await storage.replace('config', new TextEncoder().encode(text.replace('chunks = 64', 'chunks = 99999')))
      const store = await open({})
      equal(
        store.recovery.damaged.map(({ kind }) => kind),
        ['config'],
        'damage',
      )
      equal((await store.get(name))?.length, 5000, 'the content')
    },
  },
  {
    name: 'sizes of chunks that are none are a TypeError, and nothing is made',
    async run({ open, storage }) {
      const error = await open({ chunkSizes: { min: 1, average: 2, max: 3 } }).catch((error) => error)
      equal([error instanceof TypeError, await storage.paths()], [true, []], 'error')
      await open({ chunkSizes: SMALL_CHUNKS.chunkSizes })
    },
  },
  {
    name: 'at the end of a content there is no more, and behind it RANGE',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      for (const size of [100, 5000]) {
        const name = await store.put(value(size))
        equal((await store.piece(name, size))?.bytes.length, 0, 'bytes at the end')
        await fails(() => store.piece(name, size + 1), 'RANGE', 'behind it')
      }
      equal(await store.piece(key(1), 0), undefined, 'what is not there')
    },
  },
  {
    name: 'a large string, and many large values at once, are contents like any others',
    async run({ open }) {
      const store = await open()
      const string = 'large '.repeat(800_000)
      const name = await store.put(string)
      equal(new TextDecoder().decode(await store.get(name)) === string, true, 'the string')
      const large = Array.from({ length: 4 }, (_, i) => new Uint8Array(12 * 1024 * 1024).fill(i + 1))
      const names = await store.putMany(large)
      for (const [i, each] of names.entries())
        equal((await store.get(each, { offset: 7, length: 1 }))?.[0], i + 1, 'a byte')
      equal((await store.stats()).count, 5, 'blobs')
    },
  },
  {
    name: 'a signal that has fired before keeps a put inside a transaction from its turn, and does not doom it',
    async run({ open }) {
      const store = await open()
      await store.transaction(async (tx) => {
        const controller = new AbortController()
        const first = tx.put('first')
        const second = tx.put('second', { signal: controller.signal })
        controller.abort()
        await first
        await fails(() => second, 'ABORTED', 'the second')
        await fails(() => tx.put('third', { signal: controller.signal }), 'ABORTED', 'the third')
      })
      equal((await store.stats()).count, 1, 'blobs')
    },
  },
]
