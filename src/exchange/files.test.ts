/** Named contents as files, out and in: on storages in memory and on a folder, from engines and from a page's store. */

import { mkdirSync, mkdtempSync, openAsBlob, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { nodeStorage } from '../storage/node.js'
import type { Storage } from '../storage/storage.js'
import type { Engine } from '../store/engine.js'
import { contentsOf, emptyStore, fullStore, LARGE_BYTES, value } from '../testing/exchange.js'
import { filePaths, ObservedStorage, writeFile } from '../testing/observed-storage.js'
import { pageOf } from '../testing/page.js'
import type { Store } from '../types.js'
import { exportFiles, importFiles } from './files.js'

const root = mkdtempSync(join(tmpdir(), 'lodestore-files-'))
afterAll(() => rmSync(root, { recursive: true }))

async function named(names: Record<string, Uint8Array<ArrayBuffer> | string>): Promise<Engine> {
  const store = await emptyStore()
  for (const [name, bytes] of Object.entries(names)) await store.refs.set(name, await store.put(bytes))
  return store
}

async function filesOf(storage: Storage): Promise<Record<string, number>> {
  const observed = new ObservedStorage(storage)
  const files: Record<string, number> = {}
  for (const path of await filePaths(storage)) files[path] = (await observed.contents(path)).length
  return files
}

const NAMES = { 'a.txt': 'one', 'photos/2026/large': value(LARGE_BYTES), 'photos/empty': '', 'photos/same': 'one' }
const SIZES = { 'a.txt': 3, 'photos/2026/large': LARGE_BYTES, 'photos/empty': 0, 'photos/same': 3 }

test('each name becomes a file with its content, in folders as the name says', async () => {
  const store = await named(NAMES)
  await store.put('without a name')
  const folder = join(root, 'out')
  const dones: number[] = []
  const onProgress = ({ done, total }: { done: number; total: number }) => dones.push(done, total)
  const report = await exportFiles(store, nodeStorage(folder), { onProgress })
  const bytes = LARGE_BYTES + 6
  expect(report).toEqual({ files: 4, bytes, skipped: [] })
  expect(await filesOf(nodeStorage(folder))).toEqual(SIZES)
  expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('one')
  expect(Buffer.compare(readFileSync(join(folder, 'photos/2026/large')), value(LARGE_BYTES))).toBe(0)
  expect(dones.slice(-2)).toEqual([bytes, bytes])
})

test('a store of a page does the same', async () => {
  const { store } = await pageOf(await named(NAMES))
  const target = memoryStorage()
  expect(await exportFiles(store, target)).toMatchObject({ files: 4, skipped: [] })
  expect(await filesOf(target)).toEqual(SIZES)
})

test.each<[string, number, (store: Engine) => Promise<Store>]>([
  ['small', 10, async (store) => store],
  ['large', LARGE_BYTES, async (store) => store],
  ['small', 10, async (store) => (await pageOf(store)).store],
  ['large', LARGE_BYTES, async (store) => (await pageOf(store)).store],
])(
  'a %s file that was changed after it was picked (%i bytes) is skipped and named, the others are taken',
  async (_, size, open) => {
    const path = join(root, 'picked')
    writeFileSync(path, value(size))
    const changed = new File([await openAsBlob(path)], 'changed')
    writeFileSync(path, value(size + 1))
    const store = await emptyStore()
    const report = await importFiles(await open(store), [new File(['a'], 'first'), changed, new File(['b'], 'last')])
    expect(report).toMatchObject({ contents: 2, bytes: 2, names: 2, skipped: [{ file: 'changed' }] })
    expect([await store.refs.get('changed'), (await store.refs.get('last'))?.name]).toEqual([undefined, 'last'])
    expect((await store.check()).clean).toBe(true)
  },
)

test('names that cannot be files are skipped and named, and nothing is written outside', async () => {
  const bad = ['../out', '/etc/x', 'A.TXT', 'a.txt/b', 'nul', 'x?']
  const store = await named({ 'a.txt': 'one', ...Object.fromEntries(bad.map((name) => [name, name])) })
  const inside = join(root, 'inner/target')
  const report = await exportFiles(store, nodeStorage(inside))
  expect(report.files).toBe(1)
  expect(report.skipped.map(({ name }) => name).sort()).toEqual(
    bad
      .filter((name) => name !== 'A.TXT')
      .concat('a.txt')
      .sort(),
  )
  expect(Object.keys(await filesOf(nodeStorage(join(root, 'inner'))))).toEqual(['target/A.TXT'])
  for (const { key, message } of report.skipped) expect([key?.length, message.length > 10]).toEqual([64, true])
})

test('a content that is damaged, or deleted meanwhile, is skipped and leaves no file', async () => {
  const store = await named({ a: value(10), b: value(20), c: value(30) })
  const gone = new Set(['b'])
  const failing = {
    refs: store.refs,
    keys: store.keys.bind(store),
    async stream(key: string) {
      const { name } = (await refs()).find((ref) => ref.key === key) ?? {}
      if (name === 'a') return failingStream(new StoreError('CORRUPT', 'damaged', { where: { segment: 3 } }))
      if (name === 'c') return failingStream(new StoreError('NOT_FOUND', 'deleted'))
      return gone.has(name ?? '') ? undefined : await store.stream(key)
    },
  }
  const refs = async () => {
    const found = []
    for await (const ref of store.refs.list()) found.push(ref)
    return found
  }
  const target = memoryStorage()
  const report = await exportFiles(failing as never, target)
  expect(report.skipped.map(({ name, message, segment }) => [name, message, segment])).toEqual([
    ['a', 'damaged', 3],
    ['b', 'its content is gone', undefined],
    ['c', 'deleted', undefined],
  ])
  expect(await filesOf(target)).toEqual({})
})

test('a name that cannot be read is skipped and named, and all others are exported', async () => {
  const store = await named(NAMES)
  const damage = new StoreError('CORRUPT', 'damaged', { where: { key: 'ff01', segment: 3, offset: 5 } })
  const list = async function* () {
    yield* store.refs.list()
    throw damage
  }
  const target = memoryStorage()
  const report = await exportFiles(
    { keys: store.keys, stream: store.stream.bind(store), refs: { ...store.refs, list } },
    target,
  )
  expect(report.skipped).toEqual([{ ...damage.where, message: 'a name cannot be read: damaged' }])
  expect(Object.keys(await filesOf(target)).sort()).toEqual(Object.keys(NAMES).sort())
})

function failingStream(error: Error): ReadableStream<Uint8Array> {
  let isBegun = false
  return new ReadableStream({
    pull(controller) {
      if (isBegun) controller.error(error)
      else controller.enqueue(value(5))
      isBegun = true
    },
  })
}

test.each<[string, (storage: ObservedStorage, controller: AbortController) => void, string]>([
  [
    'is aborted',
    (storage, controller) => {
      storage.before = ({ kind, bytes }) => {
        if (kind === 'write' && bytes > 3) controller.abort()
      }
    },
    'ABORTED',
  ],
  [
    'finds no room',
    (storage) => {
      storage.before = ({ kind, bytes }) => {
        if (kind === 'write' && bytes > 3) throw new StoreError('QUOTA', 'full')
      }
    },
    'QUOTA',
  ],
])('an export that %s leaves the folder empty', async (_, hinder, code) => {
  const store = await named(NAMES)
  const storage = new ObservedStorage(memoryStorage())
  const controller = new AbortController()
  hinder(storage, controller)
  await expect(exportFiles(store, storage, { signal: controller.signal })).rejects.toMatchObject({ code })
  expect(await storage.list('')).toEqual([])
})

test('a folder with something in it is refused, and stays as it is', async () => {
  const target = memoryStorage()
  await writeFile(target, 'mine', value(1))
  await expect(exportFiles(await named(NAMES), target)).rejects.toMatchObject({ code: 'FORMAT' })
  expect(await filesOf(target)).toEqual({ mine: 1 })
})

test('files come in under their names or paths, and replace the names that are there', async () => {
  const { store } = await pageOf(await named({ 'a.txt': 'before', kept: 'kept' }))
  const inFolder = Object.assign(new File([value(5_000_000)], 'b'), { webkitRelativePath: 'photos/b' })
  const report = await importFiles(store, [new File(['one'], 'a.txt'), inFolder, new File(['one'], 'c')])
  expect(report).toEqual({ contents: 3, bytes: 5_000_006, names: 3, skipped: [] })
  const names: string[] = []
  for await (const { name } of store.refs.list()) names.push(name)
  expect(names).toEqual(['a.txt', 'c', 'kept', 'photos/b'])
  const { key = '' } = (await store.refs.get('photos/b')) ?? {}
  expect(Buffer.compare((await store.get(key)) as Uint8Array, value(5_000_000))).toBe(0)
  expect((await store.refs.get('a.txt'))?.key).toBe((await store.refs.get('c'))?.key)
})

test('many files are some transactions, and names that are too long are skipped', async () => {
  const store = await emptyStore()
  const files = async function* () {
    for (let i = 0; i < 2500; i++) yield new File([`${i}`], `file ${i}`)
    yield new File(['x'], 'x'.repeat(1025))
  }
  const report = await importFiles(store, files())
  expect([report.contents, report.skipped.map(({ file }) => file?.length)]).toEqual([2500, [1025]])
  expect((await store.stats()).transactions).toBe(3)
})

test('an import that is aborted keeps the transactions that were committed, and nothing of the last one', async () => {
  const store = await emptyStore()
  const controller = new AbortController()
  const files = Array.from({ length: 1500 }, (_, i) => new File([`${i}`], `file ${i}`))
  let seen = 0
  const onProgress = () => {
    if (++seen === 1200) controller.abort()
  }
  const importing = importFiles(store, files, { signal: controller.signal, onProgress })
  await expect(importing).rejects.toMatchObject({ code: 'ABORTED' })
  expect((await store.stats()).count).toBe(1000)
})

test('what went out comes back: the same names and contents', async () => {
  const store = await fullStore(false)
  const folder = join(root, 'round trip')
  mkdirSync(folder)
  await exportFiles(store, nodeStorage(folder))
  const back = await emptyStore()
  const files = (await filePaths(nodeStorage(folder))).map((path) => new File([readFileSync(join(folder, path))], path))
  await importFiles(back, files)
  const lines = (await contentsOf(store))
    .filter((line) => line.startsWith('a '))
    .map((line) => line.replace(/ \S+$/, ''))
  expect(
    (await contentsOf(back)).filter((line) => line.startsWith('a ')).map((line) => line.replace(/ \S+$/, '')),
  ).toEqual(lines)
})

/** A directory as a page has picked it; what is a function is what the system does instead of giving the file or the list. */
interface Picked {
  [name: string]: string | Picked | (() => never)
}

function pickedDirectory(name: string, content: Picked | (() => never)): FileSystemDirectoryHandle {
  const handles = function* () {
    for (const [entry, what] of Object.entries(typeof content === 'function' ? content() : content)) {
      if (typeof what === 'object') yield pickedDirectory(entry, what)
      else if (entry.endsWith('/')) yield pickedDirectory(entry.slice(0, -1), what as () => never)
      else
        yield {
          kind: 'file',
          name: entry,
          getFile: async () => new File([what instanceof Function ? what() : what], entry),
        }
    }
  }
  const values = async function* () {
    yield* handles()
  }
  return {
    kind: 'directory',
    name,
    getDirectoryHandle: () => undefined,
    values,
  } as unknown as FileSystemDirectoryHandle
}

const gone = () => {
  throw new DOMException('it is gone', 'NotFoundError')
}

test('what has gone from a picked directory since it was listed is skipped and named, and all else comes', async () => {
  const store = await emptyStore()
  const picked = { one: '1', gone, folder: { two: '2', 'gone too': gone }, 'lost/': gone, three: '3' }
  const report = await importFiles(store, pickedDirectory('picked', picked))
  expect(report).toMatchObject({ contents: 3, names: 3 })
  expect(report.skipped.map(({ file }) => file)).toEqual(['gone', 'folder/gone too', 'lost'])
  expect(await store.refs.get('folder/two')).toMatchObject({ name: 'folder/two' })
})

test('a picked directory that has gone itself is an error that says so', async () => {
  const importing = importFiles(await emptyStore(), pickedDirectory('picked', gone))
  await expect(importing).rejects.toMatchObject({ code: 'NOT_FOUND', message: /list/ })
})

test('a folder in which nothing can be removed hides not why the export failed', async () => {
  const folder = memoryStorage()
  const removed: string[] = []
  const target: Storage = Object.assign(Object.create(folder) as Storage, {
    open: (...given: Parameters<Storage['open']>) => folder.open(...given),
    list: (path: string) => folder.list(path),
    remove: async (path: string) => {
      removed.push(path)
      throw new StoreError('IO', 'it stays')
    },
  })
  const store = await named(NAMES)
  const pull = (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => {
    if (pulls++ === 0) controller.enqueue(new Uint8Array(5))
    else controller.error(new StoreError('IO', 'first'))
  }
  let pulls = 0
  const stream = async () => new ReadableStream({ pull })
  const broken = { refs: store.refs, keys: () => store.keys(), stream }
  await expect(exportFiles(broken, target)).rejects.toMatchObject({ message: /first/ })
  expect(removed).toContain('a.txt')
})
