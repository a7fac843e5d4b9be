/**
 * The command line as functions: what each command prints and how it ends, on stores in a temporary folder. That the command runs as a program is
 * in lodestore.test.ts.
 */

import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeStorage, openEngine } from '../node.js'
import { runCommand as run } from '../testing/cli.js'
import { value } from '../testing/exchange.js'
import { COMMANDS } from './main.js'
import { readable } from './terminal.js'

const folder = mkdtempSync(join(tmpdir(), 'lodestore-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string) => join(folder, name)
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

const store = path('store')
const large = value(6_000_000)

beforeAll(async () => {
  writeFileSync(path('large'), large)
  writeFileSync(path('empty'), '')
  mkdirSync(path('nothing'))
  expect(await run(['put', '--create', store, path('large'), path('empty')])).toMatchObject({ code: 0 })
})

test('put prints a key and a name for each file, and takes stdin when there is none, or for -', async () => {
  const { code, out, error } = await run(['put', store, path('large'), path('empty')])
  expect({ code, out, error }).toEqual({
    code: 0,
    out: `${sha256(large)} ${path('large')}\n${sha256('')} ${path('empty')}\n`,
    error: '',
  })
  expect((await run(['put', store], { stdin: 'in' })).out).toBe(`${sha256('in')} -\n`)
  expect((await run(['put', store, '-', '--json'], { stdin: 'in' })).out).toBe(`{"key":"${sha256('in')}","file":"-"}\n`)
})

test('put of many files is one transaction: a file that is missing leaves none of them', async () => {
  writeFileSync(path('other'), 'other')
  const { code, error } = await run(['put', store, path('other'), path('missing')])
  expect([code, error]).toEqual([1, expect.stringMatching(/^lodestore: ENOENT: .*missing'\n$/)])
  expect((await run(['get', store, sha256('other')])).code).toBe(1)
})

test('ls prints each key with its size', async () => {
  const { out } = await run(['ls', store])
  expect(out.split('\n')).toEqual(expect.arrayContaining([`${sha256(large)} 6000000`, `${sha256('')} 0`]))
  const json = (await run(['ls', '--json', store])).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(json).toContainEqual({ key: sha256(large), size: 6_000_000 })
})

test.each<[string, string[], number, number]>([
  ['all of it', [], 0, 6_000_000],
  ['from an offset on', ['--offset', '5999990'], 5_999_990, 6_000_000],
  ['a part', ['--offset=2000000', '--length=3000000'], 2_000_000, 5_000_000],
  ['nothing', ['--length', '0'], 0, 0],
  ['what there is, when more was asked for', ['--offset', '5999999', '--length', '100'], 5_999_999, 6_000_000],
])('get writes %s to stdout, or to a file', async (_, words, from, to) => {
  const expected = sha256(large.subarray(from, to))
  const { code, bytes } = await run(['get', store, sha256(large), ...words])
  expect([code, bytes.length, sha256(bytes)]).toEqual([0, to - from, expected])
  const file = await run(['get', store, sha256(large), ...words, '-o', path('out')])
  expect([file.code, file.out, sha256(readFileSync(path('out')))]).toEqual([0, '', expected])
})

test('get of a content that turns out damaged leaves no file, and says what to do', async () => {
  const damaged = path('damaged')
  const { out } = await run(['put', '--create', damaged, path('large')])
  const segment = readFileSync(join(damaged, 'data/0/0'))
  segment[5_000_000] = (segment[5_000_000] ?? 0) ^ 1
  writeFileSync(join(damaged, 'data/0/0'), segment)
  const { code, error } = await run(['get', damaged, out.slice(0, 64), '-o', path('half')])
  expect([code, error]).toEqual([1, expect.stringMatching(/^lodestore: CORRUPT: .*\n.*lodestore check STORE\n$/s)])
  expect(readdirSync(folder).filter((name) => name.startsWith('half'))).toEqual([])

  const check = await run(['check', damaged])
  expect([check.code, check.out]).toEqual([1, expect.stringContaining('lodestore repair STORE')])
  const json = JSON.parse((await run(['check', '--json', damaged])).out)
  expect([json.clean, json.findings.length > 0]).toEqual([false, true])
  const repair = await run(['repair', damaged])
  expect([repair.code, repair.out]).toEqual([1, expect.stringContaining('the store is sound')])
  expect((await run(['check', damaged])).code).toBe(0)
  expect((await run(['repair', damaged])).code).toBe(0)
})

test('check and stats of a sound store', async () => {
  expect(await run(['check', store])).toMatchObject({
    code: 0,
    out: expect.stringContaining('0 found wrong'),
    error: '',
  })
  expect(JSON.parse((await run(['check', store, '--json'])).out)).toMatchObject({ clean: true, findings: [] })
  expect((await run(['stats', store])).out).toContain('contents      3, 6.00 MB')
  expect(JSON.parse((await run(['stats', store, '--json'])).out)).toMatchObject({ count: 3, bytes: 6_000_002 })
})

test('what opening has mended is found by check, once', async () => {
  rmSync(join(store, 'README'))
  const { code, out } = await run(['check', store])
  expect([code, out]).toEqual([1, expect.stringContaining('readme: ')])
  expect((await run(['check', store])).code).toBe(0)
})

test.each([
  ['to a file and from it', ['-o', path('all.tar')], [path('all.tar')], '{"bytes"'],
  ['through a pipe', [], ['-'], undefined],
  ['as a Borg repository', ['--format', 'borg', '-o', path('repository')], [path('repository')], '{"objects"'],
])('export and import %s bring everything along', async (name, to, from, printed) => {
  const exported = await run(['export', store, '--json', ...to])
  expect([exported.code, exported.error]).toEqual([0, ''])
  if (printed !== undefined) expect(exported.out.startsWith(printed)).toBe(true)
  const copy = path(`copy ${name}`)
  const imported = await run(['import', '--create', copy, ...from], { stdin: exported.bytes })
  expect([imported.code, imported.out]).toEqual([0, '3 contents (6.00 MB) and 0 names imported, 0 skipped\n'])
  const lines = async (folder: string) => (await run(['ls', folder])).out.split('\n').sort()
  expect(await lines(copy)).toEqual(await lines(store))
  expect(readdirSync(copy)).not.toContain('lodestore-import-scratch')
})

test('a store is taken in from its folder, which stays as it is', async () => {
  const before = readFileSync(join(store, 'data/0/0'))
  const copy = path('from a folder')
  const { code, out } = await run(['import', '--create', copy, store])
  expect([code, out]).toEqual([0, '3 contents (6.00 MB) and 0 names imported, 0 skipped\n'])
  expect(readFileSync(join(store, 'data/0/0')).equals(before)).toBe(true)
  expect((await run(['check', store])).code).toBe(0)
})

test('what an import left that was killed goes with the next one', async () => {
  const copy = path('killed before')
  await (await openEngine(nodeStorage(copy))).close()
  mkdirSync(join(copy, 'lodestore-import-scratch/store/data'), { recursive: true })
  writeFileSync(join(copy, 'lodestore-import-scratch/store/config'), 'half of it')
  const { code, out } = await run(['import', copy, store])
  expect([code, out]).toEqual([0, '3 contents (6.00 MB) and 0 names imported, 0 skipped\n'])
  expect(readdirSync(copy)).not.toContain('lodestore-import-scratch')
})

async function namedStore(): Promise<string> {
  const folder = path(`named ${readdirSync(path('')).length}`)
  const engine = await openEngine(nodeStorage(folder))
  const names = { README: 'read me', 'docs/a.txt': 'a', 'docs/b.txt': 'bb', 'line\nbreak': 'a' }
  for (const [name, bytes] of Object.entries(names)) {
    await engine.refs.set(name, await engine.put(bytes), name === 'README' ? { type: 'text/plain' } : undefined)
  }
  await engine.close()
  return folder
}

test('ls --names prints each name with its key, all or those with a prefix', async () => {
  const folder = await namedStore()
  const line = (name: string, bytes: string) => `${sha256(bytes)} ${name}\n`
  const docs = line('docs/a.txt', 'a') + line('docs/b.txt', 'bb')
  const all = line('README', 'read me') + docs + line('"line\\nbreak"', 'a')
  expect(await run(['ls', folder, '--names'])).toMatchObject({ code: 0, out: all })
  expect((await run(['ls', '--names', folder, 'docs/'])).out).toBe(docs)
  expect((await run(['ls', '--names', folder, 'nothing'])).out).toBe('')
  const json = (await run(['ls', '--names', '--json', folder])).out.split('\n').slice(0, 2)
  expect(json.map((each) => JSON.parse(each))).toEqual([
    { name: 'README', key: sha256('read me'), meta: { type: 'text/plain' } },
    { name: 'docs/a.txt', key: sha256('a') },
  ])
})

test('get --name writes the content of a name', async () => {
  const folder = await namedStore()
  expect(await run(['get', '--name', folder, 'docs/b.txt'])).toMatchObject({ code: 0, out: 'bb' })
  expect((await run(['get', '--name', folder, 'docs/b.txt', '--offset', '1'])).out).toBe('b')
  expect(await run(['get', '--name', folder, 'docs'])).toMatchObject({
    code: 1,
    error: 'lodestore: NOT_FOUND: there is no name docs\n',
  })
})

test('export --format files writes a file for each name, and import --format files takes them in again', async () => {
  const folder = await namedStore()
  const [target, copy] = [path('files'), path('from files')]
  const exported = await run(['export', folder, '--format', 'files', '-o', target])
  expect([exported.code, exported.out]).toEqual([
    1,
    expect.stringMatching(/^skipped: .*; name "line\\nbreak"; key \w+\n3 files \(10 B\) exported, 1 skipped\n$/),
  ])
  expect(readdirSync(target, { recursive: true }).sort()).toEqual(['README', 'docs', 'docs/a.txt', 'docs/b.txt'])
  expect(readFileSync(join(target, 'docs/b.txt'), 'utf8')).toBe('bb')
  symlinkSync(join(target, 'README'), join(target, 'link'))
  const imported = await run(['import', '--create', '--json', copy, target, '--format', 'files'])
  expect([imported.code, JSON.parse(imported.out)]).toEqual([0, { contents: 3, bytes: 10, names: 3, skipped: [] }])
  const listed = (await run(['ls', '--names', copy])).out
  expect(listed).toBe((await run(['ls', '--names', folder])).out.replace(/^.*"line.*\n/m, ''))
})

test('an import that skips something lists it and ends with 1', async () => {
  await run(['export', store, '--format', 'borg', '-o', path('torn')])
  const segment = readFileSync(path('torn/data/0/0'))
  segment[100] = (segment[100] ?? 0) ^ 1
  writeFileSync(path('torn/data/0/0'), segment)
  const { code, out } = await run(['import', '--create', path('from torn'), path('torn')])
  expect([code, out]).toEqual([
    1,
    expect.stringMatching(/^skipped: .*\n\d contents .* names imported, \d+ skipped\n$/s),
  ])
})

test.each<[string, string[], string]>([
  ['a store that is not there', ['ls', path('nowhere')], 'NOT_FOUND: there is no store in'],
  [
    'a key that is none',
    ['get', store, 'abc'],
    'BAD_KEY: a key is 64 lowercase hex digits, not abc; for a name add --name',
  ],
  ['a key that is not there', ['get', store, 'ab'.repeat(32)], 'NOT_FOUND: there is nothing under the key'],
  ['an offset behind the end', ['get', store, sha256(''), '--offset', '1'], 'RANGE: '],
  ['a folder that is no store', ['ls', folder], 'FORMAT: this directory is not empty'],
  ['a file for a store', ['check', path('other')], `FORMAT: ${path('other')} is a file, and a store is a folder`],
  ['an archive that is none', ['import', store, path('other')], 'FORMAT: this is no whole tar archive'],
  [
    'a folder that is no store and no repository',
    ['import', store, path('nothing')],
    'FORMAT: there is no store in it and no repository; to take in plain files add --format files',
  ],
  ['the store itself', ['import', store, store], 'LOCKED: '],
  ['files into a folder with something in it', ['export', store, '--format', 'files', '-o', folder], 'FORMAT: '],
  ['files from a folder that is not there', ['import', store, path('nowhere'), '--format', 'files'], 'ENOENT'],
  ['a repository in a folder with something in it', ['export', store, '--format', 'borg', '-o', folder], 'FORMAT: '],
])('%s ends with 1 and a line without a stack', async (_, words, message) => {
  const { code, out, error } = await run(words)
  expect([code, out, error.startsWith(`lodestore: ${message}`), error.split('\n').length]).toEqual([1, '', true, 2])
  expect(existsSync(path('nowhere'))).toBe(false)
})

test.each<[string, string[]]>([
  ['no command', []],
  ['an unknown command', ['frobnicate', store]],
  ['a name that every object has', ['constructor']],
  ['an operand too few', ['get', store]],
  ['an operand too many', ['stats', store, 'more']],
  ['an unknown option', ['ls', store, '--all']],
  ['a number that is none', ['get', store, sha256(''), '--offset', '1e3']],
  ['a number below zero', ['get', store, sha256(''), '--length=-1']],
  ['an unknown format', ['export', store, '--format', 'zip']],
  ['a repository without a folder', ['export', store, '--format', 'borg']],
  ['files without a folder', ['export', store, '--format', 'files']],
  ['an unknown format to import', ['import', store, path('nothing'), '--format', 'zip']],
  ['a prefix of keys', ['ls', store, 'ab']],
])('%s ends with 2 and says where to look', async (_, words) => {
  const { code, out, error } = await run(words)
  expect([code, out, error]).toEqual([2, '', expect.stringMatching(/--help/)])
})

test('a store that is open elsewhere is LOCKED', async () => {
  const engine = await openEngine(nodeStorage(store))
  expect(await run(['ls', store])).toMatchObject({ code: 1, error: expect.stringContaining('LOCKED') })
  await engine.close()
})

test('an interrupt ends a command with ABORTED, and what it was doing is undone', async () => {
  const controller = new AbortController()
  controller.abort(new Error('interrupted'))
  const { signal } = controller
  for (const words of [
    ['ls', store],
    ['put', store, path('large')],
    ['export', store, '-o', path('no.tar')],
  ]) {
    expect(await run(words, { signal })).toMatchObject({ code: 1, out: '', error: expect.stringContaining('ABORTED') })
  }
  expect(readdirSync(folder).filter((name) => name.startsWith('no.tar'))).toEqual([])
})

test('progress is shown on a terminal alone, and is gone at the end', async () => {
  const shown = (await run(['check', store], { isTTY: true })).error
  expect(shown).toMatch(/checking: \d+% of 6.00 MB/)
  expect(shown.endsWith('\r\x1b[K')).toBe(true)
  expect((await run(['check', store])).error).toBe('')
})

test.each(['--version', '-v'])('%s names the release', async (word) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(await run([word])).toMatchObject({ code: 0, out: `lodestore ${version}\n`, error: '' })
})

test('every command has a help with its options', async () => {
  const overview = await run(['--help'])
  expect(overview.code).toBe(0)
  for (const [name, { options, operands }] of Object.entries(COMMANDS)) {
    expect(overview.out).toContain(`  ${name} `)
    const { code, out } = await run([name, '--help'])
    expect([code, out.startsWith(`Usage: lodestore ${name} ${operands}\n`)]).toEqual([0, true])
    for (const option of Object.keys(options)) expect(out).toContain(`--${option}`)
    expect(out).toContain('Exit codes:')
  }
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.00 kB'],
  [123_456, '123 kB'],
  [1.5e12, '1.50 TB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(readable(bytes)).toBe(text)
})
