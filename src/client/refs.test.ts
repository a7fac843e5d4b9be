/** Names and collecting through a page: the same words as on the engine, over messages. */

import { expect, test } from 'vitest'
import { pageOnEngine } from '../testing/page.js'

async function namesOf(refs: { list(options?: { prefix?: string }): AsyncIterable<{ name: string }> }, prefix = '') {
  const names: string[] = []
  for await (const { name } of refs.list({ prefix })) names.push(name)
  return names
}

test('names are set, read, listed and deleted', async () => {
  const { store } = await pageOnEngine()
  const [one = '', two = ''] = await store.putMany(['one', 'two'])
  const meta = { type: 'text/plain', tags: ['a', null] }
  await Promise.all([store.refs.set('a/1', one, meta), store.refs.set('a/2', two), store.refs.set('b', two, null)])
  expect(await store.refs.get('a/1')).toEqual({ name: 'a/1', key: one, meta })
  expect((await store.refs.get('b'))?.meta).toBe(null)
  expect(await store.refs.get('c')).toBeUndefined()
  expect(await namesOf(store.refs)).toEqual(['a/1', 'a/2', 'b'])
  expect(await namesOf(store.refs, 'a/')).toEqual(['a/1', 'a/2'])
  expect([await store.refs.delete('b'), await store.refs.delete('b')]).toEqual([true, false])
})

test('a transaction has names too, and the store sees them after its commit', async () => {
  const { store } = await pageOnEngine()
  await store.transaction(async (tx) => {
    await tx.refs.set('name', await tx.put('content'))
    expect(await store.refs.get('name')).toBeUndefined()
    expect((await tx.refs.get('name'))?.name).toBe('name')
  })
  const tx = await store.begin()
  expect(await tx.refs.delete('name')).toBe(true)
  await tx.rollback()
  expect(await namesOf(store.refs)).toEqual(['name'])
  await expect(tx.refs.get('name')).rejects.toMatchObject({ code: 'TX_CLOSED' })
})

test('a listing of many names comes in pages; left early, it is ended in the worker', async () => {
  const { store, posted } = await pageOnEngine()
  const key = await store.put('content')
  const names = Array.from({ length: 5000 }, (_, i) => `name ${String(i).padStart(4, '0')}`)
  await store.transaction(async (tx) => {
    await Promise.all(names.map((name) => tx.refs.set(name, key)))
  })
  expect(await namesOf(store.refs)).toEqual(names)
  for await (const _ of store.refs.list()) break
  await store.stats()
  const ended = posted.flatMap(({ items }) => items).filter(({ type }) => type === 'listEnd')
  expect(ended.length).toBe(1)
})

test('what is refused has its code; a meta that JSON cannot say is a TypeError', async () => {
  const { store } = await pageOnEngine()
  const key = await store.put('content')
  await expect(store.refs.set('', key)).rejects.toMatchObject({ code: 'BAD_NAME' })
  await expect(store.refs.set('name', 'f'.repeat(64))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(store.refs.set('name', key, () => 1)).rejects.toBeInstanceOf(TypeError)
  const thumb = store.put('thumbnail')
  await expect(store.refs.set('name', key, { thumb })).rejects.toThrow('a Promise')
  await expect(store.refs.set('name', key, { thumb: new Blob(['x']) })).rejects.toThrow('a Blob')
  await thumb
  await store.refs.set('name', key)
  await expect(store.delete(key)).rejects.toMatchObject({ code: 'IN_USE' })
})

test('gc collects what has no name, and tells of progress', async () => {
  const { store } = await pageOnEngine()
  const [named = '', kept = ''] = await store.putMany(['named', 'kept', 'neither'])
  await expect(store.gc()).rejects.toBeInstanceOf(TypeError)
  await store.refs.set('name', named)
  expect(await store.gc({ dryRun: true, keep: [kept], grace: 0 })).toEqual({ count: 1, bytes: 7 })
  const told: number[] = []
  const onProgress = ({ done }: { done: number }) => told.push(done)
  expect(await store.gc({ keep: [kept], grace: 0, onProgress })).toEqual({ count: 1, bytes: 7 })
  expect(told.at(-1)).toBe(1)
  expect(await store.hasMany([named, kept])).toEqual([true, true])
})
