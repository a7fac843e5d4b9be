/**
 * An open file that remembers that the system refused it. A browser can close a handle under us (an app sent to the background); from
 * then on every call on it fails, and only opening the file anew helps. Its owner looks at `isRefused` before each use.
 */

import { isStoreError } from '../errors.js'
import type { StorageFile } from '../storage/storage.js'

export class WatchedFile implements StorageFile {
  readonly #file: StorageFile
  #isRefused = false

  constructor(file: StorageFile) {
    this.#file = file
  }

  /** True after a call failed with IO. */
  get isRefused(): boolean {
    return this.#isRefused
  }

  read(target: Uint8Array, at: number): number {
    return this.#watch(() => this.#file.read(target, at))
  }

  write(source: Uint8Array, at: number): void {
    this.#watch(() => this.#file.write(source, at))
  }

  truncate(size: number): void {
    this.#watch(() => this.#file.truncate(size))
  }

  size(): number {
    return this.#watch(() => this.#file.size())
  }

  async flush(): Promise<void> {
    try {
      await this.#file.flush()
    } catch (error) {
      throw this.#noted(error)
    }
  }

  close(): void {
    this.#file.close()
  }

  #watch<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw this.#noted(error)
    }
  }

  #noted(error: unknown): unknown {
    this.#isRefused ||= isStoreError(error, 'IO')
    return error
  }
}
