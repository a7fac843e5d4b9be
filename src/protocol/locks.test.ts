import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import { deadline, whenFree } from './locks.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const locked = () => new StoreError('LOCKED', 'README is open')
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  )

/** Web Locks with one name: holders in the order of their requests. */
function webLocks() {
  let tail = Promise.resolve()
  return {
    request(_name: string, { signal }: { signal: AbortSignal }, run: () => Promise<unknown>) {
      const turn = tail
      const aborted = new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
      })
      const held = turn.then(async () => signal.aborted || (await run()))
      tail = held.then(
        () => {},
        () => {},
      )
      return Promise.race([held, turn.then(() => held), aborted])
    },
  }
}

test('a store that is free is opened at once', async () => {
  expect(await whenFree('s', async () => 'open')).toBe('open')
})

test('a store that is locked is tried until it is free', async () => {
  let attempts = 0
  const opening = whenFree('s', async () => {
    if (++attempts < 20) throw locked()
    return 'open'
  })
  await vi.advanceTimersByTimeAsync(1000)
  expect(await opening).toBe('open')
})

test('a store that stays locked is LOCKED after three seconds, with words that say where to look', async () => {
  const opening = outcome(whenFree('photos', () => Promise.reject(locked())))
  await vi.advanceTimersByTimeAsync(2900)
  expect(await Promise.race([opening, 'waiting'])).toBe('waiting')
  await vi.advanceTimersByTimeAsync(200)
  expect(await opening).toMatchObject({ error: { code: 'LOCKED', message: expect.stringMatching(/"photos".*tab/) } })
})

test('what is not LOCKED is not tried again', async () => {
  const attempt = vi.fn(() => Promise.reject(new StoreError('FORMAT', 'no store')))
  await expect(whenFree('s', attempt)).rejects.toMatchObject({ code: 'FORMAT' })
  expect(attempt).toHaveBeenCalledTimes(1)
})

test('a signal of the caller ends the waiting, with its reason', async () => {
  const controller = new AbortController()
  const opening = outcome(whenFree('s', () => Promise.reject(locked()), { end: controller.signal }))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await Promise.race([opening, 'waiting'])).toBe('waiting')
  controller.abort('enough')
  await vi.advanceTimersByTimeAsync(100)
  expect(await opening).toEqual({ error: 'enough' })
})

test('a signal that has fired before prevents the attempt', async () => {
  const attempt = vi.fn(async () => 'open')
  await expect(whenFree('s', attempt, { end: AbortSignal.abort('before') })).rejects.toBe('before')
  expect(attempt).not.toHaveBeenCalled()
})

test('a deadline can be made to fire before', async () => {
  const end = deadline('s')
  end.abort('enough')
  await vi.advanceTimersByTimeAsync(5000)
  expect(end.signal.reason).toBe('enough')
})

test('with Web Locks those who wait come in their order, each when the one before has closed', async () => {
  vi.stubGlobal('navigator', { locks: webLocks() })
  const order: string[] = []
  let close = () => {}
  const until = new Promise<void>((resolve) => {
    close = resolve
  })
  const open = (name: string) => async () => order.push(name)
  await whenFree('s', open('first'), { until })
  const waiting = [whenFree('s', open('second')), whenFree('s', open('third'))]
  await vi.advanceTimersByTimeAsync(500)
  expect(order).toEqual(['first'])
  close()
  await Promise.all(waiting)
  expect(order).toEqual(['first', 'second', 'third'])
})

test('waiting for a Web Lock ends with LOCKED, also where the browser has an AbortError of its own', async () => {
  vi.stubGlobal('navigator', { locks: webLocks() })
  await whenFree('s', async () => 'open', { until: new Promise(() => {}) })
  const opening = outcome(whenFree('s', async () => 'open too'))
  await vi.advanceTimersByTimeAsync(3100)
  expect(await opening).toMatchObject({ error: { code: 'LOCKED' } })
})

test('an attempt that fails late says its own error, not LOCKED', async () => {
  const opening = outcome(
    whenFree('s', async () => {
      await new Promise((resolve) => setTimeout(resolve, 5000))
      throw new StoreError('FORMAT', 'no store')
    }),
  )
  await vi.advanceTimersByTimeAsync(6000)
  expect(await opening).toMatchObject({ error: { code: 'FORMAT' } })
})
