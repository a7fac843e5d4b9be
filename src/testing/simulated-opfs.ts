/**
 * The simulated disk as a browser shows it: the directory and file handles that the OPFS driver uses, and no more of them. Exclusive
 * like the real ones. A call that is to fail does so in the way of a browser; what that means, the driver has to find out. Held to the
 * storage contract, under the driver, by the conformance suite.
 */

import type { Inode, SimulatedDisk } from './simulated-disk.js'

export type Call = 'list' | 'open' | 'create' | 'remove' | 'read' | 'write' | 'truncate' | 'size' | 'flush' | 'close'

/** A way to fail. A write that fails may leave a part of itself behind. */
export type Fault =
  | 'error' // throws; the system refused
  | 'quota' // throws QuotaExceededError: Chromium at its quota
  | 'short' // answers how much of it was written: Firefox at its quota. There, growing by truncate throws a bare result code
  | 'number' // answers 4294967288, an error number: Chromium's private windows. There, growing by truncate does nothing, without a word
  | 'gone' // throws InvalidStateError: the handle was closed by the system, and every later call on it throws that too

/** Which calls can fail in which way. */
export const FAULTS: Readonly<Record<Call, readonly Fault[]>> = {
  list: ['error'],
  open: ['error', 'quota'],
  create: ['error', 'quota'],
  remove: ['error', 'quota'],
  read: ['gone'],
  write: ['error', 'quota', 'short', 'number', 'gone'],
  truncate: ['error', 'quota', 'short', 'number', 'gone'],
  size: ['gone'],
  flush: ['error', 'quota', 'gone'],
  close: [],
}

/** Calls before which a crash makes a difference. */
export function changesDisk(call: Call): boolean {
  return call !== 'read' && call !== 'list' && call !== 'size' && call !== 'close'
}

const ERROR_NUMBER = 4294967288

export function simulatedDirectory(disk: SimulatedDisk): FileSystemDirectoryHandle {
  return new Directory(new Tree(disk), '') as unknown as FileSystemDirectoryHandle
}

/** What all handles of one directory share: which directories were made in it. */
class Tree {
  readonly disk: SimulatedDisk
  /** With '/' at the end. A crash leaves those that hold files. */
  readonly #made = new Set<string>([''])

  constructor(disk: SimulatedDisk) {
    this.disk = disk
  }

  isDirectory(path: string): boolean {
    return this.#made.has(path) || this.below(path).length > 0
  }

  makeDirectory(path: string): void {
    this.#made.add(path)
  }

  removeDirectory(path: string): void {
    for (const file of this.below(path)) this.disk.unlink(file)
    for (const made of this.#made) if (made.startsWith(path)) this.#made.delete(made)
  }

  /** The files in a directory and in those below it. */
  below(path: string): string[] {
    return [...this.disk.paths()].filter((file) => file.startsWith(path))
  }

  /** Names in a directory; those of directories end with '/'. */
  names(path: string): Set<string> {
    const names = new Set<string>()
    for (const found of [...this.disk.paths(), ...this.#made]) {
      if (!found.startsWith(path) || found === path) continue
      const slash = found.indexOf('/', path.length)
      names.add(found.slice(path.length, slash < 0 ? undefined : slash + 1))
    }
    return names
  }

  /** A call begins; throws if it is to fail. */
  call(call: Call, path: string): void {
    refuse(this.disk.onCall(call, path))
  }
}

class Directory {
  readonly #tree: Tree
  /** '' or ending with '/'. */
  readonly #path: string

  constructor(tree: Tree, path: string) {
    this.#tree = tree
    this.#path = path
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<[string, { kind: 'file' | 'directory' }]> {
    this.#tree.call('list', this.#path.slice(0, -1))
    for (const name of this.#tree.names(this.#path)) {
      if (name.endsWith('/')) yield [name.slice(0, -1), { kind: 'directory' }]
      else yield [name, { kind: 'file' }]
    }
  }

  async getDirectoryHandle(name: string, { create }: { create: boolean }): Promise<Directory> {
    const path = `${this.#path}${name}`
    if (this.#tree.disk.inode(path)) throw named('TypeMismatchError')
    if (!this.#tree.isDirectory(`${path}/`)) {
      if (!create || !this.#tree.isDirectory(this.#path)) throw named('NotFoundError')
      this.#tree.makeDirectory(`${path}/`)
    }
    return new Directory(this.#tree, `${path}/`)
  }

  async getFileHandle(name: string, { create }: { create: boolean }): Promise<FileHandle> {
    const path = `${this.#path}${name}`
    if (!this.#tree.disk.inode(path)) {
      if (this.#tree.isDirectory(`${path}/`)) throw named('TypeMismatchError')
      if (!create || !this.#tree.isDirectory(this.#path)) throw named('NotFoundError')
      this.#tree.call('create', path)
      this.#tree.disk.make(path)
    }
    return new FileHandle(this.#tree, path)
  }

  async removeEntry(name: string): Promise<void> {
    const path = `${this.#path}${name}`
    this.#tree.call('remove', path)
    const isFile = this.#tree.disk.inode(path) !== undefined
    if (!isFile && !this.#tree.isDirectory(`${path}/`)) throw named('NotFoundError')
    const files = isFile ? [path] : this.#tree.below(`${path}/`)
    if (files.some((file) => this.#tree.disk.handles.has(file))) throw named('NoModificationAllowedError')
    if (isFile) this.#tree.disk.unlink(path)
    else this.#tree.removeDirectory(`${path}/`)
  }
}

class FileHandle {
  readonly #tree: Tree
  readonly #path: string

  constructor(tree: Tree, path: string) {
    this.#tree = tree
    this.#path = path
  }

  /** As the file is now. */
  async getFile(): Promise<Blob> {
    const inode = this.#tree.disk.inode(this.#path)
    if (inode === undefined) throw named('NotFoundError')
    return new Blob([inode.content.slice()])
  }

  async createSyncAccessHandle(): Promise<AccessHandle> {
    this.#tree.call('open', this.#path)
    const { disk } = this.#tree
    const inode = disk.inode(this.#path)
    if (inode === undefined) throw named('NotFoundError')
    if (disk.handles.has(this.#path)) throw named('NoModificationAllowedError')
    const handle = new AccessHandle(disk, this.#path, inode)
    disk.handles.set(this.#path, handle)
    return handle
  }
}

class AccessHandle {
  readonly #disk: SimulatedDisk
  readonly #path: string
  readonly #inode: Inode
  #isOpen = true

  constructor(disk: SimulatedDisk, path: string, inode: Inode) {
    this.#disk = disk
    this.#path = path
    this.#inode = inode
  }

  read(target: Uint8Array, { at }: { at: number }): number {
    refuse(this.#call('read'))
    const part = this.#inode.content.subarray(at, at + target.length)
    target.set(part)
    return part.length
  }

  write(source: Uint8Array, { at }: { at: number }): number {
    let fault = this.#call('write')
    let count = fault === undefined ? source.length : this.#disk.kept(source.length)
    const growth = at + count - this.#inode.content.length
    if (growth > 0) {
      const room = Math.max(0, this.#disk.room(growth))
      if (room < growth) {
        fault ??= this.#disk.whenFull
        count -= growth - room
      }
    }
    if (count > 0) this.#disk.change(this.#inode, { kind: 'write', at, bytes: source.slice(0, count) })
    if (fault === 'number') return ERROR_NUMBER
    if (fault !== 'short') refuse(fault)
    return count
  }

  truncate(size: number): void {
    let fault = this.#call('truncate')
    const growth = size - this.#inode.content.length
    if (growth > 0) {
      if (this.#disk.room(growth) < growth) fault ??= this.#disk.whenFull
      if (fault === 'number') return
      if (fault === 'short') throw { name: 'NS_ERROR_FILE_NO_DEVICE_SPACE' }
    }
    if (fault !== 'short' && fault !== 'number') refuse(fault)
    this.#disk.change(this.#inode, { kind: 'truncate', size })
  }

  getSize(): number {
    refuse(this.#call('size'))
    return this.#inode.content.length
  }

  flush(): void {
    refuse(this.#call('flush'))
    this.#disk.flush(this.#path, this.#inode)
  }

  close(): void {
    if (!this.#isOpen) return
    this.#disk.onCall('close', this.#path)
    this.end()
  }

  /** Closes it under its owner: it is gone. */
  end(): void {
    this.#isOpen = false
    this.#disk.handles.delete(this.#path)
  }

  #call(call: Call): Fault | undefined {
    if (!this.#isOpen) throw named('InvalidStateError')
    const fault = this.#disk.onCall(call, this.#path)
    if (fault === 'gone') this.end()
    return fault
  }
}

const ERROR_NAMES: Readonly<Record<Fault, string>> = {
  error: 'UnknownError',
  quota: 'QuotaExceededError',
  short: 'UnknownError',
  number: 'UnknownError',
  gone: 'InvalidStateError',
}

function refuse(fault: Fault | undefined): void {
  if (fault !== undefined) throw named(ERROR_NAMES[fault])
}

function named(name: string): DOMException {
  return new DOMException('the simulated disk fails', name)
}
