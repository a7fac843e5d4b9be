/** A store as a folder of files: it opens there, comes back, and what is no part of a store is left where it is. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { nodeStorage } from '../storage/node.js'
import type { Storage } from '../storage/storage.js'
import { bytesOf, contentsOf, emptyStore, filesIn, fullStore, value } from '../testing/exchange.js'
import { filePaths, ObservedStorage, writeFile } from '../testing/observed-storage.js'
import { copyStore } from './store-folder.js'
import { exportStore, importStore } from './store-tar.js'

const root = mkdtempSync(join(tmpdir(), 'lodestore-folder-'))
afterAll(() => rmSync(root, { recursive: true }))

test.each([[new Blob(['tar'])], ['photos'], [undefined], [new Response('tar')]])(
  'what is no folder is a TypeError that says what a folder and an archive are',
  async (given) => {
    const store = await emptyStore()
    const message = /^a folder is a Storage or a FileSystemDirectoryHandle, .*blob\.stream\(\)/
    await expect(copyStore(store, given as never)).rejects.toThrow(message)
    if (given instanceof Blob) {
      await expect(importStore(store, given as never, { scratch: memoryStorage() })).rejects.toThrow(message)
    }
  },
)

const targets: [string, () => Storage][] = [
  ['memory', memoryStorage],
  ['a folder', () => nodeStorage(join(root, 'copy'))],
]

test.each(targets)(
  'a copy in %s has the files of the archive, opens as the same store, and comes back',
  async (_, make) => {
    const store = await fullStore(true)
    const target = make()
    const dones: number[] = []
    const report = await copyStore(store, target, { onProgress: ({ done, total }) => dones.push(done, total) })
    const archived = await filesIn(await bytesOf(await exportStore(store)))
    expect(await filePaths(target)).toEqual([...archived.keys()].sort())
    expect(report).toEqual({ files: archived.size, bytes: dones.at(-1), skipped: [] })
    expect(dones.at(-1)).toBe(dones.at(-2))

    const back = await emptyStore()
    const before = await Promise.all(
      (await filePaths(target)).map((path) => new ObservedStorage(target).contents(path)),
    )
    const imported = await importStore(back, target, { scratch: memoryStorage() })
    expect(imported.skipped).toEqual([])
    expect(await contentsOf(back)).toEqual(await contentsOf(store))
    const after = await Promise.all((await filePaths(target)).map((path) => new ObservedStorage(target).contents(path)))
    expect(Buffer.concat(after).equals(Buffer.concat(before))).toBe(true)

    await using copy = await emptyStore(target, { create: false })
    expect(copy.recovery.damaged).toEqual([])
    expect([copy.id, await contentsOf(copy)]).toEqual([store.id, await contentsOf(store)])
  },
)

test('what is no part of a store is skipped and named, and what only helps to open it is left out', async () => {
  const target = memoryStorage()
  await copyStore(await fullStore(false), target)
  for (const path of ['notes.txt', 'photos/a.jpg', 'data/0/x', 'data/more/0', 'index.7', 'reserve', 'lost+found/3.0']) {
    await writeFile(target, path, value(10))
  }
  const { skipped } = await importStore(await emptyStore(), target, { scratch: memoryStorage() })
  expect(skipped.map(({ file }) => file)).toEqual(['data/0/x', 'data/more', 'notes.txt', 'photos'])
})

test('nobody else can open the store while it is taken in, and its folder is free and the same afterwards', async () => {
  const from = new ObservedStorage(memoryStorage())
  await copyStore(await fullStore(true), from)
  const paths = await from.paths()
  const opened: unknown[] = []
  from.before = async ({ kind, path }) => {
    if (kind !== 'open' || !path.startsWith('data/')) return
    from.before = () => undefined
    opened.push(await emptyStore(from).catch(({ code }) => code))
  }
  await importStore(await emptyStore(), from, { scratch: memoryStorage() })
  expect([opened, from.openPaths, await from.paths()]).toEqual([['LOCKED'], [], paths])
})

test('a folder that holds no store is FORMAT', async () => {
  const from = memoryStorage()
  await writeFile(from, 'notes.txt', value(10))
  const importing = importStore(await emptyStore(), from, { scratch: memoryStorage() })
  await expect(importing).rejects.toMatchObject({ code: 'FORMAT' })
})

test('a copy is of the moment of the call, and keeps the files it needs meanwhile', async () => {
  const store = await fullStore(false)
  const expected = await contentsOf(store)
  const storage = new ObservedStorage(memoryStorage())
  let isChanged = false
  storage.before = async ({ kind }) => {
    if (kind !== 'open' || isChanged) return
    isChanged = true
    for await (const { name } of store.refs.list()) await store.refs.delete(name)
    for await (const { key } of store.keys()) await store.delete(key)
    await store.compact({ threshold: 0 })
  }
  await copyStore(store, storage)
  storage.before = () => undefined
  await using copy = await emptyStore(storage, { create: false })
  expect(await contentsOf(copy)).toEqual(expected)
})

test.each([
  ['is aborted', 'ABORTED'],
  ['finds no room', 'QUOTA'],
])('a copy that %s leaves the folder empty, and holds nothing up', async (_, code) => {
  const store = await fullStore(false)
  const storage = new ObservedStorage(memoryStorage())
  const controller = new AbortController()
  storage.before = ({ kind, path }) => {
    if (kind !== 'write' || !path.startsWith('data/')) return
    if (code === 'QUOTA') throw new StoreError('QUOTA', 'full')
    controller.abort()
  }
  await expect(copyStore(store, storage, { signal: controller.signal })).rejects.toMatchObject({ code })
  expect(await storage.list('')).toEqual([])
  expect((await store.check({ repair: true })).clean).toBe(true)
})

test('a copy that was not finished is no store, or is seen to be damaged: never a smaller store', async () => {
  const store = await fullStore(true)
  const storage = new ObservedStorage(memoryStorage())
  const unfinished: ObservedStorage[] = []
  storage.before = async ({ kind }) => {
    if (kind === 'open') unfinished.push(await storage.snapshot())
  }
  await copyStore(store, storage)
  expect(unfinished.length).toBeGreaterThan(4)
  for (const half of unfinished) {
    const damage = await emptyStore(half, { create: false }).then(
      ({ recovery }) => recovery.damaged.length,
      ({ code }) => code,
    )
    const paths = await filePaths(half)
    expect([paths, damage]).toEqual([
      paths,
      paths.length === 0 ? 'NOT_FOUND' : expect.toSatisfy((found) => found !== 0),
    ])
  }
})

test('a folder with something in it is refused', async () => {
  const target = memoryStorage()
  await writeFile(target, 'mine', value(1))
  await expect(copyStore(await emptyStore(), target)).rejects.toMatchObject({ code: 'FORMAT' })
  expect(await filePaths(target)).toEqual(['mine'])
})
