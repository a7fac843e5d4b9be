import { describe, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import { KEY, never, pageOn } from '../testing/page.js'
import type { KeyEntry, Store } from '../types.js'

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
