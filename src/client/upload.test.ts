/** `putMany` from a page: its pieces, their memory, its order, and everything that can end it on its way. */

import { randomBytes } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import { never, pageOf, pageOn, pageOnEngine, sha256 } from '../testing/page.js'
import type { Data } from '../types.js'

test('a large putMany is one transaction: all of it, or nothing', async () => {
  const engine = await openEngine(memoryStorage())
  const begin = engine.begin.bind(engine)
  engine.begin = async (options) => {
    const tx = await begin(options)
    const putMany = tx.putMany.bind(tx)
    tx.putMany = async (values) => {
      if (values.some((value) => value instanceof Blob)) throw new StoreError('QUOTA', 'no room')
      return await putMany(values)
    }
    return tx
  }
  const { store, posted } = await pageOf(engine)
  function* values(count: number) {
    const scratch = new Uint8Array(1_000_000)
    for (let i = 0; i < count; i++) yield scratch.fill(i)
  }
  const keys = await store.putMany(values(40))
  expect(keys).toEqual([...Array(40).keys()].map((i) => sha256(new Uint8Array(1_000_000).fill(i))))
  expect(posted.length).toBeGreaterThan(2)
  expect(await store.stats()).toMatchObject({ count: 40, transactions: 1 })

  const mine = new Error('my own')
  async function* failing() {
    yield 'first'
    yield new Uint8Array(1_000_000)
    throw mine
  }
  await expect(store.putMany(failing())).rejects.toBe(mine)
  await expect(store.putMany([...values(40), new Blob([])])).rejects.toMatchObject({ code: 'QUOTA' })
  expect(await store.stats()).toMatchObject({ count: 40, transactions: 1 })
  // The next one works.
  await store.put('next')
})

test('a large putMany fills the same memory again and again', async () => {
  const { store, posted, heard } = await pageOnEngine()
  const values = Array.from({ length: 60 }, (_, i) => new Uint8Array(1_000_000).fill(i))
  expect(await store.putMany(values)).toEqual(values.map((value) => sha256(value)))
  const givenBack = new Set(heard.flatMap(({ buffers }) => buffers))
  const slabs = posted.flatMap(({ items, buffers, slices }) =>
    items.flatMap((item) => ('slab' in item && item.slab !== undefined ? buffers[slices[item.slab * 3] ?? -1] : [])),
  )
  expect(slabs.length).toBe(16)
  expect(slabs.filter((slab) => slab && !givenBack.has(slab)).length).toBeLessThanOrEqual(3)
})

test('the first pieces of a long list are small, and what fits in one piece is one call', async () => {
  const { store, posted } = await pageOnEngine()
  const counts = (from: number) =>
    posted
      .slice(from)
      .flatMap(({ items }) => items.flatMap((item) => (item.type === 'putMany' ? [item.data.length] : [])))
  await store.putMany(Array.from({ length: 12 }, (_, i) => new Uint8Array(900_000).fill(i)))
  expect(counts(0)).toEqual([1, 2, 4, 4, 1])
  const before = posted.length
  await store.putMany(Array.from({ length: 4 }, (_, i) => new Uint8Array(900_000).fill(i)))
  expect(counts(before)).toEqual([4])
})

test('a piece is on its way before the next one is packed', async () => {
  const { store, posted } = await pageOnEngine()
  const before = posted.length
  const seen: number[] = []
  function* values() {
    for (let i = 0; i < 12; i++) {
      seen.push(posted.length - before)
      yield new Uint8Array(900_000).fill(i)
    }
  }
  await store.putMany(values())
  // The fifth does not fit into the first piece, and the ninth not into the second.
  expect(seen.slice(0, 10)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 2])
})

test('in a large putMany every value is stored, whether it fits into a piece or not', async () => {
  const { store } = await pageOnEngine()
  const sizes = [0, 1, 5_000_000, 20_000, 4_194_304 - 256, 4_194_304, 3, 2_000_000, 2_000_000, 300_000]
  const values: (Uint8Array<ArrayBuffer> | string | Blob)[] = sizes.map((size) => new Uint8Array(randomBytes(size)))
  // Counted by their units, of which each is three bytes here.
  values.push(
    '世'.repeat(3_000_000),
    '世'.repeat(4000),
    '世'.repeat(1_300_000),
    '世'.repeat(1_400_000),
    new Blob(['blob']),
  )
  const keys = await store.putMany([...values, ...values])
  const bytes = await Promise.all(values.map(async (value) => new Uint8Array(await new Blob([value]).arrayBuffer())))
  expect(keys).toEqual([...bytes, ...bytes].map((value) => sha256(value)))
})

test('what is called while the values of a putMany are taken travels apart from them', async () => {
  const { store } = await pageOnEngine()
  const others: Promise<string>[] = []
  function* values() {
    for (let i = 0; i < 30; i++) {
      others.push(store.put(`beside ${i}`), store.put(new Uint8Array(100_000).fill(i)))
      yield new Uint8Array(900_000).fill(i)
    }
  }
  await store.putMany(values())
  const expected = [...Array(30).keys()].flatMap((i) => [`beside ${i}`, new Uint8Array(100_000).fill(i)])
  expect(await Promise.all(others)).toEqual(expected.map(sha256))
})

test('putMany of an asynchronous source keeps the order', async () => {
  const { store } = await pageOnEngine()
  async function* values() {
    for (let i = 0; i < 300; i++) yield i % 2 ? `${i}` : new Blob([`${i}`])
  }
  expect(await store.putMany(values())).toEqual([...Array(300).keys()].map((i) => sha256(`${i}`)))
  expect(await store.putMany((async function* () {})())).toEqual([])
  expect(await store.putMany([])).toEqual([])
})

test('putMany of a source without an end takes no more when the store refuses a value', async () => {
  const { store } = await pageOnEngine()
  let taken = 0
  async function* source(): AsyncGenerator<Data> {
    for (; taken < 500; taken++) {
      // As one that reads: between two values there are answers.
      await new Promise((resolve) => setImmediate(resolve))
      yield taken === 3 ? new Blob([new Uint8Array(5)]) : `value ${taken}`
    }
    throw new Error('the source was taken to its end')
  }
  const blob = vi.spyOn(Blob.prototype, 'arrayBuffer').mockRejectedValue(new Error('the file cannot be read'))
  await expect(store.putMany(source())).rejects.toThrow('the file cannot be read')
  blob.mockRestore()
  expect((await store.stats()).count).toBe(0)
})

describe('what ends a putMany on its way', () => {
  const MIB = new Uint8Array(1024 * 1024)
  /** Calls `stop` before its value of this number, of 30. */
  function* stopping(stop: () => void) {
    for (let i = 0; i < 30; i++) {
      if (i === 20) stop()
      yield MIB.fill(i)
    }
  }
  async function* later(values: Iterable<Uint8Array<ArrayBuffer>>) {
    yield* values
  }
  async function* stuck(stop: () => void) {
    yield MIB
    stop()
    await never()
  }
  test.each([
    ['an array', stopping],
    ['a source', (stop: () => void) => later(stopping(stop))],
    ['a source that gives nothing more', stuck],
  ])('of %s: its signal, a close, the death of the worker', async (_name, make) => {
    const { store } = await pageOnEngine()
    const controller = new AbortController()
    const aborted = store.putMany(
      make(() => controller.abort('enough')),
      { signal: controller.signal },
    )
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    expect(await store.stats()).toMatchObject({ count: 0, bytes: 0 })
    await expect(store.putMany(make(() => void store.close()))).rejects.toMatchObject({ code: 'CLOSED' })
    await store.close()
    const other = await pageOnEngine()
    const died = other.store.putMany(make(() => other.connection.fail(new StoreError('WORKER_DIED', 'it was ended'))))
    await expect(died).rejects.toMatchObject({ code: 'WORKER_DIED' })
  })

  test('of a few values: what the store says, also while it is being closed', async () => {
    const { store } = await pageOnEngine()
    const blob = vi.spyOn(Blob.prototype, 'arrayBuffer').mockRejectedValue(new Error('the file cannot be read'))
    const putting = expect(store.putMany([new Blob(['x'])])).rejects.toMatchObject({ code: 'IO' })
    await store.close()
    await putting
    blob.mockRestore()
  })

  test('of a few values: the death of the worker while the store is being closed, for they may have been committed', async () => {
    const { store, connection } = await pageOn({ putMany: never })
    const putting = expect(store.putMany(['a', 'b'])).rejects.toMatchObject({ code: 'WORKER_DIED' })
    const closing = expect(store.close()).rejects.toMatchObject({ code: 'WORKER_DIED' })
    connection.fail(new StoreError('WORKER_DIED', 'it was ended'))
    await Promise.all([putting, closing])
  })

  test.each<[string, () => Iterable<Data> | AsyncIterable<Data>]>([
    ['a few values', () => ['a', 'b']],
    ['an array', () => [...stopping(() => undefined)]],
    ['a source', () => later(stopping(() => undefined))],
    ['a source of few values', () => later([MIB])],
  ])('of %s: its signal, though its turn never comes', async (_name, make) => {
    const { store } = await pageOnEngine()
    const tx = await store.begin()
    const controller = new AbortController()
    const putting = store.putMany(make(), { signal: controller.signal }).catch((error) => error)
    // What can be sent has been sent.
    for (let i = 0; i < 50; i++) await store.has(sha256('a'))
    controller.abort('enough')
    expect(await putting).toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await tx.rollback()
    // In its order: what was aborted has had its turn.
    await store.put('next')
    expect(await store.stats()).toMatchObject({ count: 1 })
  })

  test('of a source that gives nothing more: what the store refuses, and the store is free again', async () => {
    const { store } = await pageOnEngine()
    const blob = vi.spyOn(Blob.prototype, 'arrayBuffer').mockRejectedValue(new Error('the file cannot be read'))
    async function* refused() {
      yield new Blob(['x'])
      await never()
    }
    await expect(store.putMany(refused())).rejects.toThrow('the file cannot be read')
    blob.mockRestore()
    expect(await store.put('next')).toBe(sha256('next'))
  })

  test.each([1, 30])('of %i values: an option that is none, with the same error', async (count) => {
    const { store } = await pageOnEngine()
    const putting = store.putMany(Array(count).fill(MIB), { durability: 'lazy' as never })
    await expect(putting).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })

  test('of a few values: its signal reaches the store', async () => {
    const controller = new AbortController()
    let signal: AbortSignal | undefined
    const { store } = await pageOn({
      putMany: (_data, options) => {
        signal = options?.signal
        controller.abort('enough')
        return never()
      },
    })
    const putting = store.putMany(['a', 'b'], { signal: controller.signal })
    await expect(putting).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await vi.waitFor(() => expect(signal?.aborted).toBe(true))
  })
})
