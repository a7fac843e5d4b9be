/**
 * The page of e2e/api.spec.ts: the package as a page imports it, within reach of the tests, and the worker that `openStore` would make,
 * for those tests that end it.
 */
import * as lodestore from 'lodestore'

declare global {
  interface Window {
    lodestore: typeof lodestore
    /** Makes the worker; what was made last is in `madeWorker`. */
    makeWorker(): Worker
    madeWorker: Worker | undefined
    /** The code and name of what a promise rejects with; "resolved" if it does not. */
    failure(promise: Promise<unknown>): Promise<string>
  }
}

window.lodestore = lodestore
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
