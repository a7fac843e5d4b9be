/**
 * A folder to write files to or to read them from, whatever it is: a storage (in Node, in memory, in a worker), or a directory that the user
 * picked, which has no synchronous handles. Bytes flow in pieces; a file that could not be written to its end is not left behind.
 */

import { StoreError } from '../errors.js'
import { kindOf } from '../flow.js'
import { translate } from '../storage/opfs.js'
import { pathParts, splitPath } from '../storage/path.js'
import type { Storage } from '../storage/storage.js'
import { formatError } from './report.js'

/** A storage, or what `showDirectoryPicker` gives: any directory of the File System API, of OPFS as well. */
export type Folder = Storage | FileSystemDirectoryHandle

const PIECE_BYTES = 1024 * 1024

export interface FolderAccess {
  /** Names in a directory ('' is the folder itself), sorted; a directory's name ends with '/'. */
  list(path: string): Promise<string[]>
  /** The bytes of a file. */
  read(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>>
  /** Makes a file with these bytes, and the directories it lies in. Throws BAD_NAME for a name that the system refuses, and what `pieces` throws. */
  write(path: string, pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void>
  /** Removes a file, or a directory with all that is in it. */
  remove(path: string): Promise<void>
}

/** Throws TypeError: a File with an archive is the likeliest thing to come instead. */
export function accessTo(folder: Folder): FolderAccess {
  if (typeof folder !== 'object' || folder === null || !('getDirectoryHandle' in folder || 'list' in folder)) {
    const others = 'and an archive is a stream: blob.stream() of a File or Blob'
    throw new TypeError(`a folder is a Storage or a FileSystemDirectoryHandle, not ${kindOf(folder)}; ${others}`)
  }
  return 'getDirectoryHandle' in folder ? new DirectoryAccess(folder) : new StorageAccess(folder)
}

/** Access to a folder in which there is nothing yet. Throws FORMAT. */
export async function accessToEmpty(target: Folder): Promise<FolderAccess> {
  const folder = accessTo(target)
  if ((await folder.list('')).length > 0) throw formatError('the folder is not empty; choose another one')
  return folder
}

/** Cleans up after a failure, which is what has to be told: what fails here is not. */
export async function quietly(cleanUp: () => unknown): Promise<void> {
  try {
    await cleanUp()
  } catch {}
}

/** Removes what was made of these paths, with the directories that they begin with; without paths, all there is. What cannot be removed stays. */
export async function removeAll(folder: FolderAccess, paths?: Iterable<string>): Promise<void> {
  const made = paths && new Set(Array.from(paths, (path) => path.split('/', 1)[0]))
  await quietly(async () => {
    for (const name of await folder.list('')) {
      const plain = name.replace(/\/$/, '')
      if (made?.has(plain) ?? true) await quietly(() => folder.remove(plain))
    }
  })
}

class StorageAccess implements FolderAccess {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  async list(path: string): Promise<string[]> {
    return (await this.#storage.list(path)).sort()
  }

  async *read(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const file = await this.#storage.open(path)
    try {
      for (let at = 0; ; ) {
        const piece = new Uint8Array(PIECE_BYTES)
        const count = file.read(piece, at)
        if (count > 0) yield piece.subarray(0, count)
        if (count < piece.length) return
        at += count
      }
    } finally {
      file.close()
    }
  }

  async write(path: string, pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void> {
    const file = await this.#storage.open(path, { create: true })
    try {
      let at = 0
      for await (const piece of pieces) {
        file.write(piece, at)
        at += piece.length
      }
      await file.flush()
      file.close()
    } catch (error) {
      await quietly(() => file.close())
      await quietly(() => this.#storage.remove(path))
      throw error
    }
  }

  async remove(path: string): Promise<void> {
    await this.#storage.remove(path)
  }
}

class DirectoryAccess implements FolderAccess {
  readonly #root: FileSystemDirectoryHandle

  constructor(root: FileSystemDirectoryHandle) {
    this.#root = root
  }

  async list(path: string): Promise<string[]> {
    try {
      const names: string[] = []
      for await (const [name, { kind }] of await this.#directory(pathParts(path), false)) {
        names.push(kind === 'directory' ? `${name}/` : name)
      }
      return names.sort()
    } catch (cause) {
      throw translate('list', path, cause)
    }
  }

  async *read(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { directories, name } = splitPath(path)
    try {
      const file = await (await (await this.#directory(directories, false)).getFileHandle(name)).getFile()
      for (let at = 0; at < file.size; at += PIECE_BYTES) {
        yield new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer())
      }
    } catch (cause) {
      throw translate('read', path, cause)
    }
  }

  async write(path: string, pieces: AsyncIterable<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { directories, name } = splitPath(path)
    let directory: FileSystemDirectoryHandle
    let file: FileSystemFileHandle
    try {
      directory = await this.#directory(directories, true)
      file = await directory.getFileHandle(name, { create: true })
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw translate('open', path, cause)
      throw new StoreError('BAD_NAME', 'the browser allows no file of this name', { where: { file: path }, cause })
    }
    let target: FileSystemWritableFileStream | undefined
    let failure: { error: unknown } | undefined
    const given = async function* () {
      try {
        yield* pieces
      } catch (error) {
        failure = { error }
        throw error
      }
    }
    try {
      target = await file.createWritable()
      for await (const piece of given()) await target.write(piece)
      await target.close()
    } catch (cause) {
      // One that failed by itself has nothing left to abort.
      await quietly(() => target?.abort())
      // Where nothing can be removed nothing could be written, and what was first is what counts.
      await quietly(() => directory.removeEntry(name))
      throw failure ? failure.error : translate('write to', path, cause)
    }
  }

  async remove(path: string): Promise<void> {
    const { directories, name } = splitPath(path)
    try {
      await (await this.#directory(directories, false)).removeEntry(name, { recursive: true })
    } catch (cause) {
      throw translate('remove', path, cause)
    }
  }

  async #directory(names: string[], create: boolean): Promise<FileSystemDirectoryHandle> {
    let directory = this.#root
    for (const name of names) directory = await directory.getDirectoryHandle(name, { create })
    return directory
  }
}
