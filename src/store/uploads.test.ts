/** Uploads and lists of chunks in the cases that a disk, a race or another program makes. */

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { COMMIT, TAG } from '../format/entry.js'
import { hexBytes } from '../format/key.js'
import { uploadPartKey } from '../format/manifest.js'
import { memoryStorage } from '../storage/memory.js'
import type { Storage } from '../storage/storage.js'
import { keysOf, value } from '../testing/engine-case.js'
import { entry } from '../testing/golden-recipes.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { SimulatedDisk } from '../testing/simulated-disk.js'
import type { Source } from '../types.js'
import { openEngine } from './engine.js'

/** Contents over 800 bytes are cut. */
const options = { chunkSizes: { min: 64, average: 256, max: 400 } }

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 500) yield bytes.subarray(at, at + 500)
}

test('an ingest that a full disk stopped keeps what was whole when it is put aside', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage, options)
  const bytes = value(20_000, 1)
  const ingest = await engine.ingest(sha256(bytes), { size: bytes.length })
  await ingest.write(bytes.subarray(0, 5000))
  storage.before = ({ kind, path }) => {
    if (kind === 'write' && path.startsWith('data/')) throw new StoreError('QUOTA', 'the disk is full')
  }
  await expect(ingest.write(bytes.subarray(5000, 15_000))).rejects.toMatchObject({ code: 'QUOTA' })
  storage.before = () => undefined
  await ingest[Symbol.asyncDispose]()
  const again = await engine.ingest(sha256(bytes), { size: bytes.length })
  expect(again.offset).toBeGreaterThan(3000)
  await again.write(bytes.subarray(again.offset))
  expect(await again.finish()).toBe(sha256(bytes))
})

test.each<[string, (bytes: Uint8Array<ArrayBuffer>) => Source, code: string | undefined]>([
  ['bytes', (bytes) => bytes, undefined],
  ['a Blob', (bytes) => new Blob([bytes]), undefined],
  ['a stream', (bytes) => new Blob([bytes]).stream(), 'CLOSED'],
])(
  'a put of %s that a close overtakes: what is all there is waited for, what flows is not',
  async (_, source, code) => {
    const storage = new ObservedStorage(memoryStorage())
    const engine = await openEngine(storage, options)
    const bytes = value(3_000_000, 3)
    let closing: Promise<void> | undefined
    storage.before = ({ kind, path }) => {
      if (kind === 'write' && path.startsWith('data/')) closing ??= engine.close()
    }
    const putting = engine.put(source(bytes))
    if (code) await expect(putting).rejects.toMatchObject({ code })
    else expect(await putting).toBe(sha256(bytes))
    await closing
    const reopened = await openEngine(storage, options)
    expect(await reopened.has(sha256(bytes))).toBe(code === undefined)
    await reopened.close()
  },
)

test('a close waits for an ingest that takes up what another one left', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const name = sha256(value(8000, 4))
  const first = await openEngine(storage, { ...options, maxSegmentSize: 1024 })
  const left = await first.ingest(name, { size: 9000 })
  await left.write(value(5000, 4))
  await left[Symbol.asyncDispose]()
  await first.put(value(5000, 5))
  await first.close()
  // A log behind the checkpoint, so that the close below writes another one, and does not have the segment of the parts open.
  const second = await openEngine(storage, options)
  await second.put('content')
  const found = await storage.snapshot()
  await second.close()
  const engine = await openEngine(found, { ...options, checkpointBytes: 1 })
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  found.before = async ({ kind, path }) => {
    if (path.startsWith('index.')) goOn()
    else if (kind === 'open') await gate
  }
  const ingest = engine.ingest(name, { size: 8000 })
  const closed = engine.close()
  setTimeout(goOn)
  expect(await Promise.allSettled([ingest, closed])).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }])
  found.before = () => undefined
  expect((await (await openEngine(found, options)).check()).findings).toEqual([])
})

test('what is left of an upload whose first part a repair took away goes when it is given up', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage, options)
  const bytes = value(20_000, 1)
  const name = sha256(bytes)
  const upload = await engine.ingest(name, { size: bytes.length })
  for (let at = 0; at < 15_000; at += 1000) await upload.write(bytes.subarray(at, at + 1000))
  await upload[Symbol.asyncDispose]()
  await engine.close()
  const log = await storage.contents('data/0/0')
  const part = Buffer.from(log).indexOf(uploadPartKey(hexBytes(name), 0))
  log[part + 100] = (log[part + 100] as number) ^ 1
  await storage.replace('data/0/0', log)
  const again = await openEngine(storage, options)
  expect(await again.check({ repair: true })).toMatchObject({ clean: true })
  const discarded = await again.ingest(name, { size: bytes.length })
  expect(discarded.offset).toBe(0)
  await discarded.discard()
  await again.gc({ grace: 0, keep: [] })
  expect(await again.stats()).toMatchObject({ count: 0, bytes: 0 })
})

test('a part of an upload that is none, as another program may write it, is dropped when its content comes', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const bytes = value(5000, 2)
  const first = await openEngine(storage, options)
  await first.put('content')
  await first.close()
  const part = entry(TAG.put, Buffer.concat([uploadPartKey(hexBytes(sha256(bytes)), 0), new Uint8Array(10)]))
  await storage.replace('data/0/0', Buffer.concat([await storage.contents('data/0/0'), part, Uint8Array.from(COMMIT)]))
  const engine = await openEngine(storage, options)
  const ingest = await engine.ingest(sha256(bytes), { size: bytes.length })
  expect(ingest.offset).toBe(0)
  await ingest.write(bytes)
  expect(await ingest.finish()).toBe(sha256(bytes))
  expect((await engine.check()).findings).toEqual([])
})

test('what is counted while something is committed is counted again', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const first = await openEngine(storage, options)
  for (let seed = 0; seed < 30; seed++) await first.put(value(5000, seed))
  await first.close()
  const engine = await openEngine(storage, options)
  const listing = keysOf(engine)
  const late = await engine.put(value(5000, 99))
  expect([30, 31]).toContain((await listing).length)
  expect((await engine.stats()).count).toBe(31)
  expect(await engine.delete(late)).toBe(true)
  expect((await engine.stats()).count).toBe(30)
})

test('a list that the disk refuses to read is not taken for damaged: the put fails, and the next one works', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const bytes = value(5000, 3)
  const engine = await openEngine(storage, options)
  const key = await engine.put(bytes)
  await engine.close()
  const again = await openEngine(storage, options)
  await again.put(value(5000, 4))
  let reads = 0
  storage.before = ({ kind, path }) => {
    if (kind === 'read' && path.startsWith('data/') && reads++ > 0) throw new StoreError('IO', 'the disk is tired')
  }
  await expect(again.put(inPieces(bytes))).rejects.toBeInstanceOf(StoreError)
  storage.before = () => undefined
  expect(await again.put(inPieces(bytes))).toBe(key)
  expect((await again.get(key))?.length).toBe(5000)
})

test('a part that is damaged ends its upload: the next ingest of the content begins at its first byte', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const bytes = value(5000, 6)
  const first = await openEngine(storage, options)
  const ingest = await first.ingest(sha256(bytes), { size: bytes.length })
  await ingest.write(bytes.subarray(0, 3000))
  await first.close()
  const log = await storage.contents('data/0/0')
  const part = Buffer.from(log).lastIndexOf(uploadPartKey(hexBytes(sha256(bytes)), 0))
  log.fill(0, part + 40, part + 50)
  await storage.replace('data/0/0', log)
  const engine = await openEngine(storage, options)
  const again = await engine.ingest(sha256(bytes), { size: bytes.length })
  expect(again.offset).toBe(0)
  await again.write(bytes)
  expect(await again.finish()).toBe(sha256(bytes))
})

test('the chunks of a part that was damaged after it was counted are counted anew when the part goes', async () => {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk, options)
  const bytes = value(5000, 9)
  const expected = { size: bytes.length }
  const ingest = await engine.ingest(sha256(bytes), expected)
  await ingest.write(bytes.subarray(0, 3000))
  await ingest[Symbol.asyncDispose]()
  // Now it is known what holds what.
  expect(await engine.stats()).toMatchObject({ count: 0 })
  const log = disk.contents().get('data/0/0') as Uint8Array
  const part = Buffer.from(log).lastIndexOf(uploadPartKey(hexBytes(sha256(bytes)), 0))
  log[part + 40] = (log[part + 40] as number) ^ 1
  await engine.check()
  await (await engine.ingest(sha256(bytes), expected)).discard()
  const left = await keysOf(engine)
  await engine.close()
  const again = await openEngine(disk, options)
  expect(await keysOf(again)).toEqual(left)
  await again.gc({ grace: 0, keep: [] })
  expect(await again.stats()).toMatchObject({ count: 0, bytes: 0 })
})

test('what an upload could not take away again is gone before gc looks, so a dry run says what a run frees', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage, options)
  const bytes = value(5000, 7)
  await engine.put(bytes)
  let writes = 0
  storage.before = ({ kind, path }) => {
    if (kind === 'write' && path.startsWith('data/') && writes++ > 0) throw new StoreError('IO', 'the disk is tired')
  }
  await expect(engine.put(inPieces(bytes))).rejects.toMatchObject({ code: 'IO' })
  storage.before = () => undefined
  const told = await engine.gc({ dryRun: true, keep: [], grace: 0 })
  expect(told).toEqual({ count: 1, bytes: 5000 })
  expect(await engine.gc({ keep: [], grace: 0 })).toEqual(told)
})

test('what an upload could not take away goes, though it had not ended when what others left was taken away', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage, options)
  const failures: (() => void)[] = []
  async function* source(seed: number): AsyncGenerator<Uint8Array> {
    yield* inPieces(value(5000, seed))
    await new Promise((_, reject) => failures.push(() => reject(new Error('the source ends'))))
  }
  const puts = [1, 2].map((seed) => engine.put(source(seed)))
  while (failures.length < 2) await engine.flush()
  // Both take their parts away together, then each alone; what comes next are those of the first, while the second is about to end.
  let writes = 0
  storage.before = ({ kind, path }) => {
    if (kind === 'write' && path.startsWith('data/') && writes++ < 3) throw new StoreError('IO', 'the disk is tired')
  }
  for (const fail of failures) fail()
  expect((await Promise.allSettled(puts)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await engine.put('small')
  // What follows a commit has been done when the next turn comes.
  await engine.flush()
  expect(await engine.stats()).toMatchObject({ count: 1, bytes: 5 })
  expect(writes).toBeGreaterThan(3)
})

test('an ingest of what is there takes no more bytes, and has its key', async () => {
  const engine = await openEngine(memoryStorage(), options)
  const bytes = value(5000, 8)
  const key = await engine.put(bytes)
  const ingest = await engine.ingest(key, { size: bytes.length })
  expect(ingest.offset).toBe(5000)
  await ingest.write(new Uint8Array())
  await expect(ingest.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'MISMATCH' })
  expect(await ingest.finish()).toBe(key)
  await ingest[Symbol.asyncDispose]()
  expect(await engine.stats()).toMatchObject({ count: 1, bytes: 5000 })
})

test('a chunk that a repair had to give up is missing from its content, by name, until the content is put again', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const bytes = value(5000, 5)
  const first = await openEngine(storage, options)
  const key = await first.put(bytes)
  const chunk = sha256((await first.piece(key, 0))?.bytes ?? new Uint8Array())
  await first.close()
  const log = await storage.contents('data/0/0')
  // In the value of the first chunk, which is the log's first entry behind the segment header.
  log.fill(0, 160, 170)
  await storage.replace('data/0/0', log)
  const engine = await openEngine(storage, options)
  expect((await engine.check({ repair: true })).repaired?.lost).toEqual([key])
  await expect(engine.get(key)).rejects.toMatchObject({ code: 'CORRUPT', where: { key: chunk } })
  expect(await engine.get(key, { offset: 4900 })).toEqual(bytes.subarray(4900))
  expect([(await engine.stats()).count, await keysOf(engine)]).toEqual([1, [key]])
  await engine.put(bytes)
  expect((await engine.get(key))?.length).toBe(5000)
})

test('a content of too many chunks is TOO_LARGE, and nothing of it is kept', async () => {
  const engine = await openEngine(memoryStorage(), { chunkSizes: { min: 64, average: 64, max: 64 } })
  const putting = engine.transaction((tx) => tx.put(new Uint8Array(64 * 583_000)))
  await expect(putting).rejects.toMatchObject({ code: 'TOO_LARGE' })
  expect(await engine.stats()).toMatchObject({ count: 0, bytes: 0 })
}, 60_000)

test('a put that fails at once, as its buffer is full, dooms its transaction like any other', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage)
  const tx = await engine.begin()
  await tx.put(value(800_000, 1))
  storage.before = ({ kind, path }) => {
    if (kind === 'write' && path.startsWith('data/')) throw new StoreError('QUOTA', 'the disk is full')
  }
  await expect(tx.put(value(800_000, 2))).rejects.toMatchObject({ code: 'QUOTA' })
  storage.before = () => undefined
  await expect(tx.put('small')).rejects.toMatchObject({ code: 'QUOTA' })
  await expect(tx.commit()).rejects.toMatchObject({ code: 'QUOTA' })
  expect((await engine.stats()).count).toBe(0)
})

test.each([
  ['a part of an upload that runs takes no chunk from its content', 'part'],
  ['a chunk of an upload that runs keeps it from finishing without the chunk', 'chunk'],
])('a repair that takes away %s', async (_, what) => {
  const inner = memoryStorage()
  let damaged: number | undefined
  // The disk begins to lie while the store is open.
  const storage: Storage = {
    list: (path) => inner.list(path),
    remove: (path) => inner.remove(path),
    async open(path, how) {
      const file = await inner.open(path, how)
      return {
        read(target, at) {
          const count = file.read(target, at)
          const place = (damaged ?? -1) - at
          if (path === 'data/0/0' && place >= 0 && place < count) target[place] = 255 - (target[place] ?? 0)
          return count
        },
        write: (source, at) => file.write(source, at),
        truncate: (size) => file.truncate(size),
        size: () => file.size(),
        flush: () => file.flush(),
        close: () => file.close(),
      }
    },
  }
  const observed = new ObservedStorage(storage)
  const engine = await openEngine(observed, options)
  const bytes = value(9000, 1)
  const name = sha256(bytes)
  const ingest = await engine.ingest(name, { size: bytes.length })
  for (const at of [0, 1500, 3000]) await ingest.write(bytes.subarray(at, at + 1500))
  const log = Buffer.from(await observed.contents('data/0/0'))
  damaged = (what === 'part' ? log.indexOf(uploadPartKey(hexBytes(name), 0)) : log.indexOf(bytes.subarray(0, 50))) + 40
  const { findings, clean } = await engine.check({ repair: true })
  expect([findings.length > 0, clean]).toEqual([true, true])
  await ingest.write(bytes.subarray(4500))
  if (what === 'chunk') {
    await expect(ingest.finish()).rejects.toMatchObject({ code: 'CORRUPT' })
    const again = await engine.ingest(name, { size: bytes.length })
    expect(again.offset).toBe(0)
    await again.write(bytes)
    await again.finish()
  } else expect(await ingest.finish()).toBe(name)
  expect(await engine.get(name)).toEqual(bytes)
  expect(await keysOf(engine)).toEqual([name])
})
