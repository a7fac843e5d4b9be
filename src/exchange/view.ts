/**
 * A directory of another program, seen as one that may be written to: what is written stays in memory, and nothing in the directory changes. So a
 * repository is opened like a store, with all the checks of an opening, and is the same afterwards. Of the directory only data/ shows through.
 */

import { isStoreError, StoreError } from '../errors.js'
import { DATA_DIR } from '../format/paths.js'
import { memoryStorage } from '../storage/memory.js'
import type { Storage, StorageFile } from '../storage/storage.js'

export function viewOf(directory: Storage): Storage {
  const written = memoryStorage()
  /** Files of the directory that were removed, or cut to some bytes, as far as the view goes. */
  const sizes = new Map<string, number | 'removed'>()
  const shows = (path: string) =>
    (path === DATA_DIR || path.startsWith(`${DATA_DIR}/`)) && sizes.get(path) !== 'removed'
  return {
    async list(path) {
      const names = new Set(await written.list(path))
      for (const name of await directory.list(path)) {
        const plain = name.replace(/\/$/, '')
        if (shows(path === '' ? plain : `${path}/${plain}`)) names.add(name)
      }
      return [...names]
    },
    async open(path, options) {
      try {
        if (shows(path)) return new ReadOnlyFile(path, await directory.open(path), sizes)
      } catch (error) {
        if (!isStoreError(error, 'NOT_FOUND')) throw error
      }
      return await written.open(path, options)
    },
    async remove(path) {
      if (shows(path) && (await exists(directory, path))) sizes.set(path, 'removed')
      else await written.remove(path)
    },
  }
}

async function exists(directory: Storage, path: string): Promise<boolean> {
  const slash = path.lastIndexOf('/')
  return (await directory.list(path.slice(0, Math.max(slash, 0)))).includes(path.slice(slash + 1))
}

class ReadOnlyFile implements StorageFile {
  readonly #path: string
  readonly #file: StorageFile
  readonly #sizes: Map<string, number | 'removed'>

  constructor(path: string, file: StorageFile, sizes: Map<string, number | 'removed'>) {
    this.#path = path
    this.#file = file
    this.#sizes = sizes
  }

  read(target: Uint8Array, at: number): number {
    return this.#file.read(target.subarray(0, Math.max(this.size() - at, 0)), at)
  }

  write(): void {
    const message = 'this file belongs to another program and is only read'
    throw new StoreError('IO', message, { where: { file: this.#path } })
  }

  truncate(size: number): void {
    if (size > this.size()) this.write()
    this.#sizes.set(this.#path, size)
  }

  size(): number {
    const size = this.#sizes.get(this.#path)
    return typeof size === 'number' ? size : this.#file.size()
  }

  flush(): void {
    // Nothing was written.
  }

  close(): void {
    this.#file.close()
  }
}
