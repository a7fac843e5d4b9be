/**
 * The storage on the browser's Origin Private File System: sync access handles in exclusive mode, the only mode that
 * all browsers have. It runs in a dedicated worker, nowhere else. Every platform error leaves here as a
 * StoreError; which name means what in which browser is written at `codeOf`. The worker's start-up hands in the directory.
 */
import { isStoreError, type StoreError } from '../errors.js'
import { held } from '../held.js'
import { openError, pathParts, type StorageFailure, splitPath, storageError } from './path.js'
import type { Storage, StorageFile } from './storage.js'

/** A storage on `root`, which stays the caller's; in a dedicated worker only. Throws nothing: what the browser lacks shows at the first `open`, as UNSUPPORTED. */
export function opfsStorage(root: FileSystemDirectoryHandle): Storage {
  // Directory handles by path ('data/0'). One names a place, not an object: when another tab removes the directory and it is
  // made again, the handle works again; in between, it answers NotFoundError.
  const known = new Map<string, FileSystemDirectoryHandle>()
  const home = { isGone: false }

  async function directoryAt(names: string[], create: boolean): Promise<FileSystemDirectoryHandle> {
    let handle = root
    let path = ''
    for (const name of names) {
      path += `${name}/`
      const next = known.get(path) ?? (await handle.getDirectoryHandle(name, { create }))
      known.set(path, next)
      handle = next
    }
    return handle
  }

  async function fileAt(directories: string[], name: string, create: boolean): Promise<FileSystemFileHandle> {
    try {
      return await (await directoryAt(directories, create)).getFileHandle(name, { create })
    } catch (error) {
      // With `create` nothing can be missing, unless a known directory was removed from elsewhere: make it again, once.
      // (Firefox calls that UnknownError.)
      if (!create || !['NotFoundError', 'UnknownError'].includes(nameOf(error))) throw error
      known.clear()
      return await (await directoryAt(directories, create)).getFileHandle(name, { create })
    }
  }

  return {
    async list(path) {
      const names: string[] = []
      try {
        const directory = await directoryAt(pathParts(path), false)
        for await (const [name, { kind }] of directory) names.push(kind === 'directory' ? `${name}/` : name)
      } catch (cause) {
        if (nameOf(cause) === 'NotFoundError') return []
        throw translate('list', path, cause)
      }
      return names
    },

    async open(path, { create = false } = {}) {
      const { directories, name } = splitPath(path)
      try {
        const file = await fileAt(directories, name, create)
        if (typeof file.createSyncAccessHandle !== 'function') throw storageError('UNSUPPORTED', 'open', path)
        return new OpfsFile(path, await held(file, file.createSyncAccessHandle()), home)
      } catch (cause) {
        if (!create || nameOf(cause) !== 'NotFoundError') throw unopened(path, create, cause)
        // Nothing can be made where nothing is any more: the root itself is gone, and all that was in it.
        home.isGone = true
        throw storageError('IO', 'open', path, cause)
      }
    },

    async blob(path) {
      const { directories, name } = splitPath(path)
      try {
        return await (await fileAt(directories, name, false)).getFile()
      } catch (cause) {
        throw unopened(path, false, cause)
      }
    },

    async remove(path) {
      const { directories, name } = splitPath(path)
      try {
        await (await directoryAt(directories, false)).removeEntry(name, { recursive: true })
      } catch (cause) {
        throw translate('remove', path, cause)
      }
      for (const directory of known.keys()) if (directory.startsWith(`${path}/`)) known.delete(directory)
    },
  }
}

class OpfsFile implements StorageFile {
  readonly #path: string
  readonly #handle: FileSystemSyncAccessHandle
  /** What the file is in. */
  readonly #home: { readonly isGone: boolean }

  constructor(path: string, handle: FileSystemSyncAccessHandle, home: { readonly isGone: boolean }) {
    this.#path = path
    this.#handle = handle
    this.#home = home
  }

  read(target: Uint8Array, at: number): number {
    let count: number
    try {
      count = this.#handle.read(target, { at })
    } catch (cause) {
      throw translate('read', this.#path, cause)
    }
    if (count > target.length) throw storageError('IO', 'read', this.#path, absurd(count, target.length))
    return count
  }

  write(source: Uint8Array, at: number): void {
    let written: number
    try {
      written = this.#handle.write(source, { at })
    } catch (cause) {
      throw translate('write to', this.#path, cause)
    }
    // At the quota Chromium throws, Firefox returns 0, Chromium's private windows 4294967288 (an error number, -8): only all is success.
    if (written !== source.length) throw storageError('QUOTA', 'write to', this.#path, absurd(written, source.length))
  }

  truncate(size: number): void {
    try {
      this.#handle.truncate(size)
    } catch (cause) {
      throw translate('truncate', this.#path, cause)
    }
    // In Chromium's private windows growing past the quota fails without a word.
    const actual = this.size()
    if (actual !== size) throw storageError('QUOTA', 'truncate', this.#path, absurd(actual, size))
  }

  size(): number {
    try {
      return this.#handle.getSize()
    } catch (cause) {
      throw translate('measure', this.#path, cause)
    }
  }

  flush(): void {
    try {
      this.#handle.flush()
    } catch (cause) {
      throw translate('flush', this.#path, cause)
    }
  }

  close(): void {
    // When the browser has cleared the origin's data, Chromium (156) never returns from closing a handle of before; it ends with the worker.
    if (!this.#home.isGone) this.#handle.close()
  }
}

function absurd(actual: number, expected: number): Error {
  return new Error(`the system answered ${actual} where ${expected} bytes were asked for`)
}

/** The error of the contract for what the platform threw; one that is one already stays as it is. `action` is the verb. */
export function translate(action: string, path: string, cause: unknown): StoreError {
  if (isStoreError(cause)) return cause
  const opening = action === 'open' || action === 'remove' || action === 'list'
  return storageError(codeOf(cause, opening), action, path, cause)
}

function unopened(path: string, create: boolean, cause: unknown): StoreError {
  return isStoreError(cause) ? cause : openError(codeOf(cause, true), path, create, cause)
}

/** What a platform error means. On an open file the same names mean something else: InvalidStateError is "closed" there. */
function codeOf(error: unknown, opening: boolean): StorageFailure {
  switch (nameOf(error)) {
    case 'QuotaExceededError':
    case 'NS_ERROR_FILE_NO_DEVICE_SPACE': // Firefox, growing by truncate
      return 'QUOTA'
    case 'NotFoundError':
      return opening ? 'NOT_FOUND' : 'IO'
    case 'NoModificationAllowedError': // Chromium, Firefox
    case 'InvalidStateError': // WebKit
      return opening ? 'LOCKED' : 'IO'
    case 'TypeMismatchError':
      return 'IN_THE_WAY'
    case 'SecurityError': // files are forbidden here by policy
    case 'NotSupportedError': // WebKitGTK
      return opening ? 'UNSUPPORTED' : 'IO'
    default:
      return 'IO'
  }
}

/** Not all are Errors: Firefox throws bare exceptions for its own result codes. */
function nameOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'name' in error ? String(error.name) : ''
}
