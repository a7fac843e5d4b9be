import { expect, test } from 'vitest'
import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import { KEY, pageOf, pageOnEngine, sha256 } from '../testing/page.js'

const MIB = 1024 * 1024
const LARGE = new Uint8Array(wholeBytesMax(CHUNK_SIZES) + 3 * MIB + 12_345).map((_, i) => (i * 7) ^ (i >> 9))
const SIZE = LARGE.length
const NAME = sha256(LARGE)

test('an ingest goes on where an earlier page left it', async () => {
  const storage = memoryStorage()
  const first = (await pageOf(await openEngine(storage))).store
  const begun = await first.ingest(NAME, { size: SIZE })
  expect(begun.offset).toBe(0)
  await begun.write(LARGE.subarray(0, 6 * MIB))
  expect(begun.offset).toBe(6 * MIB)
  await expect(first.ingest(NAME, { size: SIZE })).rejects.toMatchObject({ code: 'LOCKED' })
  await begun[Symbol.asyncDispose]()
  await first.close()
  const second = (await pageOf(await openEngine(storage))).store
  const ingest = await second.ingest(NAME, { size: SIZE })
  expect(ingest.offset).toBeGreaterThan(3 * MIB)
  expect(ingest.offset).toBeLessThanOrEqual(6 * MIB)
  const rest = LARGE.slice(ingest.offset)
  const writing = ingest.write(rest)
  rest.fill(0)
  await writing
  expect(await ingest.finish({ durability: 'relaxed' })).toBe(NAME)
  expect(Buffer.compare((await second.get(NAME)) as Uint8Array, LARGE)).toBe(0)
})

test('an ingest waits for missing bytes, and ends when it is discarded or disposed of', async () => {
  const page = await pageOnEngine()
  const { store } = page
  const ingest = await store.ingest(NAME, { size: SIZE })
  await ingest.write(LARGE.subarray(0, 100))
  await expect(ingest.finish()).rejects.toMatchObject({ code: 'MISMATCH' })
  await expect(ingest.write(LARGE)).rejects.toMatchObject({ code: 'MISMATCH' })
  await expect(ingest.write('text' as never)).rejects.toThrow(TypeError)
  await ingest.write(LARGE.subarray(100, 6 * MIB))
  await ingest.discard()
  expect(await store.stats()).toMatchObject({ bytes: 0 })
  page.posted.length = 0
  for (const call of [ingest.write(LARGE), ingest.finish()]) {
    await expect(call).rejects.toMatchObject({ code: 'TX_CLOSED' })
  }
  await ingest.discard()
  await ingest[Symbol.asyncDispose]()
  expect(page.posted.length).toBe(0)
  expect((await store.ingest(NAME, { size: SIZE })).offset).toBe(0)
})

test('an ingest of other bytes is MISMATCH and has ended', async () => {
  const { store } = await pageOnEngine()
  const ingest = await store.ingest(KEY, { size: SIZE })
  await ingest.write(LARGE)
  await expect(ingest.finish()).rejects.toMatchObject({ code: 'MISMATCH' })
  await expect(ingest.finish()).rejects.toMatchObject({ code: 'TX_CLOSED' })
  expect(await store.stats()).toMatchObject({ bytes: 0 })
})

test('an ingest of what is there is complete at once; disposing of it after the store was closed does nothing', async () => {
  const { store } = await pageOnEngine()
  await store.put(LARGE)
  const ingest = await store.ingest(NAME, { size: SIZE })
  expect([ingest.offset, await ingest.finish()]).toEqual([SIZE, NAME])
  const open = await store.ingest(KEY, { size: 5 })
  await store.close()
  await ingest[Symbol.asyncDispose]()
  for (const call of [open.write(LARGE), open.finish(), open.discard(), store.ingest(KEY, { size: 5 })]) {
    await expect(call).rejects.toMatchObject({ code: 'CLOSED' })
  }
})

test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('an ingest of %d bytes is a TypeError', async (size) => {
  const { store } = await pageOnEngine()
  await expect(store.ingest(KEY, { size })).rejects.toThrow(TypeError)
})
