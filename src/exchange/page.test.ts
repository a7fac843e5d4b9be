/** Leaving and coming on the store of a page: what comes of it is what comes of an engine. */

import { expect, test } from 'vitest'
import { StoreError, type StoreErrorCode } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { fails } from '../testing/check.js'
import { bytesOf, contentsOf, emptyStore, filesIn, fullStore, storageOf, streamOf, value } from '../testing/exchange.js'
import { filePaths } from '../testing/observed-storage.js'
import { type Page, pageOf } from '../testing/page.js'
import { exportBorg, importBorg } from './borg.js'
import { copyStore } from './store-folder.js'
import { exportStore, importStore } from './store-tar.js'

const MIB = 1024 * 1024

test('an archive is of the moment of the call and opens as a store; its bytes came in pieces of at most a mebibyte', async () => {
  const engine = await fullStore(true, { maxSegmentSize: 4 * MIB })
  const contents = await contentsOf(engine)
  const { store, posted } = await pageOf(engine)
  const stream = await exportStore(store)
  await store.refs.delete('a small one')
  await store.put(value(2_000_000, 77))
  const unpacked = await emptyStore(await storageOf(await filesIn(await bytesOf(stream))), { create: false })
  expect(unpacked.id).toBe(store.id)
  expect(await contentsOf(unpacked)).toEqual(contents)
  expect((await unpacked.check()).findings).toEqual([])
  const reads = posted.flatMap(({ items }) => items).flatMap((item) => (item.type === 'frozenRead' ? item.length : []))
  expect(Math.max(...reads)).toBe(MIB)
  expect(posted.flatMap(({ items }) => items).filter(({ type }) => type === 'frozenEntries')).toEqual([])
})

test('a folder gets the same files from a page as from an engine', async () => {
  const engine = await fullStore(false)
  const [here, there] = [memoryStorage(), memoryStorage()]
  const report = await copyStore((await pageOf(engine)).store, here)
  expect(report).toEqual(await copyStore(engine, there))
  expect(await filePaths(here)).toEqual(await filePaths(there))
  expect(await contentsOf(await emptyStore(here))).toEqual(await contentsOf(engine))
})

test('a Borg repository from a page is that of the engine, and comes back into a page', async () => {
  const engine = await fullStore(true)
  const [here, there] = [memoryStorage(), memoryStorage()]
  const report = await exportBorg((await pageOf(engine)).store, here)
  expect(report).toEqual(await exportBorg(engine, there))
  const target = await emptyStore()
  expect((await importBorg((await pageOf(target)).store, here)).skipped).toEqual([])
  expect(await contentsOf(target)).toEqual(await contentsOf(engine))
})

test('a page takes in an archive', async () => {
  const engine = await fullStore(true)
  const target = await emptyStore()
  const tar = streamOf(await bytesOf(await exportStore(engine)))
  const report = await importStore((await pageOf(target)).store, tar, { scratch: memoryStorage() })
  expect(report).toMatchObject({ names: 2, skipped: [] })
  expect(await contentsOf(target)).toEqual(await contentsOf(engine))
})

test.each<[name: string, end: (page: Page) => unknown, code: StoreErrorCode]>([
  ['the store is closed', ({ store }) => store.close(), 'CLOSED'],
  ['the worker dies', ({ connection }) => connection.fail(new StoreError('WORKER_DIED', 'gone')), 'WORKER_DIED'],
])('the stream of an archive fails when %s', async (_, end, code) => {
  const engine = await emptyStore()
  // More than a stream reads ahead.
  for (let i = 0; i < 3; i++) await engine.put(value(4_000_000, i))
  const page = await pageOf(engine)
  const stream = await exportStore(page.store)
  await end(page)
  await expect(bytesOf(stream)).rejects.toMatchObject({ code })
})

test.each([
  ['an engine', false],
  ['a page', true],
])('an archive of %s that is aborted while nobody reads it holds nothing up', async (_, isOfPage) => {
  const storage = memoryStorage()
  const whole = await emptyStore(storage)
  await whole.put(value(5000))
  // More than a stream reads ahead.
  for (let i = 0; i < 3; i++) await whole.put(value(4_000_000, i))
  await whole.close()
  const file = await storage.open('data/0/0')
  file.write(new Uint8Array([1, 2, 3]), 8 + 105 + 1000)
  file.close()
  const engine = await emptyStore(storage)
  const store = isOfPage ? (await pageOf(engine)).store : engine
  const controller = new AbortController()
  const stream = await exportStore(store, { signal: controller.signal })
  await fails(() => store.check({ repair: true }), 'LOCKED', 'repair')
  controller.abort()
  await fails(() => stream.getReader().read(), 'ABORTED', 'aborted')
  expect((await store.check({ repair: true })).clean).toBe(true)
})
