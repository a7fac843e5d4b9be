/**
 * `npm run prove` on a small folder: its exit status and what it names. The folder has what real ones have and trip over: names of all kinds,
 * empty and equal files, links, a file too large for a value. What has to be found is made while the browser is closed.
 */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
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
const TOO_LARGE_BYTES = 20_971_480

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
    await writeFile(join(folder, 'too large'), '')
    await truncate(join(folder, 'too large'), TOO_LARGE_BYTES)
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
  expect(rowOf(output, 'files')).toBe('7')
  expect(rowOf(output, 'bytes')).toBe('3,000,097')
  expect(rowOf(output, 'unique blobs')).toBe('6 (3,000,089 bytes)')
  expect(rowOf(output, 'skipped')).toBe('1 symbolic links, 0 other')
  expect(rowOf(output, 'differences')).toBe('0')
  expect(output).toContain('refused: too large: 20,971,480 bytes')
})

test('what differs is named: a file changed, a file gone, and a byte changed on the disk', async ({
  folder,
  prove,
}) => {
  const between = [
    `cd '${folder}' && printf . >> changed && rm one`,
    `grep -rl 'a marker' "$profile" | while read -r file; do perl -pi -e 's/a marker/a Marker/' "$file"; done`,
  ]
  const { status, output, errors } = await prove(folder, '--between', between.join(' && '))
  expect(status).toBe(1)
  expect(errors).toContain('DIFFERENT: changed: 28 bytes in the store, 29 in the folder\n')
  expect(errors).toContain('DIFFERENT: one: cannot be read again: ENOENT')
  expect(errors).toMatch(/DIFFERENT: damaged: .*StoreError/)
  // The check finds the damaged entry too.
  expect(rowOf(output, 'differences')).toBe('4')
})

test('a call that cannot be understood ends with 2 and says how to call it', async ({ folder, prove }) => {
  for (const options of [
    [],
    [join(folder, 'nowhere')],
    [join(folder, 'one')],
    [folder, '--unknown'],
    [folder, folder],
  ]) {
    const { status, errors } = await prove(...options)
    expect(status).toBe(2)
    expect(errors).toContain('usage: npm run prove -- <folder>')
  }
})
