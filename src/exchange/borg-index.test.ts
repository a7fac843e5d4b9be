/** What is lost of a Borg repository without a trace in its log, which only its index can tell. The repository is Borg's own. */

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { nodeStorage } from '../storage/node.js'
import { borg } from '../testing/borg.js'
import { emptyStore, value } from '../testing/exchange.js'
import { exportBorg, importBorg } from './borg.js'

// A call of Borg takes a second.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const home = mkdtempSync(join(tmpdir(), 'lodestore-borg-index-'))
afterAll(() => rmSync(home, { recursive: true }))
const made = join(home, 'made')
const indexOf = (repository: string) =>
  join(repository, readdirSync(repository).find((name) => name.startsWith('index.')) ?? '')
const LIST = '0'.repeat(64)

beforeAll(() => {
  const files = join(home, 'files')
  mkdirSync(files)
  for (const i of [0, 1, 2]) writeFileSync(join(files, `${i}`), value(50_000, i))
  borg(home, 'init', '--encryption', 'none', made)
  for (const name of ['first', 'second']) {
    borg(home, 'create', `${made}::${name}`, files)
    writeFileSync(join(files, name), value(70_000, 9))
  }
  // Segments go, and objects move to others.
  borg(home, 'delete', `${made}::first`)
  borg(home, 'compact', '--threshold', '0', made)
})

/** The keys that an import of a repository takes in, and those that it names, after something was done to it. */
async function imported(change: (repository: string) => void) {
  const repository = join(home, 'changed')
  rmSync(repository, { recursive: true, force: true })
  cpSync(made, repository, { recursive: true })
  change(repository)
  const store = await emptyStore()
  const report = await importBorg(store, nodeStorage(repository, { readOnly: true }))
  const keys: string[] = []
  for await (const { key } of store.keys()) keys.push(key)
  expect(keys.length).toBe(report.contents)
  return { keys, named: report.skipped.map(({ key }) => key) }
}

/** The largest segment: it has the contents of files in it. */
function largest(repository: string): string {
  const directory = join(repository, 'data/0')
  const size = (name: string) => readFileSync(join(directory, name)).length
  return join(directory, readdirSync(directory).sort((a, b) => size(b) - size(a))[0] ?? '')
}

test('of a whole repository nothing is named but the list of archives, deleted and compacted as it is', async () => {
  expect((await imported(() => undefined)).named).toEqual([LIST])
})

test.each<[string, (repository: string) => void]>([
  ['is gone', (repository) => rmSync(largest(repository))],
  ['is empty', (repository) => truncateSync(largest(repository))],
  ['has lost all entries', (repository) => truncateSync(largest(repository), 8)],
])('objects in a segment that %s are named', async (_, damage) => {
  const whole = await imported(() => undefined)
  const { keys, named } = await imported(damage)
  expect(keys.length).toBeLessThan(whole.keys.length)
  expect([...keys, ...named].sort()).toEqual([...whole.keys, LIST].sort())
})

test('objects in a lost segment of a repository that we wrote are named, names as well', async () => {
  const store = await emptyStore()
  const names = await store.putMany(Array.from({ length: 2000 }, (_, i) => `content ${i}`))
  for (const [i, name] of names.entries()) if (i % 4 === 0) await store.refs.set(`name ${i}`, name)
  const target = memoryStorage()
  const { objects } = await exportBorg(store, target)
  expect(objects).toBe(2500)
  await target.remove('data/0/0')
  const copy = await emptyStore()
  const { contents, skipped } = await importBorg(copy, target)
  expect(contents).toBe(0)
  const named = skipped.map(({ key }) => key).filter((key) => key !== undefined)
  expect([named.length, names.filter((name) => !named.includes(name))]).toEqual([2500, []])
})

test.each<[string, (repository: string) => void]>([
  ['is damaged', (repository) => truncateSync(indexOf(repository), 1000)],
  ['is another thing', (repository) => writeFileSync(indexOf(repository), value(5000))],
  ['is older than the log', (repository) => writeFileSync(join(repository, 'data/0/900'), 'BORG_SEG')],
  ['is not there', (repository) => rmSync(indexOf(repository))],
])('an index that %s says nothing', async (_, change) => {
  const { keys } = await imported((repository) => rmSync(largest(repository)))
  const { keys: same, named } = await imported((repository) => {
    rmSync(largest(repository))
    change(repository)
  })
  expect(same.sort()).toEqual(keys.sort())
  expect(named.filter((key) => key !== undefined && key !== LIST)).toEqual([])
})
