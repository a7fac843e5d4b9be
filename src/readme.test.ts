/**
 * The documents are held to the code. The README's examples are run, its tables and signatures compared with what is exported; ARCHITECTURE.md
 * names every file. So a name that changes, an error code that comes and a script that goes each show up here.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { COMMANDS } from './cli/main.js'
import { isStoreError, STORE_ERROR_CODES } from './errors.js'
import { exportStore, type ImportReport, importStore } from './exchange.js'
import { SEGMENT_BYTES_MAX_LIMIT } from './format/config.js'
import { VALUE_BYTES_MAX } from './format/entry.js'
import { type Engine, nodeStorage, openEngine } from './node.js'
import { memoryStorage } from './storage/memory.js'
import { pageOf, sha256 } from './testing/page.js'
import type { Key, KeyEntry, PutOptions } from './types.js'

const project = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(project, path), 'utf8')
const readme = read('README.md')

/** The code between the fences of this language that follow the heading. */
function example(heading: string, language: string): string {
  const section = readme.split(/^#+ (?=\S)/m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const code = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'ms').exec(section)?.[1]
  if (code === undefined) throw new Error(`the section "${heading}" has no ${language}`)
  return code
}

/** Runs an example: what it imports and uses of the platform is handed in, and its constants `wanted` come back. */
async function run<T>(code: string, given: Record<string, unknown>, wanted: string): Promise<T> {
  const body = code.replace(/^import .*\n/gm, '')
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor
  return await new AsyncFunction(...Object.keys(given), `${body}\nreturn ${wanted}`)(...Object.values(given))
}

/** What the README's gallery is made of. */
interface Gallery {
  add(file: File, thumbnail: Blob, options: PutOptions): Promise<void>
  thumbnails(): AsyncIterable<{ name: string; blob: Blob }>
  show(name: string, image: { src: string }): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(name: string): Promise<void>
  space(): Promise<{ bytes: number; logBytes: number; free: number }>
}

test('the lines of use run on a page and do what their comments say', async () => {
  const storage = memoryStorage()
  const openStore = async () => (await pageOf(await openEngine(storage))).store
  const listed: KeyEntry[] = []
  const console = { log: (key: Key, size: number) => listed.push({ key, size }) }
  const { key, bytes, keys, cover } = await run<{ key: Key; bytes: Uint8Array; keys: Key[]; cover: Key }>(
    example('Use', 'js'),
    { openStore, console },
    '{ key, bytes, keys, cover }',
  )
  const text = 'bytes, a Blob, a File or a string'
  expect(key).toBe(sha256(text))
  expect(new TextDecoder().decode(bytes)).toBe(text)
  expect(keys).toEqual([sha256(new Uint8Array([1, 2, 3])), sha256('four')])
  const sizes = new Map(listed.map((entry) => [entry.key, entry.size]))
  expect(sizes).toEqual(
    new Map([
      [sha256(new Uint8Array([1, 2, 3])), 3],
      [sha256('four'), 4],
      [sha256('a new picture'), 13],
      [cover, 64],
    ]),
  )
  await using store = await openEngine(storage, { create: false })
  expect(new TextDecoder().decode(await store.get(cover))).toBe(sha256('a new picture'))
})

test('the gallery of files with names adds, shows, renames and removes', async () => {
  const { store } = await pageOf(await openEngine(memoryStorage()))
  const estimate = async () => ({ usage: 1, quota: 3 })
  const given = { openStore: async () => store, isStoreError, navigator: { storage: { estimate } } }
  const { add, thumbnails, show, rename, remove, space } = await run<Gallery>(
    example('Files with names', 'js'),
    given,
    '{ add, thumbnails, show, rename, remove, space }',
  )
  const names = async () => {
    const found: string[] = []
    for await (const { name } of store.refs.list()) found.push(name)
    return found
  }
  const thumb = new Blob(['small'])
  await add(new File(['the sea'], 'sea.jpg', { type: 'image/jpeg' }), thumb, {})
  await add(new File(['the sea'], 'again.jpg', { type: 'image/png' }), thumb, {})
  const stop = { signal: AbortSignal.abort() }
  await expect(add(new File(['no'], 'no.jpg'), thumb, stop)).rejects.toMatchObject({ code: 'ABORTED' })
  for await (const { name, blob } of thumbnails())
    expect([name.slice(0, 7), await blob.text()]).toEqual(['thumbs/', 'small'])
  const image = { src: '' }
  await show('photos/sea.jpg', image)
  const shown = await fetch(image.src)
  expect([shown.headers.get('content-type'), await shown.text()]).toEqual(['image/jpeg', 'the sea'])
  URL.revokeObjectURL(image.src)

  await expect(rename('photos/again.jpg', 'photos/sea.jpg')).rejects.toThrow('there is a photos/sea.jpg already')
  await rename('photos/again.jpg', 'photos/ä.jpg')
  expect(await names()).toEqual(['photos/sea.jpg', 'photos/ä.jpg', 'thumbs/again.jpg', 'thumbs/sea.jpg'])
  expect((await store.refs.get('photos/ä.jpg'))?.meta).toEqual({ type: 'image/png', caption: '' })
  await remove('photos/sea.jpg')
  expect(await store.has(sha256('the sea'))).toBe(true)
  await remove('photos/ä.jpg')
  expect(await store.has(sha256('the sea'))).toBe(false)
  expect(await names()).toEqual(['thumbs/again.jpg', 'thumbs/sea.jpg'])
  expect(await space()).toMatchObject({ bytes: 5, free: 2 })
  expect(await store.gc({ keep: [] })).toEqual({ count: 0, bytes: 0 })
})

test('the lines for Node run on a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lodestore-readme-'))
  try {
    const given = { openEngine, nodeStorage: (name: string) => nodeStorage(join(folder, name)) }
    const heading = '`lodestore/node`: on a folder, for tests, tools and servers'
    expect(await run(example(heading, 'js'), given, 'key')).toBe(sha256('the same calls'))
    expect(readdirSync(join(folder, 'photos'))).toContain('config')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the lines for leaving and coming take a content along', async () => {
  const given = { exportStore, importStore, memoryStorage, openEngine }
  const heading = '`lodestore/exchange`: leaving and coming'
  const { key, report, other } = await run<{ key: Key; report: ImportReport; other: Engine }>(
    example(heading, 'js'),
    given,
    '{ key, report, other }',
  )
  expect(report).toEqual({ contents: 1, bytes: 13, names: 0, skipped: [] })
  expect(new TextDecoder().decode(await other.get(key))).toBe('to take along')
})

test("the page's side of a film answers a service worker with a range, a piece each time it pulls", async () => {
  await using store = await openEngine(memoryStorage())
  const film = new Uint8Array(300_000).map((_, i) => i % 251)
  const key = await store.put(film)
  const serviceWorker = Object.assign(new EventTarget(), { register: async () => undefined })
  await run(example('Films: a service worker', 'js'), { navigator: { serviceWorker }, store }, 'undefined')

  /** Asks as demo/worker/service-worker.ts does. */
  async function ask(key: string) {
    const { port1: port, port2 } = new MessageChannel()
    const heard = () => new Promise<MessageEvent['data']>((resolve) => (port.onmessage = ({ data }) => resolve(data)))
    const data = { url: `https://page/blob/${key}`, method: 'GET', headers: [['range', 'bytes=1000-200999']] }
    const head = heard()
    serviceWorker.dispatchEvent(Object.assign(new Event('message'), { data, ports: [port2] }))
    const { status, headers, hasBody } = await head
    const pieces: Uint8Array[] = []
    for (let isEnd = !hasBody; !isEnd; ) {
      const piece = heard()
      port.postMessage('pull')
      const { bytes } = await piece
      if (bytes) pieces.push(bytes)
      else isEnd = true
    }
    port.close()
    return { status, headers: new Headers(headers), bytes: Buffer.concat(pieces) }
  }

  const { status, headers, bytes } = await ask(key)
  expect([status, headers.get('content-type')]).toEqual([206, 'video/mp4'])
  expect(bytes.equals(film.subarray(1000, 201_000))).toBe(true)
  expect((await ask('ab'.repeat(32))).status).toBe(404)
  expect((await ask('no key')).status).toBe(500)
})

test('the table of commands has every command with its operands, summary and options', () => {
  const cell = (text: string) => text.trim().replaceAll('`', '')
  const rows = [...readme.matchAll(/^\| `lodestore (\w+) (.+?)` +\| (.+?) +\| (.+?) +\|$/gm)]
  expect(rows.map(([, name, operands, summary]) => [name, operands, summary])).toEqual(
    Object.entries(COMMANDS).map(([name, { operands, summary }]) => [name, operands, summary]),
  )
  for (const [, name = '', , , options = ''] of rows) {
    const known = COMMANDS[name]?.options ?? {}
    const named = [...cell(options).matchAll(/--?(\w+)/g)].map((match) => match[1] ?? '')
    const long = named.map((each) => Object.keys(known).find((option) => known[option]?.short === each) ?? each)
    expect(long.sort(), name).toEqual(Object.keys(known).sort())
  }
})

test('the table of errors has every code, and no other', () => {
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` +\| .+ \| .+ \|$/gm)].map((match) => match[1])
  expect(rows).toEqual([...STORE_ERROR_CODES])
})

test('every script of the project is in the README, and no other', () => {
  const named = [...readme.matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map((match) => match[1] ?? match[2])
  expect([...new Set(named)].sort()).toEqual(Object.keys(JSON.parse(read('package.json')).scripts).sort())
})

/** What a file of src exports, under the names that its importers use; the names of types.ts where it exports all of those. */
function exportsOf(file: string): string[] {
  const source = read(`src/${file}`)
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap((match) => match[1]?.split(',') ?? [])
  const listed = lists.map((each) => each.replace(/\btype\b/, '').trim()).filter((name) => name !== '')
  const declared = [...source.matchAll(/^export (?:interface|type|function|class|const) (\w+)/gm)].map(
    (found) => found[1],
  )
  const types = /^export type \* from '.*\/types\.js'$/m.test(source) ? exportsOf('types.ts') : []
  return [...listed, ...declared.filter((name) => name !== undefined), ...types]
}

test.each([
  ['client/index.ts', 'openStore'],
  ['engine.ts', 'memoryStorage'],
  ['node.ts', 'nodeStorage'],
  ['exchange.ts', 'exportBorg'],
])('every name that %s exports is in the README', (file, one) => {
  const names = exportsOf(file)
  expect(names).toContain(one)
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(readme))).toEqual([])
})

test('every member of a public interface is in the README as types.ts has it', () => {
  const squeezed = (text: string) => text.replace(/\s+/g, ' ')
  const shown = squeezed(example("`lodestore`: the page's side", 'ts'))
  const members = [...read('src/types.ts').matchAll(/^ {2}((?:readonly )?\w+[?:(<].*)$/gm)].map(
    (match) => match[1] ?? '',
  )
  expect(members.length).toBeGreaterThan(60)
  expect(members.filter((member) => !shown.includes(squeezed(member)))).toEqual([])
})

test('the figures of the limits are those of the code', () => {
  expect(readme).toMatch(new RegExp(`^\\| a value +\\| ${VALUE_BYTES_MAX.toLocaleString('en')} bytes`, 'm'))
  expect(readme).toContain(`more than ${VALUE_BYTES_MAX.toLocaleString('en')} bytes`)
  expect(SEGMENT_BYTES_MAX_LIMIT).toBe(2 ** 30)
  expect(readme).toContain('1 KiB to 1 GiB')
})

test('every link of the README to a file of the project leads somewhere', () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map((match) => match[1] ?? '')
  expect(links).toContain('FORMAT.md')
  expect(links.filter((link) => !existsSync(join(project, link)))).toEqual([])
})

test('ARCHITECTURE.md says of every file what it is for', () => {
  const page = read('ARCHITECTURE.md')
  const filesOf = (folder: string) =>
    readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
      .map((path) => path.replaceAll('\\', '/'))
      .filter((path) => /\.ts$/.test(path) && !/\.test\.ts$|^testing\//.test(path))
  const files = [...filesOf('src'), ...filesOf('assembly').map((path) => `assembly/${path}`)]
  expect(files.length).toBeGreaterThan(60)
  expect(files.filter((path) => !page.includes(`\`${path}\``))).toEqual([])
  const named = [
    ...page.matchAll(
      /`((?:client|worker|protocol|cli|exchange|store|log|format|kernel|storage|assembly)\/[\w-]+\.ts)`/g,
    ),
  ]
  expect(named.map((match) => match[1] ?? '').filter((path) => !files.includes(path))).toEqual([])
})
