/** The files behind Blobs: which are lent, how long they are kept, and what damage does to Blobs. On a folder, which has files to lend. */

import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { hexBytes } from '../format/key.js'
import { createKernel } from '../kernel/kernel.js'
import { nodeStorage } from '../storage/node.js'
import { key, value } from '../testing/engine-case.js'
import { emptyStore, LARGE_BYTES } from '../testing/exchange.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { contentBlob } from './blob.js'
import { Engine } from './engine.js'
import { openContext } from './open.js'

const root = mkdtempSync(join(tmpdir(), 'lodestore-blob-'))
afterAll(() => rmSync(root, { recursive: true }))

let count = 0
let folder: string
let storage: ObservedStorage
beforeEach(() => {
  folder = join(root, `${count++}`)
  storage = new ObservedStorage(nodeStorage(folder))
})

const open = () => emptyStore(storage, { maxSegmentSize: 100_000, checkpointBytes: 1000 })
const path = (segment: number) => join(folder, 'data/0', `${segment}`)
const bytesOf = async (blob: Blob | undefined) => new Uint8Array((await blob?.arrayBuffer()) ?? [])
const same = async (blob: Blob | undefined, bytes: Uint8Array) =>
  Buffer.compare(await bytesOf(blob), Buffer.from(bytes)) === 0

/** A value in segment 0, which is closed, and one in the segment that is being written. */
async function twoValues(): Promise<Engine> {
  const store = await open()
  await store.set(key(0), value(120_000))
  await store.set(key(1), value(60_000, 1))
  storage.calls.length = 0
  return store
}

function flip(segment: number, at: number): void {
  const bytes = readFileSync(path(segment))
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path(segment), bytes)
}

test.each<[string, number, boolean, { blobs: number; reads: boolean }]>([
  ['in a closed segment is lent its file, and not read', 0, false, { blobs: 1, reads: false }],
  ['in a closed segment is read to be verified, and lent its file', 0, true, { blobs: 1, reads: true }],
  ['in the segment that is written is read', 1, false, { blobs: 0, reads: true }],
])('a content %s', async (_, number, verify, expected) => {
  const store = await twoValues()
  const blob = await store.blob(key(number), { verify })
  expect({ blobs: storage.count('blob'), reads: storage.count('read', 'data/') > 0 }).toEqual(expected)
  expect(await same(blob, (await store.get(key(number))) as Uint8Array)).toBe(true)
  await store.close()
})

test('a file is asked for once, however many contents and chunks stand in it', async () => {
  const store = await emptyStore(storage, { maxSegmentSize: 1_000_000 })
  const name = await store.put(value(LARGE_BYTES))
  await store.set(key(0), value(1_000_000))
  const made = [await store.blob(name), await store.blob(name), await store.blob(key(0))]
  const lent = storage.calls.filter(({ kind }) => kind === 'blob').map((call) => call.path)
  expect(lent.length).toBeGreaterThan(2)
  expect(new Set(lent).size).toBe(lent.length)
  expect(await same(made[1], value(LARGE_BYTES))).toBe(true)
  await store.close()
})

test('a small content is read, so that no file has to be kept for it', async () => {
  const store = await open()
  await store.set(key(0), value(16_384))
  await store.set(key(1), value(120_000, 1))
  await store.set(key(2), 'next segment')
  expect(await same(await store.blob(key(0)), value(16_384))).toBe(true)
  expect(storage.count('blob')).toBe(0)
  await store.close()
})

test('the file of a Blob outlives its segment until the close, and then the Blob fails instead of lying', async () => {
  const store = await twoValues()
  const blob = await store.blob(key(0))
  await store.set(key(2), value(120_000, 2))
  await store.deleteMany([key(0), key(2)])
  await store.compact({ threshold: 0 })
  await store.compact({ threshold: 0 })
  expect([existsSync(path(0)), existsSync(path(2))]).toEqual([true, false])
  expect((await store.check()).clean).toBe(true)
  expect(await same(blob, value(120_000))).toBe(true)
  await store.close()
  expect(existsSync(path(0))).toBe(false)
  await expect(blob?.arrayBuffer()).rejects.toMatchObject({ name: 'NotReadableError' })
})

test('a file that was left because nobody closed the store goes with the next checkpoint', async () => {
  const store = await twoValues()
  await store.blob(key(0))
  await store.delete(key(0))
  await store.compact({ threshold: 0 })
  const left = await storage.snapshot()
  await store.close()
  const again = await emptyStore(left, { checkpointBytes: 1000 })
  expect((await again.check()).clean).toBe(true)
  expect(await again.has(key(0))).toBe(false)
  expect(await left.paths()).toContain('data/0/0')
  await again.put(value(2000))
  await again.close()
  expect(await left.paths()).not.toContain('data/0/0')
})

test('a segment that only Blobs need is in no copy of the store, and repair leaves it alone', async () => {
  const store = await twoValues()
  const blob = await store.blob(key(0))
  await store.delete(key(0))
  await store.compact({ threshold: 0 })
  const frozen = await store.freeze()
  expect(frozen.files.map((file) => file.path)).not.toContain('data/0/0')
  frozen.release()
  // Something to mend that has nothing to do with it.
  const [{ segment = 0 } = {}] = (await store.stats()).segments
  flip(segment, 20)
  const { repaired } = await store.check({ repair: true })
  expect(repaired?.setAside).toEqual([`lost+found/${segment}.0`])
  expect(await same(blob, value(120_000))).toBe(true)
  await store.close()
})

test('the file of a Blob outlives a repair that gives up its segment, and goes with the close', async () => {
  const store = await twoValues()
  flip(0, 20)
  const blob = await store.blob(key(0))
  const { clean, repaired } = await store.check({ repair: true })
  expect([clean, repaired?.setAside]).toEqual([true, ['lost+found/0.0']])
  expect(await same(blob, value(120_000))).toBe(true)
  expect(await same(await store.blob(key(0)), value(120_000))).toBe(true)
  await store.close()
  expect(existsSync(path(0))).toBe(false)
  expect((await (await open()).check()).clean).toBe(true)
})

test('a repair does not mind a Blob that is being made, and leaves it its file', async () => {
  const store = await twoValues()
  flip(0, 20)
  let goOn: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  storage.before = async ({ kind }) => {
    if (kind === 'blob') await gate
  }
  const blob = store.blob(key(0))
  expect(await store.check({ repair: true })).toMatchObject({ clean: true, repaired: { setAside: ['lost+found/0.0'] } })
  goOn()
  expect(await same(await blob, value(120_000))).toBe(true)
  await store.close()
})

test('damage shows when it is looked for; what is known to be damaged is never handed out', async () => {
  const store = await twoValues()
  flip(0, 50_000)
  const unread = await store.blob(key(0))
  expect([unread?.size, await same(unread, value(120_000))]).toEqual([120_000, false])
  const where = { key: key(0), segment: 0 }
  await expect(store.blob(key(0), { verify: true })).rejects.toMatchObject({ code: 'CORRUPT', where })
  await expect(store.blob(key(0))).rejects.toMatchObject({ code: 'CORRUPT', where })
  await store.close()
})

test('in front of damage that may hide a newer value a Blob is handed out only if it proves itself', async () => {
  const first = await open()
  await first.set(key(0), value(120_000))
  const name = await first.put(value(120_000, 1))
  await first.set(key(2), value(120_000, 2))
  await first.close()
  // Not one bit: nothing tells what stood there.
  for (const at of [200, 201, 202, 203]) flip(2, at)
  rmSync(join(folder, 'index.2'), { force: true })
  for (const file of await storage.list('')) if (file.startsWith('index.')) await storage.remove(file)
  const store = await open()
  await expect(store.blob(key(0))).rejects.toMatchObject({ code: 'CORRUPT' })
  expect(await same(await store.blob(name), value(120_000, 1))).toBe(true)
  await store.close()
})

test.each<[string, () => void]>([
  ['is too short', () => truncateSync(path(0), 60_000)],
  ['is missing', () => rmSync(path(0))],
])('a Blob from a segment that %s is CORRUPT', async (_, harm) => {
  await (await twoValues()).close()
  const store = await open()
  harm()
  await expect(store.blob(key(0))).rejects.toMatchObject({ code: 'CORRUPT', where: { segment: 0 } })
  await store.close()
})

test('a content of which a chunk is missing is CORRUPT', async () => {
  const store = await emptyStore(storage, { maxSegmentSize: 1_000_000 })
  const name = await store.put(value(LARGE_BYTES))
  await store.close()
  flip(1, 300_000)
  const again = await emptyStore(storage)
  await again.check({ repair: true })
  await expect(again.blob(name)).rejects.toMatchObject({ code: 'CORRUPT' })
  await again.close()
})

test('a content that is deleted while its list of chunks is read is not there', async () => {
  const rest = { create: true, maxSegmentSize: undefined, chunkSizes: undefined, signal: undefined }
  const slices = { sliceBytes: 1, pause: async () => undefined }
  const kernel = await createKernel()
  const context = await openContext({
    ...rest,
    ...slices,
    storage,
    kernel,
    checkpointBytes: 1,
    random: () => {},
    now: () => 0,
  })
  const store = new Engine(context, '', 'strict')
  const name = hexBytes(await store.put(value(LARGE_BYTES)))
  let asked = 0
  // Once for the key itself, and twice for the list.
  const find = (wanted: Uint8Array) => (asked++ < 3 ? context.state.keys.find(wanted) : undefined)
  expect(await contentBlob(context, name, find, {})).toBe(undefined)
  expect(asked).toBe(6)
  await store.close()
})

test('while an undoing has failed, and is still to come, the files that it will cut are not lent', async () => {
  const store = await open()
  await store.set(key(0), value(60_000))
  const tx = await store.begin()
  for (let i = 1; i < 6; i++) await tx.put(value(50_000, i))
  storage.before = ({ kind }) => {
    if (kind === 'truncate') throw new StoreError('QUOTA', 'the disk is tired')
  }
  await tx.rollback()
  const blob = await store.blob(key(0))
  expect(storage.count('blob')).toBe(0)
  storage.before = () => undefined
  await store.set(key(1), value(60_000, 1))
  expect(await same(blob, value(60_000))).toBe(true)
  await store.close()
})

test('where the disk does not lend a file the bytes are read, and the next time it is asked again', async () => {
  const store = await twoValues()
  storage.before = ({ kind }) => {
    if (kind === 'blob') throw new StoreError('IO', 'the disk is tired')
  }
  expect(await same(await store.blob(key(0)), value(120_000))).toBe(true)
  storage.before = ({ kind }) => {
    if (kind === 'blob') throw new RangeError('a fault of the driver')
  }
  await expect(store.blob(key(0))).rejects.toThrow(RangeError)
  storage.before = () => undefined
  await store.blob(key(0))
  expect(storage.count('blob')).toBe(3)
  await store.close()
})
