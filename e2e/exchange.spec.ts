/**
 * Leaving and coming through directories of the File System API, in real browsers. A directory of OPFS stands for one that a user picks, which no
 * test can: it is the same type, written to by the same calls.
 */
import { test as base, expect, type Page } from '@playwright/test'
import { pagesURL } from './servers.js'

const test = base.extend<{ app: Page }>({
  app: async ({ page }, use) => {
    await page.goto(`${pagesURL}/api.html`)
    await page.waitForFunction(() => window.lodestore !== undefined)
    await page.evaluate(() => {
      window.folder = async (name) =>
        (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true })
      window.filesIn = async (directory, path = '') => {
        const found: [string, number][] = []
        for await (const [name, handle] of directory) {
          if (handle.kind === 'file') found.push([path + name, (await (handle as FileSystemFileHandle).getFile()).size])
          else found.push(...(await window.filesIn(handle as FileSystemDirectoryHandle, `${path}${name}/`)))
        }
        return found.sort(([a], [b]) => (a < b ? -1 : 1))
      }
    })
    await use(page)
  },
})

declare global {
  interface Window {
    folder(name: string): Promise<FileSystemDirectoryHandle>
    filesIn(directory: FileSystemDirectoryHandle, path?: string): Promise<[string, number][]>
  }
}

test("named contents of a page's store become files in a directory, and come back from it", async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore, exchange, large, folder, filesIn } = window
    const store = await openStore('photos')
    const film = await store.put(large(9_000_000))
    await store.refs.set('films/2026/film.mp4', film)
    await store.refs.set('films/short', await store.put('short'))
    await store.refs.set('empty.txt', await store.put(''))
    await store.refs.set('../outside', film)
    await store.refs.set('EMPTY.TXT', film)
    const target = await folder('out')
    let last: unknown
    const onProgress = (progress: unknown) => {
      last = progress
    }
    const { skipped, ...exported } = await exchange.exportFiles(store, target, { onProgress })
    const files = await filesIn(target)
    const again = await window.failure(exchange.exportFiles(store, target))
    const other = await openStore('other')
    const imported = await exchange.importFiles(other, target)
    const names: string[] = []
    for await (const { name } of other.refs.list()) names.push(name)
    const same = (await other.refs.get('films/2026/film.mp4'))?.key === film && (await other.check()).clean
    return [exported, skipped.map(({ name }) => name), files, again, last, imported, names, same]
  })
  const names = ['EMPTY.TXT', 'films/2026/film.mp4', 'films/short']
  expect(found).toEqual([
    { files: 3, bytes: 18_000_005 },
    ['../outside', 'empty.txt'],
    names.map((name) => [name, name === 'films/short' ? 5 : 9_000_000]),
    'FORMAT',
    { done: 18_000_005, total: 18_000_005 },
    { contents: 3, bytes: 18_000_005, names: 3, skipped: [] },
    names,
    true,
  ])
})

test('an export that is aborted in the middle of a file leaves the directory empty', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore, exchange, large, folder, filesIn, failure } = window
    const store = await openStore('photos')
    await store.refs.set('a/small', await store.put('small'))
    await store.refs.set('b/large', await store.put(large(9_000_000)))
    const target = await folder('out')
    const controller = new AbortController()
    const onProgress = ({ done }: { done: number }) => done > 2_000_000 && controller.abort()
    const code = await failure(exchange.exportFiles(store, target, { signal: controller.signal, onProgress }))
    const left: string[] = []
    for await (const name of target.keys()) left.push(name)
    const report = await exchange.exportFiles(store, target)
    return [code, left, report.files, await filesIn(target)]
  })
  expect(found).toEqual([
    'ABORTED',
    [],
    2,
    [
      ['a/small', 5],
      ['b/large', 9_000_000],
    ],
  ])
})

test('a store is copied into a directory as it is, and taken in from there', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { engine, exchange, large, folder, filesIn, sha256 } = window
    const { memoryStorage, openEngine } = engine
    const store = await openEngine(memoryStorage(), { maxSegmentSize: 1_000_000 })
    const film = await store.put(large(9_000_000))
    await store.refs.set('film', film)
    const target = await folder('copy')
    const { files, bytes } = await exchange.copyStore(store, target)
    const written = await filesIn(target)
    const total = written.reduce((sum, [, size]) => sum + size, 0)
    const other = await openEngine(memoryStorage())
    const report = await exchange.importStore(other, target, { scratch: memoryStorage() })
    const back = await other.get(film)
    return [
      [files, bytes],
      [written.length, total],
      written.map(([name]) => name).filter((name) => !name.startsWith('data/')),
      report,
      back && (await sha256(back)) === film,
    ]
  })
  expect(found[0]).toEqual(found[1])
  expect(found.slice(2)).toEqual([
    ['README', 'config', 'head'],
    { contents: 1, bytes: 9_000_000, names: 1, skipped: [] },
    true,
  ])
})

test('a directory that is gone, or holds no store, is told as such', async ({ app }) => {
  const codes = await app.evaluate(async () => {
    const { engine, exchange, folder, openStore, failure } = window
    const store = await engine.openEngine(engine.memoryStorage())
    const empty = await folder('empty')
    const noStore = await failure(exchange.importStore(store, empty, { scratch: engine.memoryStorage() }))
    await (await navigator.storage.getDirectory()).removeEntry('empty')
    const page = await openStore('photos')
    await page.refs.set('a', await page.put('a'))
    return [noStore, await failure(exchange.exportFiles(page, empty))]
  })
  expect(codes).toEqual(['FORMAT', 'NOT_FOUND'])
})

test("an open page's store goes into an archive while it is written to; the archive opens as the store that it was", async ({
  app,
}) => {
  const found = await app.evaluate(async () => {
    const { openStore, engine, exchange, large } = window
    const store = await openStore('photos', { maxSegmentSize: 4_000_000 })
    const film = await store.put(large(20_000_000))
    await store.refs.set('film', film)
    let told = 0
    const onProgress = () => {
      told++
    }
    const reader = (await exchange.exportStore(store, { onProgress })).getReader()
    await store.refs.delete('film')
    const later = await store.put(large(9_000_001))
    await store.delete(film)
    await store.compact({ threshold: 0 })
    const pieces: Uint8Array<ArrayBuffer>[] = []
    for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value)
    const tar = new Blob(pieces).stream()
    const other = await engine.openEngine(engine.memoryStorage())
    const report = await exchange.importStore(other, tar, { scratch: engine.memoryStorage() })
    const same = (await other.refs.get('film'))?.key === film
    const { clean } = await store.check()
    return [report, same, await store.has(film), await store.has(later), clean, told >= 20]
  })
  const report = { contents: 1, bytes: 20_000_000, names: 1, skipped: [] }
  expect(found).toEqual([report, true, false, true, true, true])
})

test("when the archive of an open page's store is aborted, a repair is possible afterwards", async ({ app }) => {
  const codes = await app.evaluate(async () => {
    const { openStore, exchange, failure, large } = window
    const whole = await openStore('photos')
    await whole.put('damaged in a moment')
    // More than a stream reads ahead: nobody reads it, so it does not end.
    await whole.put(large(20_000_000))
    await whole.close()
    const root = await navigator.storage.getDirectory()
    let directory = await (await root.getDirectoryHandle('lodestore')).getDirectoryHandle('photos')
    for (const name of ['data', '0']) directory = await directory.getDirectoryHandle(name)
    const file = await (await directory.getFileHandle('0')).createWritable({ keepExistingData: true })
    // Behind the segment's header: in the value of the first content.
    await file.write({ type: 'write', position: 8 + 105 + 45, data: new Uint8Array([1, 2, 3]) })
    await file.close()
    const store = await openStore('photos')
    const controller = new AbortController()
    const stream = await exchange.exportStore(store, { signal: controller.signal })
    const held = await failure(store.check({ repair: true }))
    controller.abort()
    const ended = await failure(stream.getReader().read())
    const { clean, repaired } = await store.check({ repair: true })
    return [held, ended, clean, repaired?.lost.length]
  })
  expect(codes).toEqual(['LOCKED', 'ABORTED', true, 1])
})
