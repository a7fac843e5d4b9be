/**
 * A file of nothing that is given up when the disk is full, so that deleting and compacting still work: they need a little room to say
 * what is gone before anything can be given back. It is filled again, between commits, as soon as there is room. It is not written,
 * only sized: a browser's quota counts the sizes of files, and that is what is full in a browser.
 */

import { isStoreError } from '../errors.js'
import { RESERVE_FILE } from '../format/paths.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import { withFile } from '../storage/use.js'

/** Room for 6,000 deletes, or for the live entries of a segment that is almost dead. */
export const RESERVE_BYTES = 256 * 1024

export class Reserve {
  readonly #storage: Storage
  #isFull = false

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** Makes the reserve as large as it should be; where there is no room for it, it is left for a better time. */
  async fill(): Promise<void> {
    if (this.#isFull) return
    try {
      await this.#with((file) => {
        if (file.size() < RESERVE_BYTES) file.truncate(RESERVE_BYTES)
      })
      this.#isFull = true
    } catch (error) {
      if (!isStoreError(error, 'QUOTA')) throw error
    }
  }

  /** Gives the room free; false when there was none. */
  async release(): Promise<boolean> {
    this.#isFull = false
    return await this.#with(async (file) => {
      if (file.size() === 0) return false
      file.truncate(0)
      await file.flush()
      return true
    })
  }

  async #with<T>(use: (file: StorageFile) => T | Promise<T>): Promise<T> {
    return await withFile(this.#storage, RESERVE_FILE, { create: true }, use)
  }
}
