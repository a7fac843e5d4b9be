/**
 * A storage in memory: for stores that need not outlive their worker, and for tests. It is held to the same contract
 * as the drivers on a disk, exclusive opens included; `flush` has nothing to do. A file's bytes past its size
 * are always zero, so that growing it again never shows old contents.
 */
import type { StoreError } from '../errors.js'
import { openError, pathParts, type StorageFailure, splitPath, storageError } from './path.js'
import type { Storage, StorageFile } from './storage.js'

interface Contents {
  bytes: Uint8Array
  size: number
  open: boolean
}
type Directory = Map<string, Directory | Contents>

export function memoryStorage(): Storage {
  const root: Directory = new Map()

  /** The directory of those names; undefined if it is absent, an error if a file is in its place. */
  function directoryAt(names: string[], create: boolean, failure: (why: StorageFailure) => StoreError) {
    let directory = root
    for (const name of names) {
      let next = directory.get(name)
      if (next === undefined) {
        if (!create) return undefined
        next = new Map()
        directory.set(name, next)
      }
      if (!(next instanceof Map)) throw failure('IN_THE_WAY')
      directory = next
    }
    return directory
  }

  return {
    async list(path) {
      const directory = directoryAt(pathParts(path), false, (why) => storageError(why, 'list', path))
      return Array.from(directory ?? [], ([name, entry]) => (entry instanceof Map ? `${name}/` : name))
    },

    async open(path, { create = false } = {}) {
      const failure = (why: StorageFailure) => openError(why, path, create)
      const { directories, name } = splitPath(path)
      const directory = directoryAt(directories, create, failure)
      let contents = directory?.get(name)
      if (contents === undefined) {
        if (!create || directory === undefined) throw failure('NOT_FOUND')
        contents = { bytes: new Uint8Array(0), size: 0, open: false }
        directory.set(name, contents)
      }
      if (contents instanceof Map) throw failure('IN_THE_WAY')
      if (contents.open) throw failure('LOCKED')
      contents.open = true
      return new MemoryFile(path, contents)
    },

    async remove(path) {
      const failure = (why: StorageFailure) => storageError(why, 'remove', path)
      const { directories, name } = splitPath(path)
      const directory = directoryAt(directories, false, failure)
      const entry = directory?.get(name)
      if (directory === undefined || entry === undefined) throw failure('NOT_FOUND')
      if (isOpen(entry)) throw failure('LOCKED')
      directory.delete(name)
    },
  }
}

function isOpen(entry: Directory | Contents): boolean {
  return entry instanceof Map ? [...entry.values()].some(isOpen) : entry.open
}

class MemoryFile implements StorageFile {
  readonly #path: string
  /** Undefined once closed. */
  #contents: Contents | undefined

  constructor(path: string, contents: Contents) {
    this.#path = path
    this.#contents = contents
  }

  read(target: Uint8Array, at: number): number {
    const { bytes, size } = this.#opened('read')
    const found = bytes.subarray(Math.min(at, size), Math.min(at + target.length, size))
    target.set(found)
    return found.length
  }

  write(source: Uint8Array, at: number): void {
    const contents = this.#opened('write to')
    this.#reserve(contents, at + source.length)
    contents.bytes.set(source, at)
    contents.size = Math.max(contents.size, at + source.length)
  }

  truncate(size: number): void {
    const contents = this.#opened('truncate')
    this.#reserve(contents, size)
    contents.bytes.fill(0, size, contents.size)
    contents.size = size
  }

  size(): number {
    return this.#opened('measure').size
  }

  flush(): void {
    this.#opened('flush')
  }

  close(): void {
    if (this.#contents !== undefined) this.#contents.open = false
    this.#contents = undefined
  }

  #opened(action: string): Contents {
    if (this.#contents === undefined) throw storageError('IO', action, this.#path, new Error('the file is closed'))
    return this.#contents
  }

  /** Doubles, so that appending n bytes in small pieces copies at most 2n. */
  #reserve(contents: Contents, size: number): void {
    if (size <= contents.bytes.length) return
    try {
      const bytes = new Uint8Array(Math.max(size, contents.bytes.length * 2))
      bytes.set(contents.bytes.subarray(0, contents.size))
      contents.bytes = bytes
    } catch (cause) {
      throw storageError('QUOTA', 'write to', this.#path, cause)
    }
  }
}
