/**
 * The storage on a folder, for tests, tools and servers in Node. Opens are exclusive within the process (for every path)
 * and between processes for README, the file whose handle is a store's lock (claim.ts says how). `flush` is fsync, and a directory is synced
 * when a name in it comes or goes, so that a file that was flushed is found after a crash of the machine.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openAsBlob,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { claim, claimToRead, heldBy, inUse, isClaim, liveClaims } from './claim.js'
import { openError, pathParts, type StorageFailure, splitPath, storageError } from './path.js'
import type { Storage, StorageFile } from './storage.js'

const LOCK_FILE = 'README'

/** Real paths of the files this process has open, whichever storage opened them. */
const openPlaces = new Set<string>()

/**
 * A storage on the folder at `path`, which is made when the first file is created in it. With `readOnly` files are only read (all else is IO), so the
 * folder may be one that cannot be written to.
 */
export function nodeStorage(path: string, { readOnly = false }: { readOnly?: boolean } = {}): Storage {
  const root = resolve(path)

  return {
    async list(path) {
      const directory = join(root, ...pathParts(path))
      try {
        return readdirSync(directory, { withFileTypes: true })
          .filter(({ name }) => !isClaim(name))
          .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      } catch (cause) {
        if (codeOf(cause) === 'NOT_FOUND') return []
        throw storageError(codeOf(cause), 'list', path, cause)
      }
    },

    async open(path, { create = false } = {}) {
      const { directories, name } = splitPath(path)
      const directory = join(root, ...directories)
      let release: (() => void) | undefined
      try {
        if (create && !readOnly) makeDirectory(directory)
        const place = join(realpathSync(directory), name)
        if (openPlaces.has(place)) throw inUse('this process has it open')
        // No claim is made on what is not there: the folder may be somebody else's, or one that cannot be written to.
        if (name === LOCK_FILE && !create) statSync(place)
        if (name === LOCK_FILE) release = readOnly ? claimToRead(place) : claim(place)
        const descriptor = readOnly ? openToRead(place) : openOrCreate(place, create)
        openPlaces.add(place)
        return new NodeFile(path, descriptor, () => {
          openPlaces.delete(place)
          release?.()
        })
      } catch (cause) {
        release?.()
        throw openError(codeOf(cause), path, create, cause)
      }
    },

    async blob(path) {
      const place = join(root, ...pathParts(path))
      try {
        // A file that is absent shows only here, not in `openAsBlob`.
        if (!lstatSync(place).isFile()) throw noFile()
        return await openAsBlob(place)
      } catch (cause) {
        throw openError(codeOf(cause), path, false, cause)
      }
    },

    async remove(path) {
      const { directories, name } = splitPath(path)
      try {
        if (readOnly) throw new Error('this storage only reads')
        const place = join(realpathSync(join(root, ...directories)), name)
        if ([...openPlaces].some((other) => `${other}${sep}`.startsWith(`${place}${sep}`)))
          throw inUse('this process has it open')
        const [other] = lstatSync(place).isDirectory() ? liveClaims(place) : liveClaims(dirname(place), basename(place))
        if (other !== undefined) throw heldBy(other)
        rmSync(place, { recursive: true })
        syncDirectory(dirname(place))
      } catch (cause) {
        throw storageError(codeOf(cause), 'remove', path, cause)
      }
    },
  }
}

class NodeFile implements StorageFile {
  readonly #path: string
  readonly #onClose: () => void
  /** Undefined once closed: the system gives the number to the next file that is opened. */
  #descriptor: number | undefined

  constructor(path: string, descriptor: number, onClose: () => void) {
    this.#path = path
    this.#descriptor = descriptor
    this.#onClose = onClose
  }

  read(target: Uint8Array, at: number): number {
    return this.#call('read', (descriptor) => {
      let done = 0
      while (done < target.length) {
        const count = readSync(descriptor, target, done, target.length - done, at + done)
        if (count === 0) break
        done += count
      }
      return done
    })
  }

  write(source: Uint8Array, at: number): void {
    this.#call('write to', (descriptor) => {
      let done = 0
      while (done < source.length) {
        const count = writeSync(descriptor, source, done, source.length - done, at + done)
        if (count === 0) throw Object.assign(new Error('no bytes were written'), { code: 'ENOSPC' })
        done += count
      }
    })
  }

  truncate(size: number): void {
    this.#call('truncate', (descriptor) => ftruncateSync(descriptor, size))
  }

  size(): number {
    return this.#call('measure', (descriptor) => fstatSync(descriptor).size)
  }

  flush(): void {
    this.#call('flush', fsyncSync)
  }

  close(): void {
    const descriptor = this.#descriptor
    if (descriptor === undefined) return
    this.#descriptor = undefined
    closeSync(descriptor)
    this.#onClose()
  }

  #call<T>(action: string, work: (descriptor: number) => T): T {
    if (this.#descriptor === undefined) throw storageError('IO', action, this.#path, new Error('the file is closed'))
    try {
      return work(this.#descriptor)
    } catch (cause) {
      throw storageError(codeOf(cause), action, this.#path, cause)
    }
  }
}

function openOrCreate(place: string, create: boolean): number {
  try {
    return openSync(place, 'r+')
  } catch (error) {
    if (!create || codeOf(error) !== 'NOT_FOUND') throw error
  }
  const descriptor = openSync(place, 'wx+')
  syncDirectory(dirname(place))
  return descriptor
}

/** To read, the system opens a directory as well. */
function openToRead(place: string): number {
  const descriptor = openSync(place, 'r')
  if (!fstatSync(descriptor).isDirectory()) return descriptor
  closeSync(descriptor)
  throw noFile()
}

function noFile(): Error {
  return Object.assign(new Error('it is no file'), { code: 'EISDIR' })
}

/** Like a recursive mkdir, but each new name is on the disk afterwards. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    // A file in the directory's place shows at the next step.
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return
    if (codeOf(error) !== 'NOT_FOUND') throw error
    makeDirectory(dirname(path))
    mkdirSync(path)
  }
  syncDirectory(dirname(path))
}

function syncDirectory(path: string): void {
  // Windows cannot open a directory as a file, and keeps names in its own journal.
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function codeOf(error: unknown): StorageFailure {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'ENOENT':
      return 'NOT_FOUND'
    case 'EEXIST': // a claim in the way
    case 'EBUSY':
      return 'LOCKED'
    case 'EISDIR':
    case 'ENOTDIR':
      return 'IN_THE_WAY'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'QUOTA'
    default:
      return 'IO'
  }
}
