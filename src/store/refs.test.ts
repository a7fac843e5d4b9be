/** Names whose entries are damaged while the store is open, after what they hold was counted. On a folder, whose files can be changed then. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { nodeStorage } from '../storage/node.js'
import { type Engine, openEngine } from './engine.js'

const root = mkdtempSync(join(tmpdir(), 'lodestore-refs-'))
afterAll(() => rmSync(root, { recursive: true }))

test.each<[string, (store: Engine, other: string) => Promise<unknown>]>([
  ['deleted', (store) => store.refs.delete('the name')],
  ['set anew', (store, other) => store.refs.set('the name', other)],
])('a damaged name that is %s holds its content no longer', async (change, run) => {
  const folder = join(root, change)
  const store = await openEngine(nodeStorage(folder))
  const [key, other] = [await store.put('content'), await store.put('other')]
  await store.refs.set('the name', key)
  await store.refs.set('another', other)
  await expect(store.delete(key)).rejects.toMatchObject({ code: 'IN_USE' })
  const path = join(folder, 'data/0/0')
  const log = readFileSync(path)
  const at = log.indexOf('the name')
  log[at] = (log[at] ?? 0) ^ 1
  writeFileSync(path, log)
  await expect(store.refs.get('the name')).rejects.toMatchObject({ code: 'CORRUPT' })
  await run(store, other)
  expect(await store.delete(key)).toBe(true)
  expect(await store.gc({ keep: [], grace: 0 })).toMatchObject({ count: 0 })
  await store.close()
})
