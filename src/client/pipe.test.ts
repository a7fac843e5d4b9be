import { describe, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import { KEY, never, type Page, pageOf, pageOn, pageOnEngine, sha256 } from '../testing/page.js'
import type { Source, Store } from '../types.js'

const MIB = 1024 * 1024
const LARGE = new Uint8Array(wholeBytesMax(CHUNK_SIZES) + 3 * MIB + 12_345).map((_, i) => (i * 7) ^ (i >> 9))

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** A thousand pieces, all in one buffer: more than is ever taken. `state` tells how many were taken, and whether the source was told that it is over. */
function manyPieces(size: number) {
  const state = { given: 0, isTold: false }
  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (const piece = new Uint8Array(size); state.given < 1000; state.given++) yield piece
    } finally {
      state.isTold = true
    }
  }
  return { state, pieces: pieces() }
}

/** The types of the calls that a page has made. */
const made = ({ posted }: Page) => posted.flatMap(({ items }) => items.map(({ type }) => type))

describe('every source', () => {
  test.each<[name: string, make: () => Source, bytes: Uint8Array]>([
    ['a large array', () => LARGE, LARGE],
    ['a large Blob', () => new Blob([LARGE]), LARGE],
    ['a stream', () => new Blob([LARGE]).stream(), LARGE],
    ['a response', () => new Response(LARGE), LARGE],
    ['a response without a body', () => new Response(null), new Uint8Array(0)],
    ['an iterable of small pieces', () => inPieces(LARGE, 10_001), LARGE],
    ['an iterable of one large piece', () => inPieces(LARGE, LARGE.length), LARGE],
    ['an iterable of nothing', () => inPieces(new Uint8Array(0), 1), new Uint8Array(0)],
    ['an iterable of few bytes', () => inPieces(LARGE.subarray(0, 100), 7), LARGE.subarray(0, 100)],
  ])('%s comes back as it was, also in a transaction', async (_name, make, bytes) => {
    const { store } = await pageOnEngine()
    const key = await store.transaction((tx) => tx.put(make()))
    expect(key).toBe(sha256(bytes))
    expect(await store.put(make())).toBe(key)
    expect(Buffer.compare((await store.get(key)) as Uint8Array, bytes)).toBe(0)
    expect(await store.stats()).toMatchObject({ count: 1 })
  })

  test('a source may use one buffer for all pieces', async () => {
    const { store } = await pageOnEngine()
    async function* reused() {
      const piece = new Uint8Array(300_000)
      for (let i = 0; i < 30; i++) yield piece.fill(i)
    }
    const whole = new Uint8Array(9_000_000).map((_, i) => Math.floor(i / 300_000))
    expect(await store.put(reused())).toBe(sha256(whole))
  })

  test('a piece that was handed over meanwhile rejects with a TypeError: it is not taken for an empty one', async () => {
    const { store } = await pageOnEngine()
    async function* gone() {
      const piece = new Uint8Array(5)
      yield piece
      structuredClone(piece.buffer, { transfer: [piece.buffer] })
      yield piece
    }
    await expect(store.put(gone())).rejects.toThrow(TypeError)
  })

  test('what is no source rejects with a TypeError that names it, and no message is made', async () => {
    const page = await pageOnEngine()
    for (const source of [7, undefined, {}, [1], new Uint16Array(2)]) {
      await expect(page.store.put(source as never)).rejects.toThrow(TypeError)
    }
    await expect(page.store.put(new Response('', { status: 404 }))).rejects.toThrow('404')
    expect(page.posted.length).toBe(0)
  })
})

describe('back-pressure', () => {
  test('a source is pulled no further than 4 MiB ahead of the store, and not at all when nothing is taken', async () => {
    const { pieces, state } = manyPieces(300_000)
    let take: () => void = () => undefined
    const put = async (source: Source) => {
      for await (const _ of source as AsyncIterable<Uint8Array>) {
        await new Promise<void>((next) => {
          take = next
        })
      }
      return KEY
    }
    const page = await pageOn({ put, has: async () => true })
    page.store.put(pieces).catch(() => undefined)
    const writes = () => made(page).filter((type) => type === 'pipeWrite').length
    /** Whatever can move has moved once so many calls have gone there and back. */
    const wait = async () => {
      for (let i = 0; i < 50; i++) await page.store.has(KEY)
    }
    // Three mebibytes and one piece beyond are not taken yet; the first was, before the store stopped.
    await wait()
    expect([writes(), state.given]).toEqual([12, 11])
    take()
    await wait()
    expect([writes(), state.given]).toEqual([13, 12])
  })

  test('no message has more than 1 MiB of one source', async () => {
    const page = await pageOnEngine()
    await page.store.put(inPieces(LARGE, LARGE.length))
    const sizes = page.posted.flatMap(({ slices }) => [...slices].filter((_, i) => i % 3 === 2))
    expect(Math.max(...sizes)).toBe(MIB)
    expect(sizes.length).toBe(Math.ceil(LARGE.length / MIB))
  })
})

describe('the end of a put', () => {
  const where: [string, (page: Page, source: Source, options?: object) => Promise<unknown>, closed: string][] = [
    ['on the store', ({ store }, source, options) => store.put(source, options), 'CLOSED'],
    [
      'in a transaction',
      ({ store }, source, options) => store.transaction((tx) => tx.put(source, options)),
      'TX_CLOSED',
    ],
  ]

  test.each(where)('%s: the error of the source is the error of the put, and nothing is kept', async (_name, put) => {
    const page = await pageOnEngine()
    const mine = new RangeError('the camera is gone')
    async function* failing() {
      yield* inPieces(LARGE, 700_000)
      throw mine
    }
    await expect(put(page, failing())).rejects.toBe(mine)
    async function* strings() {
      yield 'text' as never
    }
    await expect(put(page, strings())).rejects.toThrow(TypeError)
    expect(await page.store.stats()).toMatchObject({ count: 0, bytes: 0 })
    expect(await page.store.put('next')).toBe(sha256('next'))
  })

  test('in a transaction, a source that failed leaves the rest of it alone', async () => {
    const { store } = await pageOnEngine()
    await store.transaction(async (tx) => {
      async function* failing() {
        yield LARGE
        throw new Error('gone')
      }
      await expect(tx.put(failing())).rejects.toThrow('gone')
      await tx.put('beside')
    })
    expect(await store.stats()).toMatchObject({ count: 1, bytes: 6 })
  })

  test.each(where)(
    '%s: a signal ends it while the source flows; the source is told, nothing is kept',
    async (_name, put) => {
      const page = await pageOnEngine()
      const { pieces, state } = manyPieces(500_000)
      const controller = new AbortController()
      const onProgress = ({ done }: { done: number }) => done > 6 * MIB && controller.abort('enough')
      const options = { signal: controller.signal, onProgress }
      await expect(put(page, pieces, options)).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
      await vi.waitFor(() => expect(state.isTold).toBe(true))
      await vi.waitFor(async () => expect(await page.store.stats()).toMatchObject({ count: 0, bytes: 0 }))
      expect(made(page).at(-1)).not.toBe('pipeEnd')
      expect(await page.store.put('next')).toBe(sha256('next'))
    },
  )

  test('a signal ends it while the source is stuck', async () => {
    const { store } = await pageOnEngine()
    const cancel = vi.fn()
    const stuck = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(LARGE.slice()), cancel })
    const controller = new AbortController()
    const putting = store.put(stuck, { signal: controller.signal, onProgress: () => controller.abort('enough') })
    await expect(putting).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await vi.waitFor(() => expect(cancel).toHaveBeenCalledTimes(1))
  })

  test.each(['a put behind a transaction', 'a put in a transaction, behind another put'])(
    '%s: a signal ends it though its turn never comes; the source is told',
    async (name) => {
      const { store } = await pageOnEngine()
      const tx = await store.begin()
      const stuck = tx.put(new ReadableStream<Uint8Array>()).catch(() => undefined)
      const { pieces, state } = manyPieces(500_000)
      const controller = new AbortController()
      const target = name === 'a put behind a transaction' ? store : tx
      const putting = target.put(pieces, { signal: controller.signal }).catch((error) => error)
      await vi.waitFor(() => expect(state.given).toBeGreaterThan(5))
      // What can be taken has been taken.
      for (let i = 0; i < 50; i++) await store.has(KEY)
      controller.abort('enough')
      expect(await putting).toMatchObject({ code: 'ABORTED', cause: 'enough' })
      await vi.waitFor(() => expect(state.isTold).toBe(true))
      await tx.rollback()
      await stuck
      await vi.waitFor(async () => expect(await store.stats()).toMatchObject({ count: 0, bytes: 0 }))
    },
  )

  test('an error of the store ends it, and the source is told', async () => {
    const put = async (source: Source) => {
      for await (const _ of source as AsyncIterable<Uint8Array>) throw new StoreError('QUOTA', 'full')
      return KEY
    }
    const page = await pageOn({ put })
    const { pieces, state } = manyPieces(500_000)
    await expect(page.store.put(pieces)).rejects.toMatchObject({ code: 'QUOTA' })
    await vi.waitFor(() => expect(state.isTold).toBe(true))
    await vi.waitFor(() => expect(made(page).at(-1)).toBe('pipeFail'))
  })

  test('a store that wants nothing of it is answered with what it says', async () => {
    const { store } = await pageOn({ put: async () => KEY })
    const { pieces, state } = manyPieces(500_000)
    expect(await store.put(pieces)).toBe(KEY)
    await vi.waitFor(() => expect(state.isTold).toBe(true))
  })

  test.each(where)('%s: closing the store ends it, however stuck the source', async (_name, put, code) => {
    const page = await pageOnEngine()
    let isAsked = false
    const stuck = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(LARGE.slice()),
      pull() {
        isAsked = true
        return never()
      },
    })
    const putting = expect(put(page, stuck)).rejects.toMatchObject({ code })
    await vi.waitFor(() => expect(isAsked).toBe(true))
    await page.store.close()
    await putting
  })

  test.each(where)(
    '%s: what the source gives while the store is being closed changes nothing of that',
    async (_name, put, code) => {
      const page = await pageOnEngine()
      let closing: Promise<void> | undefined
      async function* closes() {
        yield LARGE
        closing = page.store.close()
        yield LARGE
      }
      await expect(put(page, closes())).rejects.toMatchObject({ code })
      await closing
    },
  )

  test('closing the store ends a commit that waits for it, and all that waits behind', async () => {
    const { store } = await pageOnEngine()
    const tx = await store.begin()
    const putting = expect(tx.put(new ReadableStream<Uint8Array>())).rejects.toMatchObject({ code: 'TX_CLOSED' })
    const committing = expect(tx.commit()).rejects.toMatchObject({ code: 'TX_CLOSED' })
    const behind = Promise.allSettled([store.begin(), store.transaction(() => undefined), store.put('x')])
    // What can be begun has begun.
    for (let i = 0; i < 50; i++) await store.has(KEY)
    await store.close()
    await Promise.all([putting, committing, behind])
  })

  test('a commit that is made before the close, in the same task, is one', async () => {
    const { store } = await pageOnEngine()
    const tx = await store.begin()
    const calls = [tx.put('x'), tx.put(new Blob(['y'])), tx.commit(), store.close()]
    expect(await Promise.all(calls)).toEqual([sha256('x'), sha256('y'), undefined, undefined])
  })

  test('the death of the worker ends it', async () => {
    const { store, connection } = await pageOn({ put: never })
    const { pieces, state } = manyPieces(500_000)
    const putting = store.put(pieces)
    connection.fail(new StoreError('WORKER_DIED', 'it was ended'))
    await expect(putting).rejects.toMatchObject({ code: 'WORKER_DIED' })
    await vi.waitFor(() => expect(state.isTold).toBe(true))
  })
})

describe('options', () => {
  test('an unexpected content is MISMATCH, whatever it comes as, and nothing of it is kept', async () => {
    const { store } = await pageOnEngine()
    for (const source of [() => 'x', () => LARGE, () => inPieces(LARGE, MIB)]) {
      await expect(store.put(source(), { expected: KEY })).rejects.toMatchObject({ code: 'MISMATCH' })
      await expect(store.put(source(), { expected: '' })).rejects.toMatchObject({ code: 'BAD_KEY' })
      await expect(store.put(source(), { expected: 7 as never })).rejects.toMatchObject({ code: 'BAD_KEY' })
    }
    expect(await store.stats()).toMatchObject({ count: 0, bytes: 0 })
    const key = Uint8Array.from(Buffer.from(sha256(LARGE), 'hex'))
    expect(await store.put(inPieces(LARGE, MIB), { expected: key })).toBe(sha256(LARGE))
  })

  test.each<[string, Source, number, number]>([
    ['a Blob', new Blob([LARGE]), LARGE.length, LARGE.length],
    ['a stream', inPieces(LARGE, 100_000), LARGE.length, Number.POSITIVE_INFINITY],
    ['what is small', 'abc', 3, 3],
  ])('progress of %s ends with all of its bytes', async (_name, source, done, total) => {
    const { store } = await pageOnEngine()
    const told: unknown[] = []
    await store.put(source, { onProgress: (progress) => told.push(progress) })
    expect(told.at(-1)).toEqual({ done, total })
  })

  test('a signal that has fired before makes no message and takes nothing', async () => {
    const page = await pageOnEngine()
    const { pieces, state } = manyPieces(10)
    for (const source of ['x', pieces]) {
      await expect(page.store.put(source, { signal: AbortSignal.abort('before') })).rejects.toMatchObject({
        cause: 'before',
      })
    }
    expect([page.posted.length, state.given]).toEqual([0, 0])
  })

  test.each(['on the store', 'in a transaction'])(
    '%s: the signal reaches the store, whatever the source',
    async (where) => {
      const controller = new AbortController()
      const put: Store['put'] = (_source, { signal } = {}) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(new StoreError('ABORTED', 'there')))
          controller.abort('enough')
        })
      const ended: string[] = []
      const rollback = async () => void ended.push('rolled back')
      const page = await pageOn({
        put: (...call) => put(...call).finally(() => ended.push('put')),
        begin: async () =>
          ({
            put: (...call: Parameters<typeof put>) => put(...call).finally(() => ended.push('put')),
            rollback,
          }) as never,
      })
      const target = where === 'on the store' ? page.store : await page.store.begin()
      const putting = target.put(new Blob(['x']), { signal: controller.signal })
      await expect(putting).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
      await vi.waitFor(() => expect(ended).toEqual(['put']))
    },
  )

  test('a put without signal and progress asks the worker for neither', async () => {
    const page = await pageOnEngine()
    await page.store.put('x')
    expect(page.posted[0]?.items[0]).toMatchObject({ type: 'put', progress: undefined })
  })
})

test('parts of contents, and streams of them', async () => {
  const { store } = await pageOnEngine()
  const key = await store.put(LARGE)
  const part = await store.get(key, { offset: 4_000_000, length: 2_000_000 })
  expect(Buffer.compare(part as Uint8Array, LARGE.subarray(4_000_000, 6_000_000))).toBe(0)
  const read = async (options?: object) =>
    new Uint8Array(await new Response((await store.stream(key, options)) ?? null).arrayBuffer())
  expect(Buffer.compare(await read(), LARGE)).toBe(0)
  expect(
    Buffer.compare(await read({ offset: 1_234_567, length: 3_000_000 }), LARGE.subarray(1_234_567, 4_234_567)),
  ).toBe(0)
  expect([await store.stream(KEY), await store.get(KEY, { offset: 5 })]).toEqual([undefined, undefined])
  for (const range of [{ offset: -1 }, { length: 0.5 }, { offset: '3' as never }, { offset: LARGE.length + 1 }]) {
    await expect(store.get(key, range)).rejects.toMatchObject({ code: 'RANGE' })
    await expect(store.stream(key, range)).rejects.toMatchObject({ code: 'RANGE' })
  }
})

test('a stream fills the buffers that its reader brings, and gives the memory of each piece back for the next', async () => {
  const page = await pageOnEngine()
  const key = await page.store.put(LARGE)
  for (const [size, options] of [
    [100_003, {}],
    [3_000_000, { offset: 12_345 }],
    [LARGE.length + 1, { length: LARGE.length - 12_345 }],
    [1000, { offset: LARGE.length }],
    [1000, { length: 0 }],
  ] as const) {
    page.posted.length = 0
    page.heard.length = 0
    const { offset = 0, length = LARGE.length } = options
    const expected = LARGE.subarray(offset, offset + length)
    const reader = ((await page.store.stream(key, options)) as ReadableStream).getReader({ mode: 'byob' })
    const read = new Uint8Array(expected.length)
    let at = 0
    for (let buffer = new ArrayBuffer(size); ; ) {
      const { done, value } = await reader.read(new Uint8Array(buffer))
      if (done) break
      expect(value.length).toBeGreaterThan(0)
      read.set(value, at)
      at += value.length
      buffer = value.buffer as ArrayBuffer
    }
    expect(at).toBe(expected.length)
    expect(Buffer.compare(read, expected)).toBe(0)
    const sent = new Set(page.posted.flatMap(({ buffers }) => buffers))
    const kept = page.heard.flatMap(({ buffers }) => buffers).filter((buffer) => !sent.has(buffer))
    // The last one.
    expect(kept.length).toBe(1)
  }
})

test('the memory that a stream gives back is its own, however small, and whatever travels beside it', async () => {
  const chunkSizes = { min: 512, average: 1024, max: 4096 }
  const { store } = await pageOf(await openEngine(memoryStorage(), { chunkSizes }))
  const bytes = LARGE.subarray(0, 200_000)
  const key = await store.put(bytes)
  const reader = ((await store.stream(key)) as ReadableStream).getReader({ mode: 'byob' })
  const read: Uint8Array[] = []
  for (let buffer = new ArrayBuffer(5000); ; ) {
    const beside = [store.put(`a${read.length}`), store.put(`b${read.length}`)]
    const reading = reader.read(new Uint8Array(buffer))
    const others = [...beside, store.put(`c${read.length}`)]
    expect(await Promise.all(others)).toEqual(['a', 'b', 'c'].map((name) => sha256(`${name}${read.length}`)))
    const { done, value } = await reading
    if (done) break
    read.push(value.slice())
    buffer = value.buffer as ArrayBuffer
  }
  expect(Buffer.compare(Buffer.concat(read), bytes)).toBe(0)
})

test('a stream that its reader leaves asks for no more, buffers or not', async () => {
  const page = await pageOnEngine()
  const key = await page.store.put(LARGE)
  for (const mode of [undefined, 'byob'] as const) {
    page.posted.length = 0
    const stream = (await page.store.stream(key)) as ReadableStream
    const reader = mode ? stream.getReader({ mode }) : stream.getReader()
    const reading = [...Array(3)].map(() => reader.read(new Uint8Array(1000)))
    await reader.cancel()
    for (const { value } of await Promise.all(reading))
      expect(value?.length ?? 0).toBeLessThanOrEqual(mode ? 1000 : LARGE.length)
    expect(made(page).length).toBeLessThanOrEqual(2)
  }
})

test('where there are no byte streams, a stream is one of pieces', async () => {
  const { store } = await pageOnEngine()
  const key = await store.put(LARGE)
  vi.stubGlobal('ReadableByteStreamController', undefined)
  try {
    const stream = (await store.stream(key, { offset: 1000 })) as ReadableStream
    expect(() => stream.getReader({ mode: 'byob' })).toThrow(TypeError)
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
    expect(Buffer.compare(bytes, LARGE.subarray(1000))).toBe(0)
  } finally {
    vi.unstubAllGlobals()
  }
})

test('a stream asks for a piece when it is read, and ends with its signal and with the store', async () => {
  const page = await pageOnEngine()
  const key = await page.store.put(LARGE)
  const readers = []
  const controller = new AbortController()
  for (const options of [{ signal: controller.signal }, {}]) {
    page.posted.length = 0
    const reader = (await page.store.stream(key, options))?.getReader()
    await reader?.read()
    expect(made(page)).toEqual(['piece'])
    readers.push(reader)
  }
  controller.abort('enough')
  await expect(readers[0]?.read()).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
  await page.store.close()
  await expect(readers[1]?.read()).rejects.toMatchObject({ code: 'CLOSED' })
})

test('sizes beyond 4 GiB are listed as they are', async () => {
  const size = 5 * 2 ** 32 + 3
  const { store } = await pageOn({
    async *keys() {
      yield { key: KEY, size }
    },
  })
  for await (const entry of store.keys()) expect(entry).toEqual({ key: KEY, size })
  expect.assertions(1)
})
