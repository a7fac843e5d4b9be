/**
 * Engine cases: contents as Blobs, on storages that have files to lend and on those that have none. Part of engine-cases.ts; what becomes of the files
 * is in src/store/blob.test.ts.
 */

import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import type { Engine } from '../store/engine.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, value } from './engine-case.js'

const KIB = 1024
const MIB = 1024 * KIB
/** Some chunks. */
const LARGE = wholeBytesMax(CHUNK_SIZES) + 3 * MIB + 12_345

async function holdsBytes(blob: Blob | undefined, expected: Uint8Array, what: string): Promise<void> {
  const bytes = new Uint8Array((await blob?.arrayBuffer()) ?? [])
  equal([bytes.length, blob?.size, firstDifference(bytes, expected)], [expected.length, expected.length, -1], what)
}

function firstDifference(one: Uint8Array, other: Uint8Array): number {
  return one.findIndex((byte, i) => byte !== other[i])
}

async function blobs(store: Engine, keys: readonly string[]): Promise<(Blob | undefined)[]> {
  return await Promise.all(keys.map((key) => store.blob(key)))
}

export const blobCases: readonly EngineCase[] = [
  {
    name: 'a content of any size, wherever it stands, is a Blob with its bytes and the type that was asked for',
    async run({ open, reopen }) {
      const contents = [value(0), value(16 * KIB), value(16 * KIB + 1, 1), value(3 * MIB, 2), value(LARGE, 3)]
      let store = await open({ maxSegmentSize: MIB })
      const keys: string[] = []
      for (const bytes of contents) keys.push(await store.put(bytes))
      await store.set(key(1), value(50_000, 4))
      for (const options of [{}, { verify: true }, { type: 'image/png' }, { type: 'video/mp4', verify: true }]) {
        for (const [i, name] of keys.entries()) {
          const blob = await store.blob(name, options)
          await holdsBytes(blob, contents[i] as Uint8Array, `content ${i}, ${JSON.stringify(options)}`)
          equal(blob?.type, options.type ?? '', 'type')
        }
        await holdsBytes(await store.blob(key(1), options), value(50_000, 4), 'a key of my choice')
        store = await reopen()
      }
    },
  },
  {
    name: 'what is not there is no Blob, and what was deleted is none any more',
    async run({ open }) {
      const store = await open()
      equal(await store.blob(key(1)), undefined, 'what never was')
      const large = await store.put(value(LARGE))
      await store.delete(large)
      equal([await store.blob(large), await store.blob(large, { verify: true })], [undefined, undefined], 'deleted')
      await fails(() => store.blob('abc'), 'BAD_KEY', 'a key that is none')
    },
  },
  {
    name: 'a Blob stays readable while its content is replaced and deleted, and the store appended to and compacted',
    async run({ open }) {
      const store = await open({ maxSegmentSize: 100 * KIB, checkpointBytes: 64 * KIB })
      const contents = [value(LARGE), value(70_000, 1), value(100, 2)]
      const keys = await store.putMany(contents)
      await store.set(key(1), value(60_000, 3))
      const made = await blobs(store, [...keys, key(1)])
      const check = async (when: string) => {
        for (const [i, bytes] of [...contents, value(60_000, 3)].entries()) await holdsBytes(made[i], bytes, when)
      }
      for (let i = 0; i < 20; i++) await store.put(value(50_000, 10 + i))
      await check('after appending')
      await store.set(key(1), value(60_000, 4))
      await store.deleteMany(keys)
      await store.compact({ threshold: 0 })
      await check('after deleting and compacting')
      for (let i = 0; i < 20; i++) await store.put(value(50_000, 30 + i))
      await store.compact({ threshold: 0 })
      await check('after more of both')
      equal((await store.check()).findings, [], 'findings')
      await holdsBytes(await store.blob(key(1)), value(60_000, 4), 'the value that replaced it')
    },
  },
  {
    name: 'a Blob made during a transaction that goes over many segments, and is rolled back, is not touched by that',
    async run({ open }) {
      const store = await open({ maxSegmentSize: 100 * KIB })
      const bytes = value(60_000)
      const name = await store.put(bytes)
      const tx = await store.begin()
      for (let i = 0; i < 10; i++) await tx.put(value(50_000, 10 + i))
      const blob = await store.blob(name)
      await tx.rollback()
      for (let i = 0; i < 10; i++) await store.put(value(50_000, 30 + i))
      await holdsBytes(blob, bytes, 'after the rollback')
    },
  },
]
