/**
 * Borg repositories, with the real Borg on the other side: it checks and reads what we write, and what it wrote we read object by object. Then the
 * things that old and damaged repositories have in them, made by hand.
 */

import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CHUNK_SIZES } from '../format/chunks.js'
import { TAG, VALUE_BYTES_MAX } from '../format/entry.js'
import { hexBytes, keyHex } from '../format/key.js'
import { memoryStorage } from '../storage/memory.js'
import { nodeStorage } from '../storage/node.js'
import { borg, borgObject } from '../testing/borg.js'
import { fails } from '../testing/check.js'
import { key, text } from '../testing/engine-case.js'
import { contentsOf, emptyStore, type Files, fullStore, LARGE_BYTES, storageOf, value } from '../testing/exchange.js'
import { entry } from '../testing/golden-recipes.js'
import { filePaths } from '../testing/observed-storage.js'
import { exportBorg, importBorg, openBorg } from './borg.js'
import { decodeBorgConfig } from './borg-config.js'
import { entriesOf } from './entries.js'

// A call of Borg takes a second.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const home = mkdtempSync(join(tmpdir(), 'lodestore-borg-'))
afterAll(() => rmSync(home, { recursive: true }))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** How many keys Borg's index has: int32 behind the magic. */
function indexCount(repository: string): number {
  const name = readdirSync(repository).find((name) => /^index\.\d+$/.test(name)) ?? ''
  return readFileSync(join(repository, name)).readInt32LE(8)
}

describe('a repository that we write', () => {
  const repository = join(home, 'ours')
  let contents: string[]
  let objects: number

  beforeAll(async () => {
    const store = await fullStore(true)
    await store.put(value(VALUE_BYTES_MAX, 3))
    await store.set(key(7), value(VALUE_BYTES_MAX, 4))
    contents = await contentsOf(store)
    const progress: number[] = []
    const report = await exportBorg(store, nodeStorage(repository), { onProgress: ({ done }) => progress.push(done) })
    expect(report.skipped).toEqual([])
    expect(progress.length).toBe(report.objects)
    objects = report.objects
  })

  test('is whole to Borg, which counts the same objects', () => {
    const said = borg(home, 'check', '--repository-only', '-v', repository)
    expect(said).toContain('Index object count match.')
    expect(said).toContain('no problems found')
    expect(indexCount(repository)).toBe(objects)
  })

  test('has an index in which Borg finds what its own has, and hints with which it goes on writing', () => {
    const copy = join(home, 'ours written on')
    cpSync(repository, copy, { recursive: true })
    const index = join(copy, readdirSync(copy).find((name) => name.startsWith('index.')) ?? '')
    const before = readFileSync(index)
    const said = borg(home, 'check', '--repository-only', '-v', copy)
    // Each place that differs would be named.
    expect(said).not.toMatch(/ID:|rebuilt|missing|corrupted/)
    expect(readFileSync(index)).toEqual(before)
    expect(borg(home, '-v', 'debug', 'delete-obj', copy, key(7))).not.toMatch(/missing|corrupted|recover/)
    expect(indexCount(copy)).toBe(objects - 1)
    expect(borg(home, 'check', '--repository-only', '-v', copy)).toContain('Index object count match.')
  })

  test('gives Borg whole contents byte for byte: the empty one, chosen keys, the largest', () => {
    const largest = [value(VALUE_BYTES_MAX, 3), value(VALUE_BYTES_MAX, 4)] as const
    expect(borgObject(home, repository, sha256(value(0)))).toEqual(Buffer.alloc(0))
    expect(borgObject(home, repository, key(1)).toString()).toBe('then')
    expect(sha256(borgObject(home, repository, sha256(value(70_000))))).toBe(sha256(value(70_000)))
    expect(sha256(borgObject(home, repository, key(7)))).toBe(sha256(largest[1]))
  })

  test('has enough in it to put a content in chunks together with Borg and FORMAT.md alone', () => {
    const name = sha256(value(LARGE_BYTES))
    const list = borgObject(home, repository, `${'00'.repeat(15)}04${name.slice(0, 32)}`)
    expect(list.subarray(0, 32).toString('hex')).toBe(name)
    const chunks: Buffer[] = []
    for (let at = 40; at < list.length; at += 36) {
      chunks.push(borgObject(home, repository, list.subarray(at, at + 32).toString('hex')))
      expect(chunks.at(-1)?.length).toBe(list.readUInt32LE(at + 32))
    }
    expect(chunks.length).toBeGreaterThan(3)
    expect(sha256(Buffer.concat(chunks))).toBe(name)
  })

  test('comes back as it was', async () => {
    const store = await emptyStore()
    const report = await importBorg(store, nodeStorage(repository))
    expect(report).toMatchObject({ contents: contents.length - 2, names: 2, skipped: [] })
    expect(await contentsOf(store)).toEqual(contents)
    expect((await store.check()).findings).toEqual([])
  })
})

describe('an export', () => {
  test('is of the moment of the call, and leaves out what is only being uploaded', async () => {
    const store = await emptyStore()
    const kept = await store.put('kept')
    const bytes = value(LARGE_BYTES, 8)
    const ingest = await store.ingest(sha256(bytes), { size: bytes.length })
    await ingest.write(bytes.subarray(0, LARGE_BYTES - 100_000))
    await ingest[Symbol.asyncDispose]()
    expect((await store.stats()).logBytes).toBeGreaterThan(2_000_000)
    const target = memoryStorage()
    const run = exportBorg(store, target)
    await store.delete(kept)
    expect(await run).toMatchObject({ objects: 1, bytes: 4, skipped: [] })
    const copy = await emptyStore()
    await importBorg(copy, target)
    expect(text(await copy.get(kept))).toBe('kept')
  })

  test('leaves out what is damaged, and names it', async () => {
    const storage = memoryStorage()
    const store = await emptyStore(storage)
    const [good = '', bad = ''] = await store.putMany([value(5000, 1), value(5000, 2)])
    await store.close()
    const file = await storage.open('data/0/0')
    file.write(new Uint8Array([1, 2, 3]), 8 + 105 + 5041 + 1000)
    file.close()
    const target = memoryStorage()
    const report = await exportBorg(await emptyStore(storage), target)
    expect([report.objects, report.skipped.map(({ key }) => key)]).toEqual([1, [bad]])
    const copy = await emptyStore()
    await importBorg(copy, target)
    expect(await copy.hasMany([good, bad])).toEqual([true, false])
  })

  test('into a directory with something in it is FORMAT, and leaves it as it is', async () => {
    const target = await storageOf(new Map([['mine', value(3)]]))
    await fails(async () => exportBorg(await emptyStore(), target), 'FORMAT', 'export')
    expect(await filePaths(target)).toEqual(['mine'])
  })

  test('that is aborted leaves the directory empty', async () => {
    const [target, controller] = [memoryStorage(), new AbortController()]
    const onProgress = ({ done }: { done: number }) => done > 3_000_000 && controller.abort()
    const run = async () => exportBorg(await fullStore(false), target, { signal: controller.signal, onProgress })
    await fails(run, 'ABORTED', 'export')
    expect(await filePaths(target)).toEqual([])
  })
})

/** Every object that a repository has, read by the rules of the log and nothing else. */
function objectsIn(repository: string): Map<string, Buffer> {
  const objects = new Map<string, Buffer>()
  const data = join(repository, 'data')
  const segments = readdirSync(data).flatMap((part) =>
    readdirSync(join(data, part)).map((name) => [part, name] as const),
  )
  for (const [part, name] of segments.sort((a, b) => Number(a[1]) - Number(b[1]))) {
    const bytes = readFileSync(join(data, part, name))
    for (let at = 8; at < bytes.length; at += bytes.readUInt32LE(at + 4)) {
      const object = bytes.subarray(at + 9, at + 41).toString('hex')
      if (bytes[at + 8] === TAG.put) objects.set(object, bytes.subarray(at + 41, at + bytes.readUInt32LE(at + 4)))
      else if (bytes[at + 8] === TAG.delete) objects.delete(object)
    }
  }
  return objects
}

describe('a repository that Borg made', () => {
  const repository = join(home, 'theirs')
  const manifest = '00'.repeat(32)
  let objects: Map<string, Buffer>

  beforeAll(() => {
    const files = join(home, 'files')
    mkdirSync(files)
    for (let i = 0; i < 20; i++) writeFileSync(join(files, `${i}`), value(i * 20_011, i))
    borg(home, 'init', '-e', 'none', repository)
    borg(home, 'create', `${repository}::first`, files)
    writeFileSync(join(files, 'new'), value(1_000_000, 50))
    borg(home, 'create', `${repository}::second`, files)
    borg(home, 'delete', `${repository}::first`)
    borg(home, 'compact', '--threshold', '0', repository)
    borg(home, 'create', `${repository}::third`, files)
    objects = objectsIn(repository)
    expect(indexCount(repository)).toBe(objects.size)
    expect(objects.size).toBeGreaterThan(20)
  })

  test('is taken in object by object, byte for byte; only its list of archives has a key that is reserved, and is named', async () => {
    const before = await directoryOf(repository)
    const store = await emptyStore()
    const report = await importBorg(store, nodeStorage(repository))
    expect(report.skipped.map(({ key }) => key)).toEqual([manifest])
    const expected = [...objects].filter(([name]) => name !== manifest)
    expect(report.contents).toBe(expected.length)
    for (const [name, bytes] of expected)
      expect(Buffer.compare((await store.get(name)) ?? new Uint8Array(), bytes), name).toBe(0)
    expect((await store.check()).findings).toEqual([])
    expect(await directoryOf(repository)).toEqual(before)
  })

  test('can be read whole, the list of archives too', async () => {
    const source = await openBorg(nodeStorage(repository))
    const frozen = await source.freeze()
    const read = new Map<string, Uint8Array>()
    for (const { key, index } of await entriesOf(frozen)) read.set(keyHex(key), await frozen.value(index))
    frozen.release()
    await source.close()
    expect([...read.keys()].sort()).toEqual([...objects.keys()].sort())
    for (const [name, bytes] of objects) expect(Buffer.compare(read.get(name) ?? new Uint8Array(), bytes), name).toBe(0)
    const [any = ''] = objects.keys()
    expect(borgObject(home, repository, any)).toEqual(objects.get(any))
  })

  test('is LOCKED while Borg uses it', async () => {
    mkdirSync(join(repository, 'lock.exclusive'))
    await fails(async () => importBorg(await emptyStore(), nodeStorage(repository)), 'LOCKED', 'import')
    rmSync(join(repository, 'lock.exclusive'), { recursive: true })
  })
})

async function directoryOf(path: string): Promise<string[]> {
  const paths = await filePaths(nodeStorage(path))
  return paths.map((each) => `${each} ${sha256(readFileSync(join(path, each)))}`)
}

const put = (name: string, contents: string) => entry(TAG.put, Buffer.concat([hexBytes(name), Buffer.from(contents)]))
const remove = (name: string) => entry(TAG.delete, hexBytes(name))
const commit = entry(TAG.commit, new Uint8Array())
const CONFIG = `[repository]\nversion = 1\nsegments_per_dir = 2\nmax_segment_size = 524288000\nid = ${'ab'.repeat(32)}\n`

function repositoryOf(segments: Record<string, Buffer[]>, config = CONFIG): Files {
  const files: Files = new Map([['config', new Uint8Array(Buffer.from(config))]])
  for (const [path, parts] of Object.entries(segments)) files.set(path, new Uint8Array(Buffer.concat(parts)))
  return files
}

const borgMagic = Buffer.from('BORG_SEG')
const atticMagic = Buffer.from('ATTICSEG')

async function taken(files: Files) {
  const store = await emptyStore()
  const report = await importBorg(store, await storageOf(files))
  const contents: Record<string, string | undefined> = {}
  for await (const { key } of store.keys()) contents[key] = text(await store.get(key))
  return { contents, report }
}

test('holes, both magics, segments with a COMMIT alone or with nothing, unknown deletes, many puts of one key and stray files', async () => {
  const files = repositoryOf({
    'data/0/1': [atticMagic, put(key(1), 'one'), put(key(2), 'two'), put(key(1), 'one again'), commit],
    'data/1/3': [borgMagic, commit],
    'data/3/6': [],
    'data/3/7': [borgMagic, remove(key(9)), remove(key(2)), put(key(3), '')],
    'data/4/8': [borgMagic, put(key(1), 'one at last'), put(key(4), 'four'), remove(key(4))],
    'data/4/9': [borgMagic, commit],
    'data/4/10.tmp': [borgMagic],
    'data/stray': [Buffer.from('?')],
    'index.9': [Buffer.from('BORG_IDX')],
    'hints.9': [Buffer.from('?')],
    nonce: [Buffer.from('?')],
  })
  const { contents, report } = await taken(files)
  expect(contents).toEqual({ [key(1)]: 'one at last', [key(3)]: '' })
  expect(report.skipped).toEqual([])
})

test('what no COMMIT covers is not taken, and said', async () => {
  const { contents, report } = await taken(
    repositoryOf({
      'data/0/0': [borgMagic, put(key(1), 'one'), commit],
      'data/0/1': [borgMagic, put(key(2), 'two')],
    }),
  )
  expect(contents).toEqual({ [key(1)]: 'one' })
  expect(report.skipped.map(({ message }) => message)).toEqual([expect.stringContaining('which no COMMIT covers')])
})

test('a damaged object is skipped and named, and all others are there', async () => {
  const damaged = put(key(2), 'two')
  damaged[damaged.length - 1] = 0
  const { contents, report } = await taken(
    repositoryOf({
      'data/0/0': [borgMagic, put(key(1), 'one'), damaged, put(key(3), 'three'), commit],
      'data/0/1': [borgMagic, put(key(4), 'four'), commit],
    }),
  )
  expect(Object.values(contents)).toContain('four')
  expect(contents[key(2)]).toBeUndefined()
  expect(contents[key(3)]).toBe('three')
  expect(report.skipped.length).toBeGreaterThan(0)
})

test('a list of chunks that is none is skipped and named', async () => {
  const name = `${'00'.repeat(15)}04${'11'.repeat(16)}`
  const { contents, report } = await taken(repositoryOf({ 'data/0/0': [borgMagic, put(name, 'no list'), commit] }))
  expect([contents, report.skipped.map(({ key }) => key)]).toEqual([{}, [name]])
})

test.each<[string, Files]>([
  ['nothing', new Map()],
  ['something else', new Map([['notes', value(10)]])],
  ['no config', new Map([['data/0/0', value(10)]])],
  ['no data', new Map([['config', new Uint8Array(Buffer.from(CONFIG))]])],
  ['the config of a store', repositoryOf({ 'data/0/0': [borgMagic] }, CONFIG.replace('repository', 'store'))],
  ['version 2', repositoryOf({ 'data/0/0': [borgMagic] }, CONFIG.replace('version = 1', 'version = 2'))],
  ['no id', repositoryOf({ 'data/0/0': [borgMagic] }, CONFIG.replace(/id = .*/, ''))],
  ['segments_per_dir = 0', repositoryOf({ 'data/0/0': [borgMagic] }, CONFIG.replace('dir = 2', 'dir = 0'))],
  ['a config of a megabyte', repositoryOf({ 'data/0/0': [borgMagic] }, CONFIG.padEnd(1_000_000))],
])('a directory with %s is FORMAT', async (what, files) => {
  const store = await emptyStore()
  const directory = await storageOf(files)
  await fails(() => importBorg(store, directory), 'FORMAT', what)
  expect([await contentsOf(store), await filePaths(directory)]).toEqual([[], [...files.keys()].sort()])
})

test('the key of an encrypted repository, which goes over many lines, is passed over', () => {
  const config = `${CONFIG}key = hqlhbGdvcml0aG2mc2hhMjU2\n\tpGRhdGHaAZ5id = 12\n\n[other]\nversion = 5\n`
  expect(decodeBorgConfig(config)).toEqual({
    id: 'ab'.repeat(32),
    segmentsPerDir: 2,
    segmentBytesMax: 524_288_000,
    chunkSizes: CHUNK_SIZES,
  })
})

test('a name whose content is not there, or that is none, is skipped and named', async () => {
  const name = (number: string) => `${'00'.repeat(15)}06${number.repeat(16)}`
  const ref = `\u0003\u0000cat${'x'.repeat(32)}`
  const { report } = await taken(
    repositoryOf({ 'data/0/0': [borgMagic, put(name('11'), ref), put(name('22'), '?'), commit] }),
  )
  expect([report.names, report.skipped.map(({ key }) => key)]).toEqual([0, [name('11'), name('22')]])
  expect(report.skipped[0]?.message).toContain('"cat"')
})
