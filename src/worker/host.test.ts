import { afterEach, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import { type Envelope, Packer, sliceOf } from '../protocol/bytes.js'
import { decodeKeys } from '../protocol/key-page.js'
import type { Reply } from '../protocol/messages.js'
import { KEY, opened, RECOVERY, storeWith, transactionWith, Wire } from '../testing/wire.js'
import type { KeyEntry, Progress, Store } from '../types.js'
import type { Served } from './handlers.js'
import { type Open, serve } from './host.js'

afterEach(() => {
  vi.useRealTimers()
})

test('open answers with the id and what recovery found', async () => {
  const wire = new Wire()
  const open = vi.fn<Open>(async () => storeWith({}))
  void serve(wire, open)
  const request = { type: 'open', id: 1, name: 's', storage: 'opfs', create: false, durability: 'relaxed' }
  wire.send(request)
  expect(await wire.answer(1)).toEqual({ type: 'result', id: 1, value: { id: KEY, recovery: RECOVERY } })
  expect(open.mock.calls[0]?.[0]).toEqual(request)
})

test('a failed open says why, and another may be tried', async () => {
  const wire = new Wire()
  const open = vi
    .fn<Open>()
    .mockRejectedValueOnce(new StoreError('LOCKED', 'elsewhere'))
    .mockResolvedValue(storeWith({}))
  void serve(wire, open)
  wire.send({ type: 'open', id: 1, name: 's', storage: 'memory' })
  expect(await wire.answer(1)).toMatchObject({ type: 'error', error: { code: 'LOCKED' } })
  wire.send({ type: 'open', id: 2, name: 's', storage: 'memory' })
  expect(await wire.answer(2)).toMatchObject({ type: 'result' })
  wire.send({ type: 'open', id: 3, name: 's', storage: 'memory' })
  expect(await wire.answer(3)).toMatchObject({ type: 'error', error: { code: 'BAD_MESSAGE' } })
})

test('a store that was opened after the page had given up is closed again', async () => {
  const wire = new Wire()
  const close = vi.fn(async () => {})
  void serve(wire, async (_request, signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    return storeWith({ close })
  })
  wire.send({ type: 'open', id: 1, name: 's', storage: 'memory' })
  wire.send({ type: 'abort', id: 1 })
  expect(await wire.answer(1)).toMatchObject({ type: 'error', error: { code: 'ABORTED' } })
  expect(close).toHaveBeenCalledTimes(1)
})

test('all calls of a message are started in one tick, in their order', async () => {
  const started: string[] = []
  const { wire } = await opened({
    async put() {
      started.push('put')
      return KEY
    },
    async set() {
      started.push('set')
    },
    async get() {
      started.push('get')
      return undefined
    },
    async deleteMany() {
      started.push('deleteMany')
      return 0
    },
  })
  const packer = new Packer()
  const data = packer.copy(new Uint8Array([1]))
  const items = [
    { type: 'put', id: 2, data },
    { type: 'set', id: 3, key: KEY, data },
    { type: 'nonsense', id: 4 },
    { type: 'get', id: 5, key: KEY },
    { type: 'deleteMany', id: 6, keys: [KEY] },
    { type: 'put', id: 7, data: new Blob(['x']) },
  ]
  wire.say({ items, buffers: packer.buffers, slices: packer.slices() })
  expect(started).toEqual(['put', 'set', 'get', 'deleteMany', 'put'])
  await wire.answer(7)
  expect(wire.replies.map(({ id }) => id).sort()).toEqual([2, 3, 4, 5, 6, 7])
})

test('answers that are ready together leave in one message, with small values in a slab behind the first', async () => {
  const { wire } = await opened({
    async get(key) {
      return new Uint8Array(100).fill(Number(String(key).slice(0, 2)))
    },
    async has() {
      return true
    },
  })
  const gets = Array.from({ length: 50 }, (_, i) => ({ type: 'get', id: i + 2, key: `${i + 10}`.repeat(32) }))
  wire.send(...gets, { type: 'has', id: 99, key: KEY })
  await wire.answer(99)
  await wire.answer(51)
  expect(wire.posted.length).toBe(1)
  const [message] = wire.posted as [Envelope<Reply>]
  expect(message.buffers.length).toBe(2)
  const reply = message.items.find(({ id }) => id === 7) as Extract<Reply, { type: 'result' }>
  expect(sliceOf(message, reply.value as number)).toEqual(new Uint8Array(100).fill(15))
})

test('a large value is transferred, not copied', async () => {
  const value = new Uint8Array(1_000_000).fill(3)
  const { wire } = await opened({ get: async () => value })
  wire.send({ type: 'get', id: 2, key: KEY })
  const reply = (await wire.answer(2)) as Extract<Reply, { type: 'result' }>
  expect(value.byteLength).toBe(0)
  expect(sliceOf(wire.posted[0] as Envelope<Reply>, reply.value as number).length).toBe(1_000_000)
})

test('an answer that cannot be posted becomes an error, and takes no other with it: a call is never left without one', async () => {
  const { wire } = await opened({ stats: async () => ({ count: () => 1 }) as never, has: async () => true })
  wire.send({ type: 'stats', id: 2 }, { type: 'has', id: 3, key: KEY })
  expect(await wire.answer(2)).toMatchObject({ error: { name: 'DataCloneError' } })
  expect(await wire.answer(3)).toMatchObject({ value: true })
})

test('calls before open and after close are CLOSED', async () => {
  const wire = new Wire()
  void serve(wire, async () => storeWith({}))
  wire.send({ type: 'get', id: 2, key: KEY })
  expect(await wire.answer(2)).toMatchObject({ error: { code: 'CLOSED' } })
  wire.send({ type: 'open', id: 3, name: 's', storage: 'memory' })
  await wire.answer(3)
  wire.send({ type: 'close', id: 4 }, { type: 'stats', id: 5 }, { type: 'close', id: 6 })
  for (const id of [5, 6]) expect(await wire.answer(id)).toMatchObject({ error: { code: 'CLOSED' } })
  expect(await wire.answer(4)).toMatchObject({ type: 'result' })
})

test('closing rolls back what is open, waits for nothing that waits to begin, and says when the store is closed', async () => {
  const events: string[] = []
  const transaction = transactionWith({ rollback: async () => void events.push('rolled back') })
  const begin = vi.fn<Served['begin']>(() => new Promise(() => {})).mockResolvedValueOnce(transaction)
  const { wire, closed } = await opened({ begin, close: async () => void events.push('closed') })
  wire.send({ type: 'begin', id: 2, tx: 2 }, { type: 'begin', id: 3, tx: 3 })
  await wire.answer(2)
  wire.send({ type: 'close', id: 4 })
  await closed
  expect(events).toEqual(['rolled back', 'closed'])
  expect(await wire.answer(4)).toMatchObject({ type: 'result' })
})

test('a rollback that fails does not keep the store from closing', async () => {
  const close = vi.fn(async () => {})
  const rollback = () => Promise.reject(new StoreError('IO', 'the disk is gone'))
  const { wire } = await opened({ close, begin: async () => transactionWith({ rollback }) })
  wire.send({ type: 'begin', id: 2, tx: 2 })
  await wire.answer(2)
  wire.send({ type: 'close', id: 3 })
  expect(await wire.answer(3)).toMatchObject({ type: 'result' })
  expect(close).toHaveBeenCalledTimes(1)
})

test('a close that fails says so, and the store counts as closed', async () => {
  const { wire, closed } = await opened({ close: () => Promise.reject(new StoreError('QUOTA', 'full')) })
  wire.send({ type: 'close', id: 2 })
  expect(await wire.answer(2)).toMatchObject({ error: { code: 'QUOTA' } })
  await closed
})

test('begin, calls and commit may come in one message', async () => {
  const done: string[] = []
  const tx = transactionWith({
    putMany: async (values) => {
      done.push('putMany')
      return values.map(() => KEY)
    },
    has: async () => {
      done.push('has')
      return true
    },
    commit: async () => void done.push('commit'),
  })
  const { wire } = await opened({ begin: async () => tx })
  wire.send(
    { type: 'begin', id: 2, tx: 2 },
    { type: 'putMany', id: 3, tx: 2, data: [new Blob([]), new Blob([])] },
    { type: 'has', id: 4, tx: 2, key: KEY },
    { type: 'commit', id: 5, tx: 2 },
    { type: 'has', id: 6, tx: 2, key: KEY },
  )
  expect(await wire.answer(6)).toMatchObject({ error: { code: 'TX_CLOSED' } })
  expect(await wire.answer(5)).toMatchObject({ type: 'result' })
  expect(await wire.answer(3)).toMatchObject({ value: { keys: [KEY, KEY] } })
  expect(done.at(-1)).toBe('commit')
  expect(done.length).toBe(3)
})

test('a transaction that could not begin answers its calls with the reason, and its number is free again', async () => {
  const begin = vi.fn<Served['begin']>().mockRejectedValueOnce(new StoreError('IO', 'no'))
  begin.mockResolvedValue(transactionWith({}))
  const { wire } = await opened({ begin })
  wire.send({ type: 'begin', id: 2, tx: 2 }, { type: 'has', id: 3, tx: 2, key: KEY })
  for (const id of [2, 3]) expect(await wire.answer(id)).toMatchObject({ error: { code: 'IO' } })
  wire.send({ type: 'has', id: 4, tx: 2, key: KEY })
  expect(await wire.answer(4)).toMatchObject({ error: { code: 'TX_CLOSED' } })
  wire.send({ type: 'begin', id: 5, tx: 2 }, { type: 'begin', id: 6, tx: 2 })
  expect(await wire.answer(5)).toMatchObject({ type: 'result' })
  expect(await wire.answer(6)).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
})

test('progress is told when it is wanted, at most every 50 ms, and the last of it always', async () => {
  vi.useFakeTimers()
  const check: Store['check'] = async ({ onProgress } = {}) => {
    for (let done = 0; done <= 103; done++) {
      onProgress?.({ done, total: 103 })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return { clean: true, entries: 0, bytes: 0, findings: [] }
  }
  const { wire } = await opened({ check })
  wire.send({ type: 'check', id: 2, progress: true }, { type: 'check', id: 3, progress: false })
  await vi.advanceTimersByTimeAsync(1000)
  await wire.answer(2)
  const told = wire.replies.flatMap((reply): Progress[] => (reply.type === 'progress' ? [reply.progress] : []))
  expect(told.length).toBeGreaterThan(5)
  expect(told.length).toBeLessThan(15)
  expect(told.at(-1)).toEqual({ done: 103, total: 103 })
  expect(wire.replies.filter(({ id }) => id === 3).length).toBe(1)
})

test.each(['check', 'compact'] as const)('an abort reaches a running %s, and no other call', async (type) => {
  const signals: (AbortSignal | undefined)[] = []
  const run = ({ signal }: { signal?: AbortSignal } = {}) => {
    signals.push(signal)
    return new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped'))))
  }
  const { wire } = await opened({ [type]: run })
  wire.send({ type, id: 2, progress: false }, { type, id: 3, progress: false }, { type: 'abort', id: 9 })
  wire.send({ type: 'abort', id: 3 })
  expect(await wire.answer(3)).toMatchObject({ error: { message: 'stopped' } })
  expect(signals.map((signal) => signal?.aborted)).toEqual([false, true])
})

test('keys come in pages, and what is left ends with listEnd', async () => {
  let ended = false
  const { wire } = await opened({
    async *keys() {
      try {
        for (let size = 0; size < 10_000; size++) yield { key: KEY, size }
      } finally {
        ended = true
      }
    },
  })
  wire.send({ type: 'keys', id: 2 })
  expect(await wire.answer(2)).toMatchObject({ value: { cursor: 2 } })
  wire.send({ type: 'keysNext', id: 3, cursor: 2 })
  const reply = (await wire.answer(3)) as Extract<Reply, { type: 'result' }>
  const page = reply.value as { entries: number }
  const entries: KeyEntry[] = [...decodeKeys(sliceOf(wire.posted.at(-1) as Envelope<Reply>, page.entries))]
  expect(entries.length).toBe(4096)
  expect(entries[0]).toEqual({ key: KEY, size: 4096 })
  expect(ended).toBe(false)
  wire.send({ type: 'listEnd', id: 4, cursor: 2 })
  await wire.answer(4)
  expect(ended).toBe(true)
  wire.send({ type: 'keysNext', id: 5, cursor: 2 })
  expect(await wire.answer(5)).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
})

test('a listing that fails gives what came before that, and then its error', async () => {
  const { wire } = await opened({
    async *keys() {
      for (let size = 0; size < 3; size++) yield { key: KEY, size }
      throw new StoreError('CORRUPT', 'the fourth')
    },
  })
  wire.send({ type: 'keys', id: 2 })
  const reply = (await wire.answer(2)) as Extract<Reply, { type: 'result' }>
  const page = reply.value as { entries: number; cursor: number }
  const entries = [...decodeKeys(sliceOf(wire.posted.at(-1) as Envelope<Reply>, page.entries))]
  expect(entries.map(({ size }) => size)).toEqual([0, 1, 2])
  wire.send({ type: 'keysNext', id: 3, cursor: page.cursor })
  expect(await wire.answer(3)).toMatchObject({ error: { code: 'CORRUPT', message: 'the fourth' } })
  wire.send({ type: 'keysNext', id: 4, cursor: page.cursor })
  expect(await wire.answer(4)).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
})

test('a listing that is ended while its next page is read, and fails then, stays ended', async () => {
  let fail: (error: Error) => void = () => undefined
  const { wire } = await opened({
    async *keys() {
      for (let size = 0; size < 4097; size++) yield { key: KEY, size }
      await new Promise((_, reject) => {
        fail = reject
      })
    },
  })
  wire.send({ type: 'keys', id: 2 })
  await wire.answer(2)
  wire.send({ type: 'keysNext', id: 3, cursor: 2 })
  await new Promise((resolve) => setTimeout(resolve))
  wire.send({ type: 'listEnd', id: 4, cursor: 2 })
  fail(new StoreError('CORRUPT', 'late'))
  expect(await wire.answer(3)).toMatchObject({ error: { message: 'late' } })
  wire.send({ type: 'keysNext', id: 5, cursor: 2 })
  expect(await wire.answer(5)).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
})

test('a listing that is aborted before its first page leaves no cursor behind', async () => {
  let ended = false
  const { wire } = await opened({
    async *keys() {
      try {
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve))
          for (let i = 0; i < 1000; i++) yield { key: KEY, size: i }
        }
      } finally {
        ended = true
      }
    },
  })
  wire.send({ type: 'keys', id: 2 }, { type: 'abort', id: 2 })
  expect(await wire.answer(2)).toMatchObject({ error: { code: 'ABORTED' } })
  expect(ended).toBe(true)
})
