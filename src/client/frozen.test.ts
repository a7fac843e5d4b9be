/** A frozen store through a page: what it gives is what the engine gives, and it ends in the worker however it ends on the page. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import { type Page, pageOf } from '../testing/page.js'
import type { Frozen } from '../types.js'

async function pageAndEngine() {
  const engine = await openEngine(memoryStorage(), { name: 's', maxSegmentSize: 100_000 })
  await engine.putMany(Array.from({ length: 400 }, (_, i) => new Uint8Array(1000 + i).fill(i)))
  await engine.refs.set('name', await engine.put('named'))
  return { ...(await pageOf(engine)), engine }
}

/** All that it holds, by words. */
async function contentsOf(frozen: Frozen) {
  const files: [string, Uint8Array][] = []
  for (const { path, size, read } of frozen.files) files.push([path, await read(0, size)])
  const entries = await frozen.entries()
  const values: Uint8Array[] = []
  for (let i = 0; i < entries.length / 44; i++) values.push(await frozen.value(i))
  return { id: frozen.id, keysAreHashes: frozen.keysAreHashes, files, entries, values }
}

const ends = ({ posted }: Pick<Page, 'posted'>) =>
  posted.flatMap(({ items }) => items).filter(({ type }) => type === 'frozenEnd').length

/** A store with something to repair, which waits for whatever is frozen. */
async function damagedPage() {
  const storage = memoryStorage()
  const engine = await openEngine(storage)
  await engine.put(new Uint8Array(5000))
  await engine.close()
  const file = await storage.open('data/0/0')
  file.write(new Uint8Array([1, 2, 3]), 8 + 105 + 1000)
  file.close()
  return await pageOf(await openEngine(storage))
}

test('files, entries and values are those of the engine, of the moment of the call', async () => {
  const { store, engine } = await pageAndEngine()
  const [there, here] = [await engine.freeze(), await store.freeze()]
  await store.put('later')
  const contents = await contentsOf(here)
  expect(contents).toEqual(await contentsOf(there))
  expect(contents.files.length).toBeGreaterThan(4)
  expect(contents.values.length).toBe(402)
})

test('nothing but the piece that was asked for comes over, and entries only when they are asked for', async () => {
  const { store, posted } = await pageAndEngine()
  const frozen = await store.freeze()
  const file = frozen.files.find(({ path }) => path === 'data/0/0')
  const [whole, piece] = [await file?.read(0, file.size), await file?.read(1000, 2000)]
  expect(piece).toEqual(whole?.slice(1000, 3000))
  const types = posted.flatMap(({ items }) => items).map(({ type }) => type)
  expect(types).toEqual(['freeze', 'frozenRead', 'frozenRead'])
})

test('what is not in it is RANGE, with the file', async () => {
  const { store } = await pageAndEngine()
  const frozen = await store.freeze()
  for (const { path, size, read } of frozen.files) {
    await expect(read(0, size + 1)).rejects.toMatchObject({ code: 'RANGE', where: { file: path } })
  }
  await expect(frozen.value(402)).rejects.toMatchObject({ code: 'RANGE' })
})

test('a repair is LOCKED until it is released, which may be done twice', async () => {
  const { store } = await damagedPage()
  const [frozen, other] = [await store.freeze(), await store.freeze()]
  frozen.release()
  frozen.release()
  await expect(store.check({ repair: true })).rejects.toMatchObject({ code: 'LOCKED' })
  other.release()
  expect((await store.check({ repair: true })).clean).toBe(true)
})

test('a closed store needs no release, and nothing can be read from what was frozen', async () => {
  const { store } = await pageAndEngine()
  const frozen = await store.freeze()
  const pending = frozen.entries()
  await store.close()
  expect((await pending).length).toBe(402 * 44)
  await expect(frozen.value(0)).rejects.toMatchObject({ code: 'CLOSED' })
  frozen.release()
})

test('one that is forgotten on the page is released, one of which a file can still be read is not', async () => {
  const page = await damagedPage()
  const { store } = page
  const [file] = (await store.freeze()).files
  await store.freeze()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 100 && ends(page) === 0; round++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  expect(ends(page)).toBe(1)
  expect((await file?.read(0, 10))?.length).toBe(10)
  await expect(store.check({ repair: true })).rejects.toMatchObject({ code: 'LOCKED' })
})
