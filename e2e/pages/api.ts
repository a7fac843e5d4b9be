/**
 * The page of e2e/api-*.spec.ts and e2e/exchange.spec.ts: the package as a page imports it, within reach of the tests, and the worker that `openStore` would make,
 * for those tests that end it.
 */
import * as lodestore from 'lodestore'
import * as engine from 'lodestore/engine'
import * as exchange from 'lodestore/exchange'

declare global {
  interface Window {
    lodestore: typeof lodestore
    engine: typeof engine
    exchange: typeof exchange
    /** Makes the worker; what was made last is in `madeWorker`. */
    makeWorker(): Worker
    madeWorker: Worker | undefined
    /** The code and name of what a promise rejects with; "resolved" if it does not. */
    failure(promise: Promise<unknown>): Promise<string>
    openStore: typeof lodestore.openStore
    /** That many bytes, the same each time, and not the same over and over: chunks of them differ. */
    large(size: number): Uint8Array<ArrayBuffer>
    /** In hex. */
    sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string>
  }
}

Object.assign(window, { lodestore, engine, exchange })
window.makeWorker = () => {
  window.madeWorker = new Worker(new URL('../../dist/worker/worker.js', import.meta.url), { type: 'module' })
  return window.madeWorker
}
window.failure = async (promise) => {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return lodestore.isStoreError(error) ? error.code : String(error)
  }
}
window.openStore = lodestore.openStore
window.large = (size) => {
  const bytes = new Uint8Array(size)
  let state = 1
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  return bytes
}
window.sha256 = async (bytes) => {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
