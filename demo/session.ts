/**
 * The one open store of the page. It can be lent: then it is closed for as long as others have it (an archive is taken in by a worker with an engine
 * of its own), and whoever asks for the store meanwhile waits until it is open again.
 */
import { openStore, type Store } from 'lodestore'

export const STORE_NAME = 'demo'

/** Small, so that a few photographs already show more than one bar. A store for large data does well with the default. */
const SEGMENT_BYTES_MAX = 8 * 1024 * 1024

export class Session {
  #store: Promise<Store> = open()
  #isLent = false

  /** Rejects when it could not be opened, or not again. */
  get store(): Promise<Store> {
    return this.#store
  }

  /** Closes the store, runs `use`, and opens the store again, whatever came of it. Rejects as `use` does, or when the store cannot be opened again. */
  async lend<T>(use: () => Promise<T>): Promise<T> {
    const used = this.#store.then((store) => store.close()).then(use)
    this.#isLent = true
    this.#store = used.then(open, open)
    await this.#store
    this.#isLent = false
    return used
  }

  async close(): Promise<void> {
    if (!this.#isLent) await (await this.#store).close()
  }
}

function open(): Promise<Store> {
  return openStore(STORE_NAME, { maxSegmentSize: SEGMENT_BYTES_MAX })
}
