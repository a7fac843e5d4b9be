import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import { KEY, pageOf, pageOnEngine, sha256 } from '../testing/page.js'
import type { Data } from '../types.js'

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes)

test('bytes, buffers, Blobs and strings come back as they were, under their SHA-256', async () => {
  const { store } = await pageOnEngine()
  const large = new Uint8Array(randomBytes(300_000))
  const sources: [Data, Uint8Array][] = [
    [new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3])],
    [new Uint8Array(0), new Uint8Array(0)],
    [large, large],
    [large.slice().buffer, large],
    [large.subarray(5, 9), large.slice(5, 9)],
    [large.subarray(5, 200_009), large.slice(5, 200_009)],
    [new Blob(['a ', large]), new Uint8Array([0x61, 0x20, ...large])],
    [new File(['file'], 'name.txt'), new TextEncoder().encode('file')],
    ['', new Uint8Array(0)],
    ['grüße, 世界 \u{1f30d}', new TextEncoder().encode('grüße, 世界 \u{1f30d}')],
    ['ü'.repeat(100_000), new TextEncoder().encode('ü'.repeat(100_000))],
    [new Uint8Array(new SharedArrayBuffer(3)).fill(9), new Uint8Array([9, 9, 9])],
  ]
  for (const [data, bytes] of sources) {
    const key = await store.put(data)
    expect(key).toBe(sha256(bytes))
    expect(Buffer.compare((await store.get(key)) as Uint8Array, bytes)).toBe(0)
  }
  const keys = await store.putMany(sources.map(([data]) => data))
  expect(keys).toEqual(sources.map(([, bytes]) => sha256(bytes)))
  const values = await store.getMany([...keys, KEY])
  expect(values.pop()).toBe(undefined)
  values.forEach((value, i) => {
    expect(Buffer.compare(value as Uint8Array, sources[i]?.[1] as Uint8Array)).toBe(0)
  })
})

test('every value that comes back has a buffer of its own', async () => {
  const { store } = await pageOnEngine()
  const keys = await store.putMany(['one', 'two', 'x'.repeat(100_000)])
  const values = await store.getMany(keys)
  for (const value of values) expect(value?.buffer.byteLength).toBe(value?.byteLength)
  structuredClone(values[0], { transfer: [values[0]?.buffer as ArrayBuffer] })
  expect(text(values[1])).toBe('two')
})

test('empty values that come back together have buffers of their own, too', async () => {
  const { store } = await pageOnEngine()
  const key = await store.put('')
  const [first, second] = await store.getMany([key, key])
  expect([first?.length, second?.length]).toEqual([0, 0])
  expect(first?.buffer).not.toBe(second?.buffer)
})

test('a content comes as a Blob of the type that was asked for', async () => {
  const { store } = await pageOnEngine()
  const key = await store.put('<svg/>')
  const blob = await store.blob(key, { type: 'image/svg+xml', verify: true })
  expect([blob?.type, await blob?.text()]).toEqual(['image/svg+xml', '<svg/>'])
  expect([(await store.blob(key))?.type, await store.blob(KEY)]).toEqual(['', undefined])
})

test('set, has, delete and their plural forms', async () => {
  const { store } = await pageOnEngine()
  const bytes = new Uint8Array(32).fill(0xab)
  await store.set(KEY, 'one')
  await store.set(bytes, 'two')
  expect(text(await store.get(bytes))).toBe('two')
  expect(await store.has(KEY)).toBe(true)
  expect(await store.hasMany([KEY, 'cd'.repeat(32)])).toEqual([true, false])
  expect(await store.delete(KEY)).toBe(true)
  expect(await store.delete(KEY)).toBe(false)
  const keys = await store.putMany(['a', 'b'])
  expect(await store.deleteMany(new Set([...keys, KEY]))).toBe(2)
  expect(await store.get(KEY)).toBe(undefined)
})

test('name, id and recovery are those of the engine', async () => {
  const engine = await openEngine(memoryStorage())
  const { store } = await pageOf(engine)
  expect(store.name).toBe('s')
  expect(store.id).toBe(engine.id)
  expect(store.recovery).toEqual(engine.recovery)
})

test('all keys are listed, over many pages', async () => {
  const { store } = await pageOnEngine()
  const data = Array.from({ length: 10_000 }, (_, i) => `${i}`)
  const keys = await store.putMany(data)
  const listed = new Map<string, number>()
  for await (const { key, size } of store.keys()) listed.set(key, size)
  expect(listed).toEqual(new Map(keys.map((key, i) => [key, data[i]?.length])))
})

test('a transaction sees its own writes, others do not, and its end decides', async () => {
  const { store } = await pageOnEngine()
  const key = await store.transaction(async (tx) => {
    const key = await tx.put('inside')
    await tx.set(KEY, 'chosen')
    expect(text(await tx.get(key))).toBe('inside')
    expect(await store.get(key)).toBe(undefined)
    expect(await tx.has(KEY)).toBe(true)
    return key
  })
  expect(text(await store.get(key))).toBe('inside')

  const mine = new RangeError('my own')
  const failing = store.transaction(async (tx) => {
    expect(await tx.delete(KEY)).toBe(true)
    throw mine
  })
  await expect(failing).rejects.toBe(mine)
  expect(await store.has(KEY)).toBe(true)
  // It has ended: the next writer gets its turn.
  expect(await store.delete(KEY)).toBe(true)
})

test('after its end every call on a transaction is TX_CLOSED, and disposing of it does nothing', async () => {
  const { store, posted } = await pageOnEngine()
  const tx = await store.begin()
  await tx.put('x')
  await tx.commit()
  posted.length = 0
  const calls = [tx.put('y'), tx.set(KEY, 'y'), tx.get(KEY), tx.has(KEY), tx.delete(KEY), tx.commit(), tx.rollback()]
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'TX_CLOSED' })
  await tx[Symbol.asyncDispose]()
  expect(posted.length).toBe(0)
  expect(await store.has(sha256('x'))).toBe(true)
})

test('disposing of an open transaction rolls it back', async () => {
  const { store } = await pageOnEngine()
  {
    await using tx = await store.begin()
    await tx.put('x')
  }
  expect(await store.has(sha256('x'))).toBe(false)
})

test('a transaction that ends itself inside transaction() is TX_CLOSED at the end, and what it committed stays', async () => {
  const { store } = await pageOnEngine()
  const ending = store.transaction(async (tx) => {
    await tx.put('x')
    await tx.commit()
  })
  await expect(ending).rejects.toMatchObject({ code: 'TX_CLOSED' })
  expect(await store.has(sha256('x'))).toBe(true)
})

test('closing rolls back open transactions, is idempotent, and then every call is CLOSED', async () => {
  const storage = memoryStorage()
  const { store } = await pageOf(await openEngine(storage))
  const tx = await store.begin()
  await tx.put('never')
  const closing = store.close()
  expect(store.close()).toBe(closing)
  await closing
  await store[Symbol.asyncDispose]()
  const calls = [
    store.put('x'),
    store.putMany(['x']),
    store.set(KEY, 'x'),
    store.get(KEY),
    store.blob(KEY),
    store.getMany([KEY]),
    store.has(KEY),
    store.hasMany([KEY]),
    store.delete(KEY),
    store.deleteMany([KEY]),
    store.keys()[Symbol.asyncIterator]().next(),
    store.transaction(() => 1),
    store.begin(),
    store.stats(),
    store.check(),
    store.compact(),
    store.flush(),
    tx.put('x'),
    tx.commit(),
  ]
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'CLOSED' })
  await using again = await openEngine(storage)
  expect(await again.has(sha256('never'))).toBe(false)
})

test('stats, check, compact and flush', async () => {
  const { store } = await pageOnEngine()
  const keys = await store.putMany(
    Array.from({ length: 50 }, (_, i) => `${i}`.repeat(1000)),
    { durability: 'relaxed' },
  )
  await store.flush()
  await store.deleteMany(keys.slice(0, 40))
  expect(await store.stats()).toMatchObject({ count: 10 })
  const progress: number[] = []
  expect(await store.check({ onProgress: ({ done }) => progress.push(done) })).toMatchObject({ clean: true })
  expect(progress.length).toBeGreaterThan(0)
  expect((await store.compact({ threshold: 0 })).freedBytes).toBeGreaterThan(0)
  await expect(store.compact({ threshold: 7 })).rejects.toThrow(TypeError)
})

test('errors of the engine arrive as what they are', async () => {
  const { store } = await pageOnEngine()
  await expect(store.get('xyz')).rejects.toMatchObject({ name: 'StoreError', code: 'BAD_KEY' })
  await expect(store.get(new Uint8Array(31))).rejects.toMatchObject({ code: 'BAD_KEY' })
  await expect(store.set('00'.repeat(32), 'x')).rejects.toMatchObject({ code: 'BAD_KEY' })
  await expect(store.set(KEY, new Uint8Array(20_971_480))).rejects.toBeInstanceOf(StoreError)
  await expect(store.set(KEY, new Blob([new Uint8Array(20_971_480)]))).rejects.toMatchObject({ code: 'TOO_LARGE' })
})
