/**
 * A store as a tar archive: what comes out is the store of one moment, whatever is written meanwhile; what comes in is verified, and bad archives
 * leave neither the store nor anything else changed.
 */

import type { TarEntry } from 'modern-tar'
import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { encodeSegmentHeader, MAGIC, segmentHeaderKey, TAG } from '../format/entry.js'
import { hexBytes } from '../format/key.js'
import { memoryStorage } from '../storage/memory.js'
import type { Engine } from '../store/engine.js'
import { fails } from '../testing/check.js'
import { key } from '../testing/engine-case.js'
import {
  bytesOf,
  contentsOf,
  emptyStore,
  type Files,
  filesIn,
  fullStore,
  LARGE_BYTES,
  storageOf,
  streamOf,
  tarOf,
  value,
} from '../testing/exchange.js'
import { entry } from '../testing/golden-recipes.js'
import { type Call, ObservedStorage } from '../testing/observed-storage.js'
import { exportStore, importStore } from './store-tar.js'

const exported = async (store: Engine) => await bytesOf(await exportStore(store))

/** An archive of a store with one small content, as files. */
async function smallFiles(): Promise<Files> {
  const store = await emptyStore()
  await store.put('small')
  return await filesIn(await exported(store))
}

async function imported(tar: Uint8Array) {
  const store = await emptyStore()
  const scratch = memoryStorage()
  const report = await importStore(store, streamOf(tar), { scratch })
  expect(await scratch.list('')).toEqual([])
  expect((await store.check()).findings).toEqual([])
  return { store, report }
}

test.each([
  ['with hashes as keys', false],
  ['with chosen keys', true],
])('a store %s comes back as it was', async (_, chosen) => {
  const store = await fullStore(chosen)
  const contents = await contentsOf(store)
  const { store: copy, report } = await imported(await exported(store))
  expect(await contentsOf(copy)).toEqual(contents)
  expect(report).toMatchObject({ contents: contents.length - 2, names: 2, skipped: [] })
})

test('the archive, unpacked, is a sound store with the same id, and two archives of one store are the same', async () => {
  const store = await fullStore(true)
  await store.compact({ threshold: 0 })
  const tar = await exported(store)
  const unpacked = await emptyStore(await storageOf(await filesIn(tar)), { create: false })
  expect(unpacked.id).toBe(store.id)
  expect(unpacked.recovery.damaged).toEqual([])
  expect(unpacked.recovery.rolledBack.bytes).toBe(0)
  expect((await unpacked.check()).findings).toEqual([])
  expect(await contentsOf(unpacked)).toEqual(await contentsOf(store))
  // Not by toEqual, which takes a minute for megabytes.
  expect(Buffer.compare(await exported(store), tar)).toBe(0)
})

test('an empty store comes back empty', async () => {
  const { store, report } = await imported(await exported(await emptyStore()))
  expect(report).toEqual({ contents: 0, bytes: 0, names: 0, skipped: [] })
  expect(await contentsOf(store)).toEqual([])
})

test('it is of the moment of the call, whatever is written, deleted and compacted before it is read', async () => {
  const store = await fullStore(true)
  const contents = await contentsOf(store)
  const tx = await store.begin()
  // More than the writer keeps in its buffer: some of it is in the file.
  await tx.put(value(1_500_000, 70))
  await tx.put(value(1_500_000, 71))
  const stream = await exportStore(store)
  await tx.commit()
  for (const name of ['a large one', 'a small one']) await store.refs.delete(name)
  const names = contents.map((line) => line.slice(0, 64))
  await store.deleteMany(names.filter((name) => /^[0-9a-f]{64}$/.test(name)))
  await store.put(value(2_000_000, 77))
  await store.compact({ threshold: 0 })
  const { store: copy, report } = await imported(await bytesOf(stream))
  expect(await contentsOf(copy)).toEqual(contents)
  expect(report.skipped).toEqual([])
  expect((await store.check()).findings).toEqual([])
})

test('files that compaction retires go once the stream has ended or was cancelled', async () => {
  const storage = memoryStorage()
  const store = await emptyStore(storage, { maxSegmentSize: 100_000 })
  const segments = async () => (await storage.list('data/0')).map(Number).sort((a, b) => a - b)
  const keys = await store.putMany(Array.from({ length: 200 }, (_, i) => value(100_000, i)))
  const before = await segments()
  // More than the stream reads ahead: it cannot have ended.
  const stream = await exportStore(store)
  await store.deleteMany(keys)
  await store.compact()
  expect(await segments()).toEqual(expect.arrayContaining(before))
  await stream.cancel()
  await store.put(value(100_000, 1000))
  await store.delete(await store.put(value(100_000, 1001)))
  await store.compact()
  expect((await segments()).filter((segment) => before.includes(segment))).toEqual([])
})

test('a repair waits for the end of an export, and says so', async () => {
  const storage = memoryStorage()
  const store = await emptyStore(storage)
  await store.put(value(5000))
  await store.close()
  const file = await storage.open('data/0/0')
  file.write(new Uint8Array([1, 2, 3]), 8 + 105 + 1000)
  file.close()
  const damaged = await emptyStore(storage)
  const frozen = await damaged.freeze()
  const error = await fails(() => damaged.check({ repair: true }), 'LOCKED', 'repair')
  expect(error.message).toContain('export')
  frozen.release()
  frozen.release()
  expect((await damaged.check({ repair: true })).clean).toBe(true)
})

test('progress counts every byte of the files, and of the contents', async () => {
  const store = await fullStore(false)
  const [steps, copied]: { done: number; total: number }[][] = [[], []]
  const tar = await bytesOf(await exportStore(store, { onProgress: (progress) => steps?.push(progress) }))
  const total = [...(await filesIn(tar)).values()].reduce((sum, { length }) => sum + length, 0)
  expect(steps?.at(-1)).toEqual({ done: total, total })
  const copy = await emptyStore()
  const onProgress = (progress: { done: number; total: number }) => copied?.push(progress)
  await importStore(copy, streamOf(tar), { scratch: memoryStorage(), onProgress })
  let bytes = 0
  for await (const { size } of store.keys()) bytes += size
  expect(copied?.at(-1)).toEqual({ done: bytes, total: bytes })
})

test('a tar of the directory itself is taken too: leading ./, directories, checkpoint and reserve; what is foreign is named', async () => {
  const files = await smallFiles()
  const dotted: Files = new Map([...files].map(([path, bytes]) => [`./${path}`, bytes]))
  for (const path of ['index.0', 'reserve', 'lost+found/0.0']) dotted.set(`./${path}`, value(100))
  dotted.set('./notes.txt', value(10))
  dotted.set('./data/0/07', value(10))
  const directories: TarEntry[] = ['./', './data/', './data/0/'].map((name) => ({
    header: { name, size: 0, type: 'directory' },
  }))
  const { report } = await imported(await tarOf(dotted, ...directories))
  expect(report.contents).toBe(1)
  expect(report.skipped.map(({ file }) => file)).toEqual(['notes.txt', 'data/0/07'])
})

test('a damaged content is skipped and named, and the others are there', async () => {
  const store = await emptyStore()
  const [first = '', second = '', third = ''] = await store.putMany([value(5000, 1), value(5000, 2), value(5000, 3)])
  const files = await filesIn(await exported(store))
  const segment = files.get('data/0/0') ?? new Uint8Array()
  segment[8 + 105 + 5041 + 2000] = (segment[8 + 105 + 5041 + 2000] ?? 0) ^ 1
  const { store: copy, report } = await imported(await tarOf(files))
  expect(report.contents).toBe(2)
  expect(report.skipped.map((skipped) => skipped.key)).toEqual([second])
  expect(await copy.hasMany([first, second, third])).toEqual([true, false, true])
})

test('a segment cut short is told from a whole one, and what is missing is named', async () => {
  const files = await smallFiles()
  files.set('data/0/0', (files.get('data/0/0') ?? new Uint8Array()).slice(0, -20))
  const { report } = await imported(await tarOf(files))
  expect(report.contents).toBe(0)
  expect(report.skipped.length).toBeGreaterThan(0)
})

/** An archive whose log says that no keys are chosen, and then has `name` for "hello" all the same. */
async function forged(name: string): Promise<Uint8Array> {
  const id = '11'.repeat(32)
  const header = encodeSegmentHeader({
    segment: 0,
    previous: 0xffffffff,
    previousEnd: 0,
    segmentsPerDir: 10_000,
    segmentBytesMax: 16_777_216,
    version: 1,
    isFresh: false,
    tellsChosenKeys: true,
    transaction: 0,
    id: hexBytes(id),
  })
  const log = Buffer.concat([
    Buffer.from(MAGIC),
    entry(TAG.put, Buffer.concat([segmentHeaderKey(0), header])),
    entry(TAG.put, Buffer.concat([hexBytes(name), Buffer.from('hello')])),
    entry(TAG.commit, new Uint8Array()),
  ])
  const config = `[store]\nversion = 1\nsegments_per_dir = 10000\nmax_segment_size = 16777216\nid = ${id}\n`
  const files: Files = new Map([
    ['config', new Uint8Array(new TextEncoder().encode(config))],
    ['data/0/0', new Uint8Array(log)],
  ])
  return await tarOf(files)
}

test('a key that is not the hash of its content is taken only from a log that notes chosen keys', async () => {
  const { report, store } = await imported(await forged(key(1)))
  expect(report).toMatchObject({ contents: 0, skipped: [{ key: key(1) }] })
  expect(await contentsOf(store)).toEqual([])
  const chosen = await emptyStore()
  await chosen.set(key(1), 'hello')
  expect((await imported(await exported(chosen))).report).toMatchObject({ contents: 1, skipped: [] })
})

const link = (type: 'link' | 'symlink'): TarEntry => ({
  header: { name: 'data/0/1', size: 0, type, linkname: '/etc/passwd' },
})
const file = (name: string): TarEntry => ({ header: { name, size: 1, type: 'file' }, body: 'x' })
const withMore = (more: TarEntry) => async () => await tarOf(await smallFiles(), more)
const without = (path: RegExp) => async () => {
  return await tarOf(new Map([...(await smallFiles())].filter(([name]) => !path.test(name))))
}

const BAD: [string, () => Promise<Uint8Array>][] = [
  ['nothing', async () => new Uint8Array()],
  ['no tar', async () => value(5000)],
  ['an archive without files', async () => await tarOf(new Map())],
  ['an archive of something else', async () => await tarOf(new Map([['notes.txt', value(100)]]))],
  ['a tar cut inside a header', async () => (await exported(await fullStore(false))).slice(0, 700)],
  ['a tar cut inside a segment', async () => (await exported(await fullStore(false))).slice(0, 3_000_000)],
  ['a tar without its end', async () => (await tarOf(await smallFiles())).slice(0, -1024)],
  ['a header with a flipped bit', async () => flipped(await tarOf(await smallFiles()), 3)],
  ['a symbolic link', withMore(link('symlink'))],
  ['a hard link', withMore(link('link'))],
  ['a device', withMore({ header: { name: 'data/0/1', size: 0, type: 'character-device' } })],
  ['an absolute path', withMore(file('/data/0/1'))],
  ['a path with ..', withMore(file('data/../../1'))],
  ['a path that ends with ..', withMore({ header: { name: 'data/..', size: 0, type: 'directory' } })],
  ['a path with a backslash', withMore(file('data\\0\\1'))],
  ['a path with an empty name', withMore(file('data//1'))],
  ['a path of 300 characters', withMore(file(`data/${'x'.repeat(300)}`))],
  ['a file twice', withMore({ header: { name: 'config', size: 1, type: 'file' }, body: 'x' })],
  [
    'a config of another version',
    async () => await tarOf((await smallFiles()).set('config', text('[store]\nversion = 9\n'))),
  ],
  ['a directory without config and data', without(/^(config|data)/)],
]

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

function text(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

test.each(BAD)('%s is FORMAT, and changes nothing', async (what, make) => {
  const store = await emptyStore()
  await store.put('there before')
  const before = await store.stats()
  const scratch = memoryStorage()
  const tar = await make()
  await fails(() => importStore(store, streamOf(tar), { scratch }), 'FORMAT', what)
  expect(await store.stats()).toEqual(before)
  expect(await scratch.list('')).toEqual([])
})

test.each(['remove', 'list', 'write'] as const)(
  'an import that fails says why, also when its scratch directory then refuses to %s',
  async (kind) => {
    const [scratch, failure] = [new ObservedStorage(memoryStorage()), new Error('the target refuses')]
    const refuse = (call: Call) => {
      if (call.kind === kind) throw new StoreError('IO', 'the scratch directory refuses')
    }
    const begin = () => {
      scratch.before = refuse
      return Promise.reject(failure)
    }
    const tar = streamOf(await exported(await fullStore(false)))
    await expect(importStore({ begin, transaction: begin }, tar, { scratch })).rejects.toBe(failure)
  },
)

test('a scratch directory with something in it is not touched', async () => {
  const scratch = await storageOf(new Map([['mine', value(3)]]))
  const tar = await tarOf(await smallFiles())
  await fails(async () => importStore(await emptyStore(), streamOf(tar), { scratch }), 'FORMAT', 'import')
  expect(await scratch.list('')).toEqual(['mine'])
})

test('what the stream fails with is passed on as it is', async () => {
  const failure = new Error('the network is gone')
  let isFirst = true
  const tar = await tarOf(await smallFiles())
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isFirst) controller.enqueue(tar.slice(0, 1500))
      else controller.error(failure)
      isFirst = false
    },
  })
  await expect(importStore(await emptyStore(), stream, { scratch: memoryStorage() })).rejects.toBe(failure)
})

test('an import that is aborted while it waits for the stream ends, lets go of it, and leaves nothing', async () => {
  const [store, scratch, controller] = [await emptyStore(), memoryStorage(), new AbortController()]
  let isCancelled = false
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: () => new Promise<void>(() => controller.abort('enough')),
      cancel() {
        isCancelled = true
      },
    },
    { highWaterMark: 0 },
  )
  await fails(() => importStore(store, stream, { scratch, signal: controller.signal }), 'ABORTED', 'import')
  expect([isCancelled, await scratch.list(''), await contentsOf(store)]).toEqual([true, [], []])
})

test('an import that is aborted while it copies keeps whole transactions, and of the last one nothing', async () => {
  const source = await emptyStore()
  await source.putMany(Array.from({ length: 2500 }, (_, i) => value(20, i)))
  const tar = await exported(source)
  const [store, scratch, controller] = [await emptyStore(), memoryStorage(), new AbortController()]
  let calls = 0
  const onProgress = () => {
    if (++calls === 1500) controller.abort()
  }
  const run = () => importStore(store, streamOf(tar), { scratch, signal: controller.signal, onProgress })
  await fails(run, 'ABORTED', 'import')
  expect((await store.stats()).count).toBe(1000)
  expect((await store.check()).findings).toEqual([])
  expect(await scratch.list('')).toEqual([])
})

test('an export that is aborted ends its stream with ABORTED', async () => {
  const store = await fullStore(false)
  await store.put(value(LARGE_BYTES * 2, 5))
  const controller = new AbortController()
  const reader = (await exportStore(store, { signal: controller.signal })).getReader()
  await reader.read()
  controller.abort()
  const drain = async () => {
    while (!(await reader.read()).done) {
      // Until it fails.
    }
  }
  await fails(drain, 'ABORTED', 'the rest of the stream')
  expect((await store.check({ repair: true })).clean).toBe(true)
})
