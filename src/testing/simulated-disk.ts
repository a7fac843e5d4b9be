/**
 * A disk that behaves as badly as disks may. It keeps a write-back cache: until a file is flushed each write and truncate to it is, at a
 * crash, kept, lost or torn, one independently of the other; a file made since may be gone, a file removed may be back. `snapshot`
 * holds the whole disk at one call, `crash` turns a snapshot into the disk that the next start finds, `fault` makes calls fail.
 */

import { StoreError } from '../errors.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import type { Random } from './random.js'

export type Call = 'list' | 'open' | 'create' | 'remove' | 'read' | 'write' | 'truncate' | 'flush' | 'close'

type Change = { kind: 'write'; at: number; bytes: Uint8Array } | { kind: 'truncate'; size: number }

interface Inode {
  /** What is on the disk for sure, and whether the file itself is. */
  base: Uint8Array
  isDurable: boolean
  /** Since then, oldest first. Only ever appended to, or replaced: snapshots share it. */
  changes: Change[]
  /** The file as its reader sees it. */
  content: Uint8Array
}

export interface Snapshot {
  files: Map<string, { base: Uint8Array; isDurable: boolean; changes: Change[]; count: number }>
  removed: Map<string, Uint8Array>
}

/** How much of what was not flushed outlives the crash. */
export type Loss = 'nothing' | 'everything' | 'something'

export class SimulatedDisk implements Storage {
  readonly #files = new Map<string, Inode>()
  /** Durable contents of files whose removal a crash may undo. */
  readonly #removed = new Map<string, Uint8Array>()
  readonly #open = new Set<string>()
  /** Called before each call is carried out; may throw what the call is to fail with, or keep a snapshot. */
  onCall: (call: Call, path: string) => void = () => {}
  /** Consulted by writes that grow a file: how many of the bytes still fit. */
  room: (bytes: number) => number = (bytes) => bytes

  /** A disk with these contents, all of them durable. */
  static of(contents: Map<string, Uint8Array>): SimulatedDisk {
    const disk = new SimulatedDisk()
    for (const [path, bytes] of contents) {
      disk.#files.set(path, { base: bytes, isDurable: true, changes: [], content: bytes })
    }
    return disk
  }

  /** What a reader would find in each file now. */
  contents(): Map<string, Uint8Array> {
    return new Map([...this.#files].map(([path, { content }]) => [path, content]))
  }

  snapshot(): Snapshot {
    const files = [...this.#files].map(
      ([path, { base, isDurable, changes }]) => [path, { base, isDurable, changes, count: changes.length }] as const,
    )
    return { files: new Map(files), removed: new Map(this.#removed) }
  }

  /** The disk that is found after a crash at the snapshot. */
  static crash(snapshot: Snapshot, random: Random, loss: Loss): SimulatedDisk {
    const contents = new Map<string, Uint8Array>()
    for (const [path, { base, isDurable, changes, count }] of snapshot.files) {
      if (!isDurable && (loss === 'everything' || (loss === 'something' && random.chance(0.3)))) continue
      contents.set(path, aged(base, changes.slice(0, count), random, loss))
    }
    for (const [path, bytes] of snapshot.removed) {
      const isBack = loss === 'everything' || (loss === 'something' && random.chance(0.5))
      if (isBack && !contents.has(path)) contents.set(path, bytes)
    }
    return SimulatedDisk.of(contents)
  }

  async list(path: string): Promise<string[]> {
    this.onCall('list', path)
    const prefix = path === '' ? '' : `${path}/`
    const names = new Set<string>()
    for (const name of this.#files.keys()) {
      if (!name.startsWith(prefix)) continue
      const rest = name.slice(prefix.length)
      const slash = rest.indexOf('/')
      names.add(slash < 0 ? rest : rest.slice(0, slash + 1))
    }
    return [...names]
  }

  async open(path: string, options: { create?: boolean } = {}): Promise<StorageFile> {
    const known = this.#files.get(path)
    this.onCall(known ? 'open' : 'create', path)
    if (this.#open.has(path)) throw new StoreError('LOCKED', `${path} is open`, { where: { file: path } })
    let inode = known
    if (inode === undefined) {
      if (!options.create) throw new StoreError('NOT_FOUND', `${path} is not there`, { where: { file: path } })
      inode = { base: new Uint8Array(0), isDurable: false, changes: [], content: new Uint8Array(0) }
      this.#files.set(path, inode)
    }
    this.#open.add(path)
    return this.#file(path, inode)
  }

  async remove(path: string): Promise<void> {
    this.onCall('remove', path)
    const inode = this.#files.get(path)
    if (inode === undefined) throw new StoreError('NOT_FOUND', `${path} is not there`, { where: { file: path } })
    if (this.#open.has(path)) throw new StoreError('LOCKED', `${path} is open`, { where: { file: path } })
    this.#files.delete(path)
    if (inode.isDurable) this.#removed.set(path, inode.base)
  }

  #file(path: string, inode: Inode): StorageFile {
    let isOpen = true
    const call = (kind: Call): void => {
      if (!isOpen) throw new StoreError('IO', `${path} is closed`, { where: { file: path } })
      this.onCall(kind, path)
    }
    const change = (made: Change): void => {
      inode.changes.push(made)
      inode.content = changed(inode.content, made)
    }
    return {
      read: (target, at) => {
        call('read')
        const part = inode.content.subarray(at, at + target.length)
        target.set(part)
        return part.length
      },
      write: (source, at) => {
        call('write')
        const growth = Math.max(0, at + source.length - inode.content.length)
        const fits = growth === 0 ? source.length : source.length - growth + Math.max(0, this.room(growth))
        if (fits > 0) change({ kind: 'write', at, bytes: source.slice(0, fits) })
        if (fits < source.length) throw new StoreError('QUOTA', 'the disk is full', { where: { file: path } })
      },
      truncate: (size) => {
        call('truncate')
        if (size > inode.content.length && this.room(size - inode.content.length) < size - inode.content.length) {
          throw new StoreError('QUOTA', 'the disk is full', { where: { file: path } })
        }
        change({ kind: 'truncate', size })
      },
      size: () => {
        if (!isOpen) throw new StoreError('IO', `${path} is closed`, { where: { file: path } })
        return inode.content.length
      },
      flush: () => {
        call('flush')
        inode.base = inode.content
        inode.changes = []
        inode.isDurable = true
        this.#removed.delete(path)
      },
      close: () => {
        if (!isOpen) return
        this.onCall('close', path)
        isOpen = false
        this.#open.delete(path)
      },
    }
  }
}

function changed(content: Uint8Array, change: Change): Uint8Array {
  if (change.kind === 'truncate') {
    if (change.size <= content.length) return content.slice(0, change.size)
    const grown = new Uint8Array(change.size)
    grown.set(content)
    return grown
  }
  const after = new Uint8Array(Math.max(content.length, change.at + change.bytes.length))
  after.set(content)
  after.set(change.bytes, change.at)
  return after
}

/** What is left of a file: each change kept, lost or torn. */
function aged(base: Uint8Array, changes: Change[], random: Random, loss: Loss): Uint8Array {
  if (loss === 'everything') return base
  let content = base
  for (const change of changes) {
    if (loss === 'nothing' || random.chance(0.4)) content = changed(content, change)
    else if (change.kind === 'write' && random.chance(0.6)) content = torn(content, change, random)
  }
  return content
}

/** Of a write, the first bytes up to any one, or some of its sectors of 512 bytes, or of its pages of 4 KiB. */
function torn(content: Uint8Array, write: Change & { kind: 'write' }, random: Random): Uint8Array {
  const unit = random.pick([1, 512, 4096])
  if (unit === 1)
    return changed(content, { ...write, bytes: write.bytes.subarray(0, random.below(write.bytes.length + 1)) })
  let after = content
  const end = write.at + write.bytes.length
  for (let sector = Math.floor(write.at / unit) * unit; sector < end; sector += unit) {
    if (random.chance(0.5)) continue
    const from = Math.max(sector, write.at)
    const to = Math.min(sector + unit, end)
    after = changed(after, { kind: 'write', at: from, bytes: write.bytes.subarray(from - write.at, to - write.at) })
  }
  return after
}
