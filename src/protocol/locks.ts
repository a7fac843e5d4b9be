/**
 * Taking turns at a store. Its real lock is the exclusive handle on README that the engine takes: `attempt` throws LOCKED at
 * once when another tab, window or worker has it. In front of it stands a Web Lock, which puts those who wait in order; it is
 * held as long as the store is open. After the death of a worker its handles can stay taken for a second or more, so
 * LOCKED is tried again until the time is up. Called by the worker to open, and by the page to delete.
 */

import { abortError, isStoreError, StoreError, throwIfAborted } from '../errors.js'

const WAIT_MS = 3000
const PAUSE_MS = 25

export interface WaitOptions {
  signal?: AbortSignal | undefined
  /** How long to wait until LOCKED; 3,000 unless told. */
  waitMs?: number
  /** The Web Lock is held until this settles; without it, until the attempt is over. */
  until?: Promise<unknown>
}

/** What `attempt` returns, as soon as it does not throw LOCKED. Throws LOCKED when the time is up, ABORTED with the signal. */
export async function whenFree<T>(name: string, attempt: () => Promise<T>, options: WaitOptions = {}): Promise<T> {
  const { signal, waitMs = WAIT_MS, until } = options
  const end = new AbortController()
  const stop = () => end.abort(signal?.aborted ? abortError(signal) : lockedError(name))
  const timer = setTimeout(stop, waitMs)
  signal?.addEventListener('abort', stop)
  const run = () => retry(attempt, end.signal)
  // Not everywhere: there are no Web Locks in Node. The handle on README locks without them.
  const locks = globalThis.navigator?.locks
  try {
    throwIfAborted(signal)
    if (!locks) return await run()
    return await new Promise<T>((resolve, reject) => {
      const held = locks.request(`lodestore store ${name}`, { signal: end.signal }, async () => {
        resolve(await run())
        await until
      })
      held.catch(reject)
    })
  } catch (error) {
    // Some browsers reject with an AbortError of their own instead of the signal's reason.
    throw end.signal.aborted && !isStoreError(error) ? end.signal.reason : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

async function retry<T>(attempt: () => Promise<T>, end: AbortSignal): Promise<T> {
  for (;;) {
    end.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!isStoreError(error, 'LOCKED')) throw error
    }
    await new Promise((resume) => setTimeout(resume, PAUSE_MS))
  }
}

export function lockedError(name: string, cause?: unknown): StoreError {
  return new StoreError(
    'LOCKED',
    `the store "${name}" is open elsewhere (a tab, window or worker); close it there and try again`,
    { cause },
  )
}
