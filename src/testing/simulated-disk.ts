/**
 * A disk that behaves as badly as disks may. It keeps a write-back cache: until a file is flushed each write and truncate to it is, at a
 * crash, kept, lost or torn, one independently of the other; a file made since may be gone, a file removed may be back. `snapshot`
 * holds the whole disk at one call, `crash` turns a snapshot into the disk that the next start finds, `onCall` makes calls fail.
 *
 * The engine gets it through the real OPFS driver, on handles that simulated-opfs.ts makes: what a failing call means is judged by
 * the code that judges it in a browser.
 */

import { opfsStorage } from '../storage/opfs.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import type { Random } from './random.js'
import { type Call, type Fault, simulatedDirectory } from './simulated-opfs.js'

type Change = { kind: 'write'; at: number; bytes: Uint8Array } | { kind: 'truncate'; size: number }

export interface Inode {
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
  /** The open handles. A file has one at most. */
  readonly handles = new Map<string, { end(): void }>()
  readonly #driver = opfsStorage(simulatedDirectory(this))
  /** Called before each call is carried out: answers how it is to fail, if it is; or throws what it is to fail with. May keep a snapshot. */
  onCall: (call: Call, path: string) => Fault | undefined = () => undefined
  /** How much a write that fails leaves behind, of so many bytes. */
  kept: (bytes: number) => number = (bytes) => bytes >> 1
  /** Consulted by calls that grow a file: how many of the bytes still fit. */
  room: (bytes: number) => number = (bytes) => bytes
  /** How a call fails that does not fit. */
  whenFull: Fault = 'quota'

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

  /** Damage, under whoever has the file open. */
  overwrite(path: string, bytes: Uint8Array): void {
    const inode = this.#files.get(path)
    if (inode === undefined) throw new Error(`there is no file ${path}`)
    Object.assign(inode, { base: bytes, content: bytes, changes: [] })
  }

  async list(path: string): Promise<string[]> {
    return await this.#driver.list(path)
  }

  async open(path: string, options?: { create?: boolean }): Promise<StorageFile> {
    return await this.#driver.open(path, options)
  }

  async remove(path: string): Promise<void> {
    await this.#driver.remove(path)
  }

  /** From here on: what the simulated OPFS does with it. */

  paths(): Iterable<string> {
    return this.#files.keys()
  }

  inode(path: string): Inode | undefined {
    return this.#files.get(path)
  }

  make(path: string): void {
    this.#files.set(path, { base: new Uint8Array(0), isDurable: false, changes: [], content: new Uint8Array(0) })
  }

  unlink(path: string): void {
    const inode = this.#files.get(path)
    this.#files.delete(path)
    if (inode?.isDurable) this.#removed.set(path, inode.base)
  }

  change(inode: Inode, change: Change): void {
    inode.changes.push(change)
    inode.content = changed(inode.content, change)
  }

  flush(path: string, inode: Inode): void {
    inode.base = inode.content
    inode.changes = []
    inode.isDurable = true
    this.#removed.delete(path)
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
