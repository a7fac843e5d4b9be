/**
 * Files that an opening will need, opened side by side: in a browser each takes two trips to another process, so one after the other they
 * are most of the opening's time. Only the handles come early. What is read and written, and in which order, is up to who opens the file, and
 * so is what a failure means: it is met there.
 */

import { isStoreError } from '../errors.js'
import type { Storage, StorageFile } from '../storage/storage.js'

export class FilesAhead implements Storage {
  readonly #storage: Storage
  /** Files that nobody has taken yet. */
  readonly #waiting = new Map<string, Promise<StorageFile>>()
  readonly blob?: (path: string) => Promise<Blob>

  constructor(storage: Storage) {
    this.#storage = storage
    if (storage.blob) this.blob = storage.blob.bind(storage)
  }

  /** Begins to open a file, if it is there. */
  begin(path: string): void {
    const opening = this.#storage.open(path)
    opening.catch(() => undefined)
    this.#waiting.set(path, opening)
  }

  /** Calls `use` with a file. One that was begun stays open for who opens it next. */
  async with<T>(path: string, use: (file: StorageFile) => T): Promise<T> {
    const isAhead = this.#waiting.has(path)
    const file = await this.open(path)
    try {
      return use(file)
    } finally {
      if (isAhead) this.#waiting.set(path, Promise.resolve(file))
      else file.close()
    }
  }

  /** Gives the file that was opened ahead to the first who asks. */
  async open(path: string, options?: { create?: boolean }): Promise<StorageFile> {
    const opening = this.#waiting.get(path)
    this.#waiting.delete(path)
    try {
      if (opening) return await opening
    } catch (error) {
      if (!options?.create || !isStoreError(error, 'NOT_FOUND')) throw error
    }
    return await this.#storage.open(path, options)
  }

  async list(path: string): Promise<string[]> {
    return await this.#storage.list(path)
  }

  async remove(path: string): Promise<void> {
    await this.#storage.remove(path)
  }

  /** Closes what nobody took, which may still be opening. From then on it is the storage. */
  async close(): Promise<void> {
    for (const [path, opening] of this.#waiting) {
      this.#waiting.delete(path)
      const file = await opening.catch(() => undefined)
      file?.close()
    }
  }
}
