/**
 * The page of e2e/storage.spec.ts: runs one conformance case at a time, each in a dedicated worker of its own, because sync access
 * handles exist only there and because what a failed case leaves open ends with its worker.
 */
import type { StorageRequest } from './storage-worker.js'

declare global {
  interface Window {
    /** Resolves to what went wrong, or undefined if nothing did. */
    runStorageCase(request: StorageRequest): Promise<string | undefined>
  }
}

// A worker that nothing on the page can reach may be collected while it waits for its files, and then no answer ever comes:
// one run in four of the longest case hung in Firefox 153 without this.
const running = new Set<Worker>()

window.runStorageCase = (request) =>
  new Promise((resolve) => {
    const worker = new Worker(new URL('./storage-worker.ts', import.meta.url), { type: 'module' })
    running.add(worker)
    const finish = (failure: string | undefined) => {
      worker.terminate()
      running.delete(worker)
      resolve(failure)
    }
    worker.onmessage = ({ data }: MessageEvent<string | undefined>) => finish(data)
    worker.onerror = (event) => finish(`the worker failed: ${event.message || 'its script did not load'}`)
    worker.postMessage(request)
  })
