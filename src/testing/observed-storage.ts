/**
 * A storage that watches another one: it keeps a list of all calls, lets a test refuse some of them, and shows the bytes of
 * files while a store has them open, as a crash would leave them on a disk that loses nothing. It knows no platform, so that the
 * engine's cases run on every driver.
 */

import { memoryStorage } from '../storage/memory.js'
import type { Storage, StorageFile } from '../storage/storage.js'

export interface Call {
  kind: 'list' | 'open' | 'blob' | 'remove' | 'read' | 'write' | 'truncate' | 'flush' | 'close'
  path: string
  /** Of a read (as asked for) or a write; 0 for other calls. */
  bytes: number
}

export class ObservedStorage implements Storage {
  readonly calls: Call[] = []
  /** Called before each call is passed on; what it throws, the caller gets. What it returns, the caller waits for (`open`, `blob`, `remove`, `list` only). */
  before: (call: Call) => void | Promise<void> = () => undefined
  readonly #inner: Storage
  readonly #open = new Map<string, StorageFile>()
  /** There if the storage that is watched has it. */
  readonly blob?: (path: string) => Promise<Blob>

  constructor(inner: Storage) {
    this.#inner = inner
    if (inner.blob) {
      const blob = inner.blob.bind(inner)
      this.blob = async (path) => {
        await this.#note('blob', path)
        return await blob(path)
      }
    }
  }

  /** How many calls of a kind there were, on paths that begin so. */
  count(kind: Call['kind'], path = ''): number {
    return this.calls.filter((call) => call.kind === kind && call.path.startsWith(path)).length
  }

  /** Bytes written to paths that begin so. */
  written(path = ''): number {
    return this.calls.reduce((sum, { kind, path: at, bytes }) => {
      return kind === 'write' && at.startsWith(path) ? sum + bytes : sum
    }, 0)
  }

  get openPaths(): string[] {
    return [...this.#open.keys()].sort()
  }

  async list(path: string): Promise<string[]> {
    await this.#note('list', path)
    return await this.#inner.list(path)
  }

  async open(path: string, options?: { create?: boolean }): Promise<StorageFile> {
    await this.#note('open', path)
    const file = await this.#inner.open(path, options)
    this.#open.set(path, file)
    return {
      read: (target, at) => {
        void this.#note('read', path, target.length)
        return file.read(target, at)
      },
      write: (source, at) => {
        void this.#note('write', path, source.length)
        file.write(source, at)
      },
      truncate: (size) => {
        void this.#note('truncate', path)
        file.truncate(size)
      },
      size: () => file.size(),
      flush: () => {
        void this.#note('flush', path)
        return file.flush()
      },
      close: () => {
        void this.#note('close', path)
        this.#open.delete(path)
        file.close()
      },
    }
  }

  async remove(path: string): Promise<void> {
    await this.#note('remove', path)
    await this.#inner.remove(path)
  }

  /** All bytes of a file, open or not. */
  async contents(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const open = this.#open.get(path)
    const file = open ?? (await this.#inner.open(path))
    const bytes = new Uint8Array(file.size())
    file.read(bytes, 0)
    if (!open) file.close()
    return bytes
  }

  /** Replaces (or makes) a file that no store has open. */
  async replace(path: string, bytes: Uint8Array): Promise<void> {
    await writeFile(this.#inner, path, bytes)
  }

  /** Removes all that a closed store has left. */
  async clear(): Promise<void> {
    for (const name of await this.#inner.list('')) await this.#inner.remove(name.replace('/', ''))
  }

  /** Paths of all files, sorted. */
  async paths(): Promise<string[]> {
    return await filePaths(this.#inner)
  }

  /** The files as they are at this moment, in a memory of their own: what is left when the machine stops now. */
  async snapshot(): Promise<ObservedStorage> {
    const copy = memoryStorage()
    for (const path of await this.paths()) await writeFile(copy, path, await this.contents(path))
    return new ObservedStorage(copy)
  }

  #note(kind: Call['kind'], path: string, bytes = 0): void | Promise<void> {
    const call = { kind, path, bytes }
    this.calls.push(call)
    return this.before(call)
  }
}

export async function filePaths(storage: Storage, directory = ''): Promise<string[]> {
  const found: string[] = []
  for (const name of await storage.list(directory)) {
    const path = directory === '' ? name : `${directory}/${name}`
    if (name.endsWith('/')) found.push(...(await filePaths(storage, path.slice(0, -1))))
    else found.push(path)
  }
  return found.sort()
}

export async function writeFile(storage: Storage, path: string, bytes: Uint8Array): Promise<void> {
  const file = await storage.open(path, { create: true })
  file.truncate(0)
  file.write(bytes, 0)
  await file.flush()
  file.close()
}
