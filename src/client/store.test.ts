import { createHash, randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import type { Envelope } from '../protocol/bytes.js'
import type { Request, Transport } from '../protocol/messages.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import type { Data, KeyEntry, Store } from '../types.js'
import { serve } from '../worker/host.js'
import { Connection, type ConnectionEvents } from './connection.js'
import { RemoteStore } from './store.js'

const KEY = 'ab'.repeat(32)
const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes)

const ports: MessagePort[] = []
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})

interface Page {
  store: RemoteStore
  connection: Connection
  /** Every message that the page has posted. */
  posted: Envelope<Request>[]
  /** Posts something to the page as if the worker had said it. */
  hear(message: unknown): void
}

/** A page's store on a store in "another thread": all between them goes through a message port. */
async function pageOf(store: Store, events?: ConnectionEvents): Promise<Page> {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  void serve(port1 as Transport, async () => store)
  const posted: Envelope<Request>[] = []
  const transport: Transport = {
    onmessage: null,
    postMessage(message, transfer) {
      port2.postMessage(message, transfer)
      posted.push(message as Envelope<Request>)
    },
  }
  port2.onmessage = (event) => transport.onmessage?.(event)
  const connection = new Connection(transport, events)
  const opened = await connection.call('open', { name: 's', storage: 'memory' })
  posted.length = 0
  const hear = (message: unknown) => transport.onmessage?.({ data: message } as MessageEvent)
  return { store: new RemoteStore(connection, 's', opened), connection, posted, hear }
}

const pageOnEngine = async () => pageOf(await openEngine(memoryStorage(), { name: 's' }))
const pageOn = (methods: Partial<Store>, events?: ConnectionEvents) => pageOf(storeWith(methods), events)

/** A store of which only these methods are called. */
function storeWith(methods: Partial<Store>): Store {
  return { async close() {}, ...methods } as Store
}

const never = () => new Promise<never>(() => {})

describe('on a real engine', () => {
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
    await expect(store.put(new Uint8Array(20_971_480))).rejects.toBeInstanceOf(StoreError)
    await expect(store.put(new Blob([new Uint8Array(20_971_480)]))).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  test('a large putMany is one transaction: all of it, or nothing', async () => {
    const { store, posted } = await pageOnEngine()
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
    await expect(store.putMany([...values(40), new Uint8Array(20_971_480)])).rejects.toMatchObject({
      code: 'TOO_LARGE',
    })
    expect(await store.stats()).toMatchObject({ count: 40, transactions: 1 })
    // The next one works.
    await store.put('next')
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
})

describe('messages', () => {
  test('all calls made in one task leave as one message', async () => {
    const { store, posted } = await pageOnEngine()
    const calls = [...Array(100).keys()].map((i) => store.put(`${i}`))
    const [stats, many] = [store.stats(), store.putMany(['a', 'b'])]
    await Promise.all([...calls, stats, many])
    expect(posted.length).toBe(1)
    expect(posted[0]?.items.length).toBe(102)
    expect(posted[0]?.buffers.length).toBe(1)
  })

  test('puts made together are one transaction', async () => {
    const { store } = await pageOnEngine()
    await Promise.all([store.put('a'), store.put('b'), store.set(KEY, 'c')])
    expect(await store.stats()).toMatchObject({ count: 3, transactions: 1 })
  })

  test('a small putMany is one message', async () => {
    const { store, posted } = await pageOnEngine()
    await store.putMany(Array.from({ length: 1000 }, (_, i) => `${i}`.repeat(100)))
    expect(posted.length).toBe(1)
  })

  test('bytes may be changed right after the call', async () => {
    const { store } = await pageOnEngine()
    const [small, large] = [new Uint8Array(10).fill(1), new Uint8Array(100_000).fill(1)]
    const keys = [store.put(small), store.put(large), store.put(large.buffer)]
    small.fill(2)
    large.fill(2)
    const [first, second, third] = await Promise.all(keys)
    expect(first).toBe(sha256(new Uint8Array(10).fill(1)))
    expect(second).toBe(sha256(new Uint8Array(100_000).fill(1)))
    expect(third).toBe(second)
  })

  test.each([10, 100_000])('with transfer, %i bytes are moved', async (size) => {
    const { store } = await pageOnEngine()
    const [view, buffer] = [new Uint8Array(size).fill(1), new Uint8Array(size).fill(2).buffer]
    const keys = Promise.all([store.put(view, { transfer: true }), store.put(buffer, { transfer: true })])
    expect([view.byteLength, buffer.byteLength]).toEqual([0, 0])
    expect(await keys).toEqual([sha256(new Uint8Array(size).fill(1)), sha256(new Uint8Array(size).fill(2))])
  })

  test('with transfer, a part of a larger buffer is copied, and the rest is left alone', async () => {
    const { store } = await pageOnEngine()
    const whole = new Uint8Array(200_000).fill(1)
    const key = await store.put(whole.subarray(0, 100_000), { transfer: true })
    expect(whole.byteLength).toBe(200_000)
    expect(key).toBe(sha256(whole.slice(0, 100_000)))
  })

  test('bytes that were handed over before reject, instead of being stored as empty, and others beside them do not', async () => {
    const { store } = await pageOnEngine()
    const bytes = new Uint8Array(100)
    const before = store.put(bytes, { transfer: true })
    const again = [store.put(bytes), store.put(bytes.buffer), store.put(bytes, { transfer: true })]
    const beside = store.put('beside')
    for (const call of again) await expect(call).rejects.toThrow(TypeError)
    expect(await before).toBe(sha256(new Uint8Array(100)))
    expect(await beside).toBe(sha256('beside'))
  })

  test.each<[string, unknown, string]>([
    ['a number', 7, 'Number'],
    ['nothing', undefined, 'Undefined'],
    ['null', null, 'Null'],
    ['another view', new Uint16Array(2), 'Uint16Array'],
    ['a DataView', new DataView(new ArrayBuffer(2)), 'DataView'],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), 'SharedArrayBuffer'],
    ['an array', [1, 2], 'Array'],
    ['a function', () => 1, 'Function'],
  ])('data that is %s rejects with a TypeError that says so', async (_name, data, kind) => {
    const { store, posted } = await pageOnEngine()
    for (const call of [
      () => store.put(data as Data),
      () => store.set(KEY, data as Data),
      () => store.putMany([data as Data]),
    ]) {
      let rejection: Promise<unknown> | undefined
      expect(() => {
        rejection = call()
      }).not.toThrow()
      await expect(rejection).rejects.toThrow(TypeError)
      await expect(rejection).rejects.toThrow(kind)
    }
    expect(posted.length).toBe(0)
  })

  test.each([7, null, undefined, {}, () => 1])('a key that cannot travel (%o) is BAD_KEY', async (key) => {
    const { store } = await pageOnEngine()
    await expect(store.get(key as never)).rejects.toMatchObject({ code: 'BAD_KEY' })
    await expect(store.getMany([key as never])).rejects.toMatchObject({ code: 'BAD_KEY' })
  })

  test('an option that cannot be sent rejects its call', async () => {
    const { store } = await pageOnEngine()
    await expect(store.put('x', { durability: (() => 1) as never })).rejects.toMatchObject({ name: 'DataCloneError' })
    expect(await store.put('x')).toBe(sha256('x'))
    await expect(store.put('x', { durability: 'lazy' as never })).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })

  test('a source that gives much too fast is slowed down', async () => {
    let [given, answered, most] = [0, 0, 0]
    const put = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      answered++
      return KEY
    }
    const tx = { put, async commit() {} } as never
    const { store } = await pageOn({ begin: async () => tx })
    async function* values() {
      for (; given < 60; given++) {
        most = Math.max(most, given - answered)
        yield new Uint8Array(2_000_000)
      }
    }
    await store.putMany(values())
    expect(most).toBeGreaterThan(4)
    expect(most).toBeLessThan(20)
  })
})

describe('signals', () => {
  test('aborting a check rejects at once, with the reason, and tells the worker', async () => {
    let stopped = false
    const check: Store['check'] = ({ signal } = {}) => {
      signal?.addEventListener('abort', () => {
        stopped = true
      })
      return never()
    }
    const { store } = await pageOn({ check })
    const controller = new AbortController()
    const checking = store.check({ signal: controller.signal })
    await new Promise((resolve) => setTimeout(resolve, 5))
    const reason = { why: () => 'not cloneable' }
    controller.abort(reason)
    await expect(checking).rejects.toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: reason })
    await vi.waitFor(() => expect(stopped).toBe(true))
  })

  test('a signal that has fired before makes no message', async () => {
    const { store, posted } = await pageOn({})
    const signal = AbortSignal.abort('before')
    await expect(store.compact({ signal })).rejects.toMatchObject({ code: 'ABORTED', cause: 'before' })
    expect(posted.length).toBe(0)
  })

  test('a signal that fires after the answer changes nothing, and no listener is left on it', async () => {
    const { store, posted } = await pageOn({ compact: async () => ({ segments: 0, copiedBytes: 0, freedBytes: 0 }) })
    const controller = new AbortController()
    const removed = vi.spyOn(controller.signal, 'removeEventListener')
    await store.compact({ signal: controller.signal })
    expect(removed).toHaveBeenCalledTimes(1)
    controller.abort()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(posted.length).toBe(1)
  })

  test('an onProgress that throws ends the call with its error', async () => {
    let stopped = false
    const check: Store['check'] = async ({ signal, onProgress } = {}) => {
      signal?.addEventListener('abort', () => {
        stopped = true
      })
      onProgress?.({ done: 1, total: 2 })
      return never()
    }
    const { store } = await pageOn({ check, has: async () => true })
    const mine = new Error('my own')
    const checking = store.check({
      onProgress() {
        throw mine
      },
    })
    await expect(checking).rejects.toBe(mine)
    await vi.waitFor(() => expect(stopped).toBe(true))
    expect(await store.has(KEY)).toBe(true)
  })

  /** Keys without end; `left` tells when the iteration has been ended. */
  function endless() {
    const state = { left: false }
    async function* keys(): AsyncGenerator<KeyEntry> {
      try {
        for (;;) yield { key: KEY, size: 1 }
      } finally {
        state.left = true
      }
    }
    return { state, keys }
  }

  test('leaving the loop over keys ends it in the worker', async () => {
    const { state, keys } = endless()
    const { store } = await pageOn({ keys })
    for await (const entry of store.keys()) {
      expect(entry).toEqual({ key: KEY, size: 1 })
      break
    }
    await vi.waitFor(() => expect(state.left).toBe(true))
  })

  test('a signal ends the loop over keys, on both sides', async () => {
    const { state, keys } = endless()
    const { store } = await pageOn({ keys })
    const controller = new AbortController()
    let seen = 0
    const looping = (async () => {
      for await (const _ of store.keys({ signal: controller.signal })) if (++seen === 10_000) controller.abort('enough')
    })()
    await expect(looping).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    expect(seen).toBe(10_000)
    await vi.waitFor(() => expect(state.left).toBe(true))
  })
})

describe('the end of the other side', () => {
  test('rejects what is pending and every later call, and closing is then done', async () => {
    const ended = vi.fn()
    const { store, connection, posted } = await pageOn({ get: never, check: never }, { ended })
    const pending = [store.get(KEY), store.check()]
    const died = new StoreError('WORKER_DIED', 'it was ended')
    connection.fail(died)
    for (const call of pending) await expect(call).rejects.toBe(died)
    const count = posted.length
    await expect(store.put('x')).rejects.toMatchObject({ code: 'WORKER_DIED' })
    await expect(store.begin()).rejects.toMatchObject({ code: 'WORKER_DIED' })
    await store.close()
    expect(ended).toHaveBeenCalledTimes(1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(posted.length).toBe(count)
  })

  test('while closing, rejects the close: what it should have saved may not be', async () => {
    const { store, connection } = await pageOn({ close: never })
    const closing = store.close()
    connection.fail(new StoreError('WORKER_DIED', 'it was ended'))
    await expect(closing).rejects.toMatchObject({ code: 'WORKER_DIED' })
    await expect(store.get(KEY)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test.each([undefined, null, 'hello', { items: 1 }])(
    'a worker that says %o is not ours: BAD_MESSAGE',
    async (message) => {
      const { store, hear } = await pageOn({ get: never })
      const pending = store.get(KEY)
      hear(message)
      await expect(pending).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
      await expect(store.get(KEY)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
    },
  )

  test('an error about the connection ends it', async () => {
    const { store, connection } = await pageOn({ get: never })
    const pending = store.get(KEY)
    // A request without an id, as a page of another release might send it.
    void connection.call('get', { key: KEY, id: 0 } as never).catch(() => {})
    await expect(pending).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })
})
