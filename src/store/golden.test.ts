/**
 * The golden stores: whole stores as they were written by this format's versions and by the seed. A copy of each is opened on a folder and
 * in memory and has to hold exactly what its .json says. A version that cannot open them has lost somebody's data.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { nodeStorage } from '../storage/node.js'
import type { Storage } from '../storage/storage.js'
import { engineContext, key, keysOf, text } from '../testing/engine-case.js'
import { type Expected, observe, recipes } from '../testing/golden-recipes.js'
import { filePaths, writeFile } from '../testing/observed-storage.js'

const golden = fileURLToPath(new URL('../testing/golden/', import.meta.url))
const names = readdirSync(golden).flatMap((name) => (name.endsWith('.json') ? [name.slice(0, -5)] : []))
const temporary = mkdtempSync(join(tmpdir(), 'lodestore-golden-'))
afterAll(() => rmSync(temporary, { recursive: true }))

function expectedOf(name: string): Expected {
  return JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8'))
}

async function inMemory(name: string): Promise<Storage> {
  const storage = memoryStorage()
  for (const path of await filePaths(nodeStorage(join(golden, name)))) {
    await writeFile(storage, path, readFileSync(join(golden, name, path)))
  }
  return storage
}

let copies = 0
async function onFolder(name: string): Promise<Storage> {
  const copy = join(temporary, `${name}-${copies++}`)
  cpSync(join(golden, name), copy, { recursive: true })
  return nodeStorage(copy)
}

it('every recipe of this version has its golden store', () => {
  expect(names.sort()).toEqual(recipes.map(({ name }) => name).sort())
})

describe.each([
  ['in memory', inMemory],
  ['on a folder', onFolder],
] as const)('%s', (_, copyOf) => {
  it.each(names)('%s opens and holds what it held', async (name) => {
    const { open, reopen, close } = engineContext(await copyOf(name))
    const expected = expectedOf(name)
    const store = await open({ create: false })
    expect(await observe(store)).toEqual(expected)
    expect((await store.check()).findings).toEqual([])
    const again = await reopen()
    expect((await observe(again)).keys).toEqual(expected.keys)
    expect(again.recovery.damaged).toEqual([])
    await close()
  })

  it.each(names)('%s holds the same when its checkpoint is lost', async (name) => {
    const context = engineContext(await copyOf(name))
    for (const path of await context.storage.paths()) {
      if (path.startsWith('index.')) await context.storage.remove(path)
    }
    const store = await context.open({ create: false })
    expect((await observe(store)).keys).toEqual(expectedOf(name).keys)
    expect((await store.check()).findings).toEqual([])
    await context.close()
  })

  it.each(names)('%s takes new writes, a compaction and deletes', async (name) => {
    const { open, reopen, reopenFromLog, close } = engineContext(await copyOf(name))
    const keys = Object.keys(expectedOf(name).keys)
    const store = await open()
    await store.set(key(900), 'new')
    await store.compact({ threshold: 0 })
    expect(await keysOf(await reopen())).toEqual([...keys, key(900)].sort())
    const again = await reopenFromLog()
    for (const ref of Object.keys(expectedOf(name).names ?? {})) expect(await again.refs.delete(ref)).toBe(true)
    expect(await again.deleteMany(keys)).toBe(keys.length)
    await again.compact({ threshold: 0 })
    const last = await reopenFromLog()
    expect(await keysOf(last)).toEqual([key(900)])
    expect(text(await last.get(key(900)))).toBe('new')
    expect((await last.check()).findings).toEqual([])
    await close()
  })
})
