/**
 * Engine cases: where uploads, chunks, names and keys of choice meet: what is a chunk and a content at once, what is left of an ingest, and what
 * a call that failed leaves of it. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import type { Engine } from '../store/engine.js'
import { equal, fails } from './check.js'
import { type EngineCase, keysOf, text, value } from './engine-case.js'

/** Contents of more than 800 bytes are cut. */
const SMALL_CHUNKS = { chunkSizes: { min: 64, average: 256, max: 400 } }
const LARGE = 5000
/** A key of nothing. */
const NOWHERE = '0f'.repeat(32)

/** A large content, its key, and its first chunk; in the store there is nothing of it. */
async function largeContent(store: Engine): Promise<{ bytes: Uint8Array; name: string; chunk: string }> {
  const bytes = value(LARGE)
  const name = await store.put(bytes)
  const first = (await store.piece(name, 0))?.bytes ?? new Uint8Array()
  await store.delete(name)
  const chunk = await store.put(first)
  await store.delete(chunk)
  return { bytes, name, chunk }
}

const meeting: EngineCase[] = [
  {
    name: 'a name for what is only a chunk makes a content of it, which stays when the larger one goes',
    async run({ open, reopen }) {
      const store = await open(SMALL_CHUNKS)
      const { bytes, name, chunk } = await largeContent(store)
      await store.put(bytes)
      await store.refs.set('part', chunk)
      equal(await keysOf(store), [name, chunk].sort(), 'keys')
      equal(await store.delete(name), true, 'deleting the larger one')
      const again = await reopen()
      equal([await keysOf(again), await again.has(chunk)], [[chunk], true], 'the chunk')
      await fails(() => again.delete(chunk), 'IN_USE', 'deleting what has a name')
    },
  },
  {
    name: 'an ingest of what is only a chunk makes a content of it',
    async run({ open, reopen }) {
      const store = await open(SMALL_CHUNKS)
      const { bytes, name, chunk } = await largeContent(store)
      await store.put(bytes)
      const size = (await store.get(chunk))?.length ?? 0
      const ingest = await store.ingest(chunk, { size })
      equal([ingest.offset, await ingest.finish()], [size, chunk], 'offset, key')
      await store.delete(name)
      equal(await keysOf(await reopen()), [chunk], 'keys')
    },
  },
  {
    name: 'a put that fails in a transaction which changes nothing leaves nothing behind for what comes after a repair',
    async run({ open, storage }) {
      const store = await open({ ...SMALL_CHUNKS, checkpointBytes: 1 })
      const bytes = value(LARGE)
      await store.put(bytes)
      await store.flush()
      await store.transaction(async (tx) => {
        // All its chunks are there already: nothing is written, and what was counted is taken back.
        await fails(() => tx.put(bytes, { expected: NOWHERE }), 'MISMATCH', 'a put of another content')
      })
      // Mended by a repair that writes no transaction.
      for (const path of await storage.paths()) if (path.startsWith('index.')) await storage.remove(path)
      equal((await store.check({ repair: true })).clean, true, 'repaired')
      equal((await store.compact({ threshold: 0 })).segments > 0, true, 'compacted')
    },
  },
  {
    name: 'what was set under the key of a large content is replaced when that content is put',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      const { bytes, name } = await largeContent(store)
      for (const isInTransaction of [false, true]) {
        await store.set(name, 'other')
        await (isInTransaction ? store.transaction((tx) => tx.put(bytes)) : store.put(bytes))
        equal((await store.get(name))?.length, LARGE, 'the content')
        equal([await keysOf(store), (await store.stats()).count], [[name], 1], 'keys')
      }
    },
  },
]

const ingesting: EngineCase[] = [
  {
    name: 'a content that came in parts and is not large is one entry like any other',
    async run({ open, reopen }) {
      let store = await open(SMALL_CHUNKS)
      const bytes = value(750)
      const name = await store.put(bytes)
      await store.delete(name)
      const first = await store.ingest(name, { size: bytes.length })
      await first.write(bytes.subarray(0, 700))
      await first[Symbol.asyncDispose]()
      store = await reopen()
      const second = await store.ingest(name, { size: bytes.length })
      await second.write(bytes.subarray(second.offset))
      await second.finish()
      await store.put(bytes)
      const { count, bytes: held } = await store.stats()
      equal([await keysOf(store), count, held], [[name], 1, 750], 'keys, blobs, bytes')
    },
  },
  {
    name: 'an ingest with another size than before leaves nothing of the earlier one',
    async run({ open, reopen }) {
      let store = await open(SMALL_CHUNKS)
      const { bytes, name } = await largeContent(store)
      const wrong = await store.ingest(name, { size: LARGE + 1 })
      for (const at of [0, 1500, 3000]) await wrong.write(bytes.subarray(at, at + 1500))
      store = await reopen()
      const right = await store.ingest(name, { size: LARGE })
      equal([right.offset, (await store.stats()).bytes], [0, 0], 'offset and bytes kept')
      for (const at of [0, 2000, 4000]) await right.write(bytes.subarray(at, Math.min(at + 2000, LARGE)))
      await right.finish()
      await store.delete(name)
      equal((await store.stats()).bytes, 0, 'bytes after a delete')
    },
  },
  {
    name: 'what is kept of an ingest goes when the content has come otherwise',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      const { bytes, name } = await largeContent(store)
      for (const end of ['finish', 'discard'] as const) {
        const ingest = await store.ingest(name, { size: LARGE })
        await ingest.write(bytes.subarray(0, 3000))
        await ingest[Symbol.asyncDispose]()
        await store.put(bytes)
        const again = await store.ingest(name, { size: LARGE })
        await again[end]()
        await store.delete(name)
        equal((await store.stats()).bytes, 0, `bytes left after a ${end} and a delete`)
      }
    },
  },
  {
    name: 'an ingest of what is there and then deleted does not finish as if it were there',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      const name = await store.put('content')
      const ingest = await store.ingest(name, { size: 7 })
      await store.delete(name)
      await fails(() => ingest.finish(), 'NOT_FOUND', 'finish')
      const again = await store.ingest(name, { size: 7 })
      await again.write(new TextEncoder().encode('content'))
      await again.finish()
      equal(text(await store.get(name)), 'content', 'the content')
    },
  },
  {
    name: 'an ingest of what is there and then replaced does not finish either; another one brings it back',
    async run({ open }) {
      const store = await open()
      const bytes = value(100)
      const name = await store.put(bytes)
      const ingest = await store.ingest(name, { size: 100 })
      equal(ingest.offset, 100, 'offset of what is there')
      const set = store.set(name, 'other')
      await fails(() => ingest.finish(), 'NOT_FOUND', 'finish')
      await set
      const again = await store.ingest(name, { size: 100 })
      equal(again.offset, 0, 'offset of the other')
      await again.write(bytes)
      await again.finish()
      equal(await store.get(name), bytes, 'the content')
    },
  },
  {
    name: 'after a write that failed an ingest is over, and another goes on with what was kept',
    async run({ open, storage }) {
      const store = await open(SMALL_CHUNKS)
      const { bytes, name } = await largeContent(store)
      const ingest = await store.ingest(name, { size: LARGE })
      await ingest.write(bytes.subarray(0, 2000))
      storage.before = ({ kind }) => {
        if (kind === 'write') throw new StoreError('QUOTA', 'the disk is full')
      }
      await fails(() => ingest.write(bytes.subarray(2000, 4000)), 'QUOTA', 'write')
      storage.before = () => undefined
      await fails(() => ingest.write(bytes.subarray(ingest.offset)), 'QUOTA', 'write after it')
      await fails(() => ingest.finish(), 'QUOTA', 'finish after it')
      await ingest[Symbol.asyncDispose]()
      const again = await store.ingest(name, { size: LARGE })
      equal(again.offset > 0 && again.offset <= 2000, true, `offset ${again.offset}`)
      await again.write(bytes.subarray(again.offset))
      equal(await again.finish(), name, 'key')
    },
  },
  {
    name: 'what a failed put could not take away goes with the next write that works',
    async run({ open, storage }) {
      const store = await open(SMALL_CHUNKS)
      const broken = async function* () {
        for (let at = 0; at < LARGE; at += 1000) yield value(1000, at)
        storage.before = ({ kind }) => {
          if (kind === 'write') throw new StoreError('IO', 'the disk is gone')
        }
        throw new Error('the connection is gone')
      }
      await fails(() => store.put(broken()), 'IO', 'put')
      storage.before = () => undefined
      equal((await store.stats()).bytes > 0, true, 'something is left')
      await store.put('next')
      await store.flush()
      await store.flush()
      equal([(await store.stats()).count, (await store.stats()).bytes], [1, 4], 'after the next write')
    },
  },
  {
    name: 'a close frees the store, also when what is kept of an ingest cannot be written',
    async run({ open, close, storage }) {
      const store = await open(SMALL_CHUNKS)
      const { bytes, name } = await largeContent(store)
      const ingest = await store.ingest(name, { size: LARGE })
      await ingest.write(bytes.subarray(0, 790))
      storage.before = ({ kind }) => {
        if (kind === 'write') throw new StoreError('IO', 'the disk is gone')
      }
      await fails(() => store.close(), 'IO', 'close')
      equal(storage.openPaths, [], 'open files')
      storage.before = () => undefined
      await close().catch(() => undefined)
      equal(await keysOf(await open()), [], 'keys')
    },
  },
]

export const uploadCases: readonly EngineCase[] = [...meeting, ...ingesting]
