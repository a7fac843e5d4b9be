/**
 * Taking turns at a store. Its real lock is the exclusive handle on README that the engine takes: `attempt` throws LOCKED at
 * once when another tab, window or worker has it. In front of it stands a Web Lock, which puts those who wait in order; it is
 * held as long as the store is open. After the death of a worker its handles can stay taken for a second or more, so
 * LOCKED is tried again until the time is up. Called by the worker to open, and by the page to delete.
 */

import { isStoreError, StoreError } from '../errors.js'

const WAIT_MS = 3000
const PAUSE_MS = 25

export interface WaitOptions {
  /** Ends the waiting, with its reason; after three seconds, with LOCKED, unless given. */
  end?: AbortSignal
  /** The Web Lock is held until this settles; without it, until the attempt is over. */
  until?: Promise<unknown>
}

/** What `attempt` returns, as soon as it does not throw LOCKED. */
export async function whenFree<T>(name: string, attempt: () => Promise<T>, options: WaitOptions = {}): Promise<T> {
  const { end = deadline(name).signal, until } = options
  async function run(): Promise<T> {
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
  // Not everywhere: there are no Web Locks in Node. The handle on README locks without them.
  const locks = globalThis.navigator?.locks
  if (!locks) return run()
  return new Promise((resolve, reject) => {
    const held = locks.request(`lodestore store ${name}`, { signal: end }, async () => {
      resolve(await run())
      await until
    })
    // Some browsers reject with an AbortError of their own instead of the signal's reason.
    held.catch((error) => reject(end.aborted && !isStoreError(error) ? end.reason : error))
  })
}

/** Fires with LOCKED when it has been waited for long enough; it can be made to fire before. */
export function deadline(name: string): AbortController {
  const end = new AbortController()
  setTimeout(() => end.abort(lockedError(name)), WAIT_MS)
  return end
}

export function lockedError(name: string, cause?: unknown): StoreError {
  return new StoreError(
    'LOCKED',
    `the store "${name}" is open elsewhere (a tab, window or worker); close it there and try again`,
    { cause },
  )
}
