import { afterEach, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import { CONNECTION_ID, type Transport } from '../protocol/messages.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import { type Open, serve } from '../worker/host.js'
import * as lodestore from './index.js'

const { deleteStore, listStores, openStore } = lodestore

/** As much of a Worker as the page's side uses, with a host in it; ending it is a silent death for who waits. */
class WorkerDouble {
  onmessage: Transport['onmessage'] = null
  onerror: ((event: { message?: string }) => void) | null = null
  onmessageerror: (() => void) | null = null
  readonly inside: Transport = { onmessage: null, postMessage: (message) => this.#later(() => this.#hear(message)) }
  terminated = 0

  constructor(open: Open) {
    void serve(this.inside, open)
  }

  postMessage(message: unknown): void {
    this.#later(() => this.inside.onmessage?.({ data: message } as MessageEvent))
  }

  terminate(): void {
    this.terminated++
  }

  /** Says something besides what the host says. */
  say(item: object): void {
    this.inside.postMessage({ items: [item], buffers: [], slices: new Float64Array(0) }, [])
  }

  #hear(message: unknown): void {
    this.onmessage?.({ data: message } as MessageEvent)
  }

  #later(run: () => void): void {
    setTimeout(() => this.terminated || run())
  }
}

const onMemory: Open = () => openEngine(memoryStorage())
const waiting: Open = () => new Promise(() => {})

/** Options that make the double instead of a worker. */
function withDouble(open: Open) {
  const double = new WorkerDouble(open)
  return { double, options: { storage: 'memory' as const, worker: () => double as unknown as Worker } }
}

afterEach(() => {
  vi.unstubAllGlobals()
})

test('a store is opened with the options given, works, and ends its worker when it is closed', async () => {
  const open = vi.fn<Open>(onMemory)
  const { double, options } = withDouble(open)
  const store = await openStore('photos', { ...options, create: true, maxSegmentSize: 5000, durability: 'relaxed' })
  const asked = { name: 'photos', storage: 'memory', create: true, maxSegmentSize: 5000, durability: 'relaxed' }
  expect(open.mock.calls[0]?.[0]).toMatchObject(asked)
  expect(store.name).toBe('photos')
  const key = await store.put('hello')
  expect(new TextDecoder().decode(await store.get(key))).toBe('hello')
  expect(double.terminated).toBe(0)
  await store.close()
  expect(double.terminated).toBe(1)
})

test('the storage is OPFS unless told, and a page without IndexedDB opens it all the same', async () => {
  const open = vi.fn<Open>(onMemory)
  const { options } = withDouble(open)
  const store = await openStore('photos', { worker: options.worker })
  expect(open.mock.calls[0]?.[0].storage).toBe('opfs')
  expect(await store.has('ab'.repeat(32))).toBe(false)
})

test.each(['', '.', '..', 'a/b', 'x'.repeat(129)])(
  'the name %j is BAD_NAME, and no worker is made for it',
  async (name) => {
    const worker = vi.fn()
    await expect(openStore(name, { worker })).rejects.toMatchObject({ code: 'BAD_NAME' })
    await expect(deleteStore(name)).rejects.toMatchObject({ code: 'BAD_NAME' })
    expect(worker).not.toHaveBeenCalled()
  },
)

test('where there is no Worker, UNSUPPORTED says so', async () => {
  await expect(openStore('s')).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringMatching(/Worker/) })
})

test.each([
  ['there is no file system', {}],
  [
    'the window is private',
    { storage: { getDirectory: () => Promise.reject(new DOMException('no', 'SecurityError')) } },
  ],
])('where %s, listing and deleting are UNSUPPORTED with the reason', async (_name, navigator) => {
  vi.stubGlobal('navigator', navigator)
  const unsupported = { code: 'UNSUPPORTED', message: expect.stringMatching(/private file system.*Error/) }
  await expect(listStores()).rejects.toMatchObject(unsupported)
  await expect(deleteStore('s')).rejects.toMatchObject(unsupported)
})

test('a store that cannot be opened ends its worker', async () => {
  const { double, options } = withDouble(() => Promise.reject(new StoreError('LOCKED', 'open elsewhere')))
  await expect(openStore('s', options)).rejects.toMatchObject({ code: 'LOCKED' })
  expect(double.terminated).toBe(1)
})

test('a signal ends the opening and the worker', async () => {
  const { double, options } = withDouble(waiting)
  const controller = new AbortController()
  const opening = openStore('s', { ...options, signal: controller.signal })
  controller.abort('enough')
  await expect(opening).rejects.toMatchObject({ code: 'ABORTED', name: 'AbortError', cause: 'enough' })
  expect(double.terminated).toBe(1)
})

test('persist asks the browser, and does not wait for what the user says', async () => {
  const persist = vi.fn(() => new Promise(() => {}))
  vi.stubGlobal('navigator', { storage: { persist } })
  await openStore('s', { ...withDouble(onMemory).options, persist: true })
  await openStore('s', withDouble(onMemory).options)
  expect(persist).toHaveBeenCalledTimes(1)
})

test.each<[string, (double: WorkerDouble) => void, RegExp]>([
  ['a script that could not be loaded', (double) => double.onerror?.({}), /could not be loaded.*"Bundlers".*"worker"/],
  ['an uncaught error', (double) => double.onerror?.({ message: 'out of memory' }), /out of memory/],
  ['a message that could not be read', (double) => double.onmessageerror?.(), /could not be read/],
])('%s rejects everything with WORKER_DIED', async (_name, happen, message) => {
  const { double, options } = withDouble(waiting)
  const opening = openStore('s', options)
  happen(double)
  await expect(opening).rejects.toMatchObject({ code: 'WORKER_DIED', message: expect.stringMatching(message) })
  expect(double.terminated).toBe(1)

  const later = withDouble(onMemory)
  const store = await openStore('s', later.options)
  const pending = store.put('x')
  happen(later.double)
  await expect(pending).rejects.toMatchObject({ code: 'WORKER_DIED' })
  await expect(store.stats()).rejects.toMatchObject({ code: 'WORKER_DIED' })
  expect(later.double.terminated).toBe(1)
})

test('a worker that cannot be made is WORKER_DIED with the reason and what to do', async () => {
  const refused = new DOMException('the policy forbids it', 'SecurityError')
  const refuse = () => {
    throw refused
  }
  const advice = expect.stringMatching(/SecurityError: the policy forbids it.*"Bundlers".*"worker"/)
  const expected = { name: 'StoreError', code: 'WORKER_DIED', message: advice, cause: refused }
  await expect(openStore('s', { worker: refuse })).rejects.toMatchObject(expected)
  vi.stubGlobal(
    'Worker',
    class {
      constructor() {
        refuse()
      }
    },
  )
  await expect(openStore('s')).rejects.toMatchObject(expected)
})

test('a worker that dies in silence is noticed by the lock it held', async () => {
  const requests: { name: string; signal: AbortSignal; granted: () => void }[] = []
  const request = (name: string, { signal }: { signal: AbortSignal }, granted: () => void) => {
    requests.push({ name, signal, granted })
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }
  vi.stubGlobal('navigator', { locks: { request } })

  const { double, options } = withDouble(onMemory)
  const store = await openStore('s', options)
  double.say({ type: 'alive', id: CONNECTION_ID, lock: 'the life of one' })
  await vi.waitFor(() => expect(requests.length).toBe(1))
  expect(requests[0]?.name).toBe('the life of one')
  const pending = store.stats()
  requests[0]?.granted()
  await expect(pending).rejects.toMatchObject({ code: 'WORKER_DIED' })

  const other = withDouble(onMemory)
  const closing = await openStore('s', other.options)
  other.double.say({ type: 'alive', id: CONNECTION_ID, lock: 'the life of another' })
  await vi.waitFor(() => expect(requests.length).toBe(2))
  await closing.close()
  // The page does not wait for it any more.
  expect(requests[1]?.signal.aborted).toBe(true)
})

test('the package exports this and nothing else', () => {
  const names = ['STORE_ERROR_CODES', 'StoreError', 'deleteStore', 'isStoreError', 'listStores', 'openStore']
  expect(Object.keys(lodestore).sort()).toEqual(names)
})
