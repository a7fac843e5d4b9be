import { expect, test, vi } from 'vitest'
import { KEY, pageOn, pageOnEngine, sha256 } from '../testing/page.js'
import type { Data } from '../types.js'

test('all calls made in one task leave as one message', async () => {
  const { store, posted } = await pageOnEngine()
  const calls = [...Array(100).keys()].map((i) => store.put(`${i}`))
  const [stats, many] = [store.stats(), store.putMany(['a', 'b'])]
  await Promise.all([...calls, stats, many])
  expect(posted.length).toBe(1)
  expect(posted[0]?.items.length).toBe(102)
  expect(posted[0]?.buffers.length).toBe(2)
})

test('puts made together are one transaction', async () => {
  const { store } = await pageOnEngine()
  await Promise.all([store.put('a'), store.put('b'), store.set(KEY, 'c')])
  expect(await store.stats()).toMatchObject({ count: 3, transactions: 1 })
})

test.each([['abc'], [new Blob(['abc'])], [Promise.resolve(['abc'])], [undefined]])(
  'a putMany of %o, which is no list of values, is a TypeError that says so',
  async (values) => {
    const { store } = await pageOnEngine()
    await expect(store.putMany(values as never)).rejects.toThrow(
      /^putMany takes an array.*, not (String|Blob|Promise|undefined)$/,
    )
  },
)

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

test.each([false, true])('memory that can be resized is stored as any other (with transfer: %o)', async (transfer) => {
  const digest = crypto.subtle.digest.bind(crypto.subtle)
  // As browsers do.
  const hashing = vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (algorithm, data) => {
    if ((data as { buffer: { resizable?: boolean } }).buffer.resizable) throw new TypeError('it must not be resizable')
    return await digest(algorithm, data)
  })
  const { store } = await pageOnEngine()
  for (const size of [0, 10, 100_000, 5_000_000]) {
    const options = { maxByteLength: size * 2 }
    const buffer: ArrayBuffer = Reflect.construct(ArrayBuffer, [size, options])
    const view = new Uint8Array(buffer).fill(7)
    const key = sha256(view)
    expect(await store.put(view.slice())).toBe(key)
    expect(await store.put(transfer ? buffer : view, { transfer })).toBe(key)
  }
  expect(hashing).toHaveBeenCalled()
  hashing.mockRestore()
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
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['another view', new Uint16Array(2), 'Uint16Array'],
  ['a DataView', new DataView(new ArrayBuffer(2)), 'DataView'],
  ['a SharedArrayBuffer', new SharedArrayBuffer(2), 'SharedArrayBuffer'],
  ['an array', [1, 2], 'Array'],
  ['a string in an object', Object('text'), 'String'],
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

test('what cannot be sent rejects its own call, and not those that are made beside it', async () => {
  const { store } = await pageOnEngine()
  const calls = [
    store.put('before'),
    store.put(new Uint8Array(100_000)),
    store.put(new Proxy(new Blob(['x']), {})),
    store.refs.get((() => 1) as never),
    store.put('after'),
  ]
  const lost = { name: 'DataCloneError' }
  for (const call of calls.splice(2, 2)) await expect(call).rejects.toMatchObject(lost)
  expect(await Promise.all(calls)).toEqual(['before', new Uint8Array(100_000), 'after'].map(sha256))
})

test('a source that gives much too fast is slowed down', async () => {
  let [given, answered, most] = [0, 0, 0]
  const putMany = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
    answered++
    return [KEY]
  }
  const tx = { putMany, async commit() {} } as never
  const { store } = await pageOn({ begin: async () => tx })
  async function* values() {
    for (; given < 60; given++) {
      most = Math.max(most, given - answered)
      yield new Uint8Array(2_000_000)
    }
  }
  await store.putMany(values())
  expect(most).toBeGreaterThan(2)
  expect(most).toBeLessThan(10)
})

test('bytes packed for a call that was not made are let go', async () => {
  const { store, posted } = await pageOnEngine()
  await expect(store.putMany([new Uint8Array(1_000_000), 7 as never])).rejects.toThrow(TypeError)
  await store.put('x')
  expect(posted.map(({ slices }) => [...slices])).toEqual([[0, 0, 1]])
})
