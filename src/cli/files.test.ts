/** The command line and the files around a store: those it writes, those it is given, and those it has to leave alone. */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../testing/cli.js'

const folder = mkdtempSync(join(tmpdir(), 'lodestore-cli-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string) => join(folder, name)
const store = path('store')
const key = createHash('sha256').update('content').digest('hex')
const isWindows = process.platform === 'win32'

const run = (...words: string[]) => runCommand(words, { stdin: 'content' })

beforeAll(async () => {
  expect(await run('put', '--create', store)).toMatchObject({ code: 0 })
})

test.skipIf(isWindows)('-o writes to a pipe or a device, and leaves it one', async () => {
  expect(spawnSync('mkfifo', [path('pipe')]).status).toBe(0)
  const read = readFile(path('pipe'), 'utf8')
  expect(await run('get', store, key, '-o', path('pipe'))).toMatchObject({ code: 0, error: '' })
  expect([await read, lstatSync(path('pipe')).isFIFO()]).toEqual(['content', true])
})

test.skipIf(isWindows)('-o of a link replaces the file that it leads to', async () => {
  mkdirSync(path('elsewhere'))
  writeFileSync(path('elsewhere/file'), 'before')
  symlinkSync(path('elsewhere/file'), path('link'))
  expect(await run('get', store, key, '-o', path('link'))).toMatchObject({ code: 0 })
  expect(lstatSync(path('link')).isSymbolicLink()).toBe(true)
  expect([readFileSync(path('link'), 'utf8'), readdirSync(path('elsewhere'))]).toEqual(['content', ['file']])
})

test('-o touches no other file, whatever its name', async () => {
  writeFileSync(path('out.part'), 'mine')
  expect(await run('get', store, key, '-o', path('out'))).toMatchObject({ code: 0 })
  expect(await run('get', store, 'ab'.repeat(32), '-o', path('none'))).toMatchObject({ code: 1 })
  expect(await run('export', store, '-o', path('out'))).toMatchObject({ code: 0 })
  expect(readFileSync(path('out.part'), 'utf8')).toBe('mine')
  expect(
    readdirSync(folder)
      .filter((name) => /^(out|none)/.test(name))
      .sort(),
  ).toEqual(['out', 'out.part'])
})

test.each([
  ['a folder', 'directory', 'EISDIR'],
  ['in a folder that is not there', 'nowhere/out', 'ENOENT'],
])('-o of %s is told, and the store can be opened again', async (_, name, message) => {
  mkdirSync(path('directory'), { recursive: true })
  for (const words of [
    ['get', store, key],
    ['export', store],
  ]) {
    const { code, error } = await run(...words, '-o', path(name))
    expect([code, error.startsWith(`lodestore: ${message}`), error.split('\n').length]).toEqual([1, true, 2])
  }
  expect(readdirSync(path('directory'))).toEqual([])
  expect(existsSync(path('nowhere'))).toBe(false)
  expect(await run('check', store)).toMatchObject({ code: 0 })
})

test('export says how much went into the file, and nothing else than the archive goes to stdout', async () => {
  const { out } = await run('export', store, '-o', path('all.tar'), '--json')
  expect(JSON.parse(out)).toEqual({ bytes: readFileSync(path('all.tar')).length })
  expect((await run('export', store, '--json')).out).toBe(readFileSync(path('all.tar'), 'utf8'))
})

// Elsewhere a name is always text.
test.skipIf(process.platform !== 'linux')(
  'files and folders that cannot be opened are named, and the others are taken in',
  async () => {
    mkdirSync(path('awkward'))
    writeFileSync(path('awkward/good'), 'good')
    const bad = Buffer.concat([Buffer.from(path('awkward/')), Buffer.from([0x62, 0xff])])
    writeFileSync(bad, 'of no name')
    mkdirSync(Buffer.concat([bad, Buffer.from('d')]))
    const { code, out } = await run('import', '--create', '--json', path('taken'), path('awkward'), '--format', 'files')
    const skipped = ['b\ufffd', 'b\ufffdd'].map((file) => ({
      file,
      message: expect.stringMatching(/^it cannot be read: /),
    }))
    expect([code, JSON.parse(out)]).toEqual([1, { contents: 1, bytes: 4, names: 1, skipped }])
    expect((await run('ls', '--names', path('taken'))).out).toMatch(/ good\n$/)
  },
)
