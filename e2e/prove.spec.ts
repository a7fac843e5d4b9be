/**
 * `npm run prove` on a small folder: its exit status and what it names. The folder has what real ones have and trip over: names of all kinds,
 * empty and equal files, links, a file so large that it flows. What has to be found is made while the browser is closed.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test as base, expect } from '@playwright/test'

/** By their names. */
const FILES = {
  empty: '',
  one: 'the same',
  'a folder/two': 'the same',
  'a folder/ünïcödé 文': 'text',
  'a folder/deep/er/large': 'large '.repeat(500_000),
  changed: 'as it was when it was stored',
  damaged: 'a marker, to be found in the files of the browser',
}
const FILM_BYTES = 30_000_000

interface Run {
  status: number | null
  output: string
  errors: string
}

const test = base.extend<{ folder: string; prove: (...options: string[]) => Promise<Run> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names out of the pattern.
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'lodestore-'))
    for (const [name, content] of Object.entries(FILES)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), content)
    }
    await writeFile(join(folder, 'a film'), film())
    await symlink('a folder', join(folder, 'link'))
    await use(folder)
    await rm(folder, { recursive: true })
  },
  prove: async ({ browserName }, use) => {
    await use(async (...options) => {
      const args = ['scripts/prove.mjs', '--browser', browserName, ...options]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      const status = new Promise<number | null>((resolve) => child.on('close', resolve))
      const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
      return { status: await status, output, errors }
    })
  },
})

// Each run launches two browsers, and shares the machine.
test.describe.configure({ timeout: 120_000 })

/** Bytes that do not repeat. */
function film(): Uint8Array {
  const words = new Uint32Array(FILM_BYTES / 4)
  let state = 1
  for (let at = 0; at < words.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    words[at] = state ^ (state >>> 15)
  }
  return new Uint8Array(words.buffer)
}

function rowOf(output: string, name: string): string | undefined {
  return output
    .split('\n')
    .find((line) => line.startsWith(`| ${name} `))
    ?.split('|')[2]
    ?.trim()
}

test('a folder comes back as it is, and what was left out is said', async ({ folder, prove }) => {
  const { status, output, errors } = await prove(folder)
  expect(status, errors).toBe(0)
  expect(rowOf(output, 'files')).toBe('8')
  expect(rowOf(output, 'bytes')).toBe('33,000,097')
  expect(rowOf(output, 'unique contents')).toBe('7 (33,000,089 bytes)')
  expect(rowOf(output, 'large files (over 16 MiB)')).toBe('1 (30,000,000 bytes)')
  expect(rowOf(output, 'skipped')).toBe('1 symbolic links, 0 other')
  expect(rowOf(output, 'differences')).toBe('0')
})

test('one file alone is proved as well', async ({ folder, prove }) => {
  const { status, output, errors } = await prove(join(folder, 'a film'))
  expect(status, errors).toBe(0)
  expect(rowOf(output, 'files')).toBe('1')
  expect(rowOf(output, 'bytes')).toBe('30,000,000')
  expect(rowOf(output, 'differences')).toBe('0')
})

test('what differs is named: files changed, a file gone, and a byte changed on the disk', async ({ folder, prove }) => {
  const between = [
    `cd '${folder}' && printf . >> changed && rm one && printf . >> 'a film'`,
    `grep -rl 'a marker' "$profile" | while read -r file; do perl -pi -e 's/a marker/a Marker/' "$file"; done`,
  ]
  const { status, output, errors } = await prove(folder, '--between', between.join(' && '))
  expect(status).toBe(1)
  expect(errors).toContain('DIFFERENT: changed: 28 bytes in the store, 29 in the folder\n')
  expect(errors).toContain('DIFFERENT: one: cannot be read again: ENOENT')
  expect(errors).toMatch(/DIFFERENT: damaged: .*StoreError/)
  expect(errors).toMatch(/DIFFERENT: a film: 30000000 bytes with the SHA-256 \w{64} in the store, \w{64} in the folder/)
  // The check finds the damaged entry too.
  expect(rowOf(output, 'differences')).toBe('5')
})

test('a call that cannot be understood ends with 2 and says how to call it', async ({ folder, prove }) => {
  for (const options of [[], [join(folder, 'nowhere')], [folder, '--unknown'], [folder, folder]]) {
    const { status, errors } = await prove(...options)
    expect(status).toBe(2)
    expect(errors).toContain('usage: npm run prove -- <folder|file>')
  }
})
