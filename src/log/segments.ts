/**
 * The segments' files: their names, which of them exist, and the handles that are open. Opening a handle costs a millisecond
 * and more, so they are kept, the least recently used closed first; the one being written is pinned. One that the system refused is
 * given up, so that the next use opens the file anew.
 * Invariant: `list()` names every segment file there is.
 */

import { assert, closedError, isStoreError, StoreError } from '../errors.js'
import { DATA_DIR, decimal, segmentPath } from '../format/paths.js'
import { splitPath } from '../storage/path.js'
import type { Storage } from '../storage/storage.js'
import { unlessAbsent } from '../storage/use.js'
import { WatchedFile } from './watched-file.js'

/** Safari is reported to stop at about 252 sync access handles in an origin; other stores may be open beside this one. */
const OPEN_HANDLES_MAX = 100

export interface FoundSegment {
  segment: number
  path: string
}

/** What the names in data/ say: the files that may be segments, and whether there is anything at all. Foreign names are left alone. */
export async function findSegments(storage: Storage): Promise<{ found: FoundSegment[]; isEmpty: boolean }> {
  const found: FoundSegment[] = []
  const names = await storage.list(DATA_DIR)
  for (const directory of names) {
    if (!directory.endsWith('/') || decimal(directory.slice(0, -1)) === undefined) continue
    for (const name of await storage.list(`${DATA_DIR}/${directory.slice(0, -1)}`)) {
      const segment = decimal(name)
      if (segment !== undefined) found.push({ segment, path: `${DATA_DIR}/${directory}${name}` })
    }
  }
  return { found, isEmpty: names.length === 0 }
}

export class SegmentFiles {
  readonly #storage: Storage
  readonly #segmentsPerDir: number
  readonly #handlesMax: number
  /** Open handles, least recently used first. */
  readonly #open = new Map<number, WatchedFile>()
  readonly #opening = new Map<number, Promise<WatchedFile>>()
  readonly #present = new Set<number>()
  #pinned: number | undefined
  #isClosed = false

  constructor(storage: Storage, segmentsPerDir: number, handlesMax = OPEN_HANDLES_MAX) {
    this.#storage = storage
    this.#segmentsPerDir = segmentsPerDir
    this.#handlesMax = handlesMax
  }

  /** Takes in which segments there are. Those in a directory that is not theirs are left alone. */
  discover(found: readonly FoundSegment[]): void {
    for (const { segment, path } of found) if (path === this.path(segment)) this.#present.add(segment)
  }

  /** Every segment, ascending. */
  list(): number[] {
    return [...this.#present].sort((a, b) => a - b)
  }

  has(segment: number): boolean {
    return this.#present.has(segment)
  }

  path(segment: number): string {
    return segmentPath(segment, this.#segmentsPerDir)
  }

  /** The handle if it is open. Only good until the next `await`: another opening may close it. */
  peek(segment: number): WatchedFile | undefined {
    const file = this.#open.get(segment)
    if (file === undefined) return undefined
    this.#open.delete(segment)
    if (file.isRefused) {
      file.close()
      return undefined
    }
    this.#open.set(segment, file)
    return file
  }

  /** Opens a segment that exists; only `peek` after it gives a handle that is surely open. */
  async open(segment: number): Promise<void> {
    if (this.peek(segment)) return
    await this.#acquire(segment, false)
  }

  /** Calls `use` with an open handle, and once more with a new one if the system refused that; `use` must not wait. NOT_FOUND when the segment is gone. */
  async with<T>(segment: number, use: (file: WatchedFile) => T): Promise<T> {
    for (let isRetry = false; ; ) {
      const file = this.peek(segment)
      if (file === undefined) {
        await this.open(segment)
        continue
      }
      try {
        return use(file)
      } catch (error) {
        if (isRetry || !file.isRefused) throw error
        isRetry = true
      }
    }
  }

  /** Makes an empty segment, or empties the one that is there, and opens it. */
  async create(segment: number): Promise<WatchedFile> {
    const file = await this.#acquire(segment, true)
    this.#present.add(segment)
    if (file.size() > 0) file.truncate(0)
    return file
  }

  /** Keeps the handle of this segment open, and no longer that of the one pinned before. */
  pin(segment: number | undefined): void {
    this.#pinned = segment
  }

  async remove(segment: number): Promise<void> {
    assert(segment !== this.#pinned, 'the segment being written is never removed')
    await this.#opening.get(segment)?.catch(() => undefined)
    this.#open.get(segment)?.close()
    this.#open.delete(segment)
    // One that could not be made may be there all the same; a directory of its name is not ours.
    if (!this.#present.has(segment) && !(await this.#isFile(segment))) return
    await unlessAbsent(this.#storage.remove(this.path(segment)))
    this.#present.delete(segment)
  }

  /** Removes a segment for good: emptied on the disk first, so that a crash that undoes the removal brings back nothing. */
  async discard(segment: number): Promise<void> {
    if (!this.#present.has(segment)) return
    await this.open(segment)
    const file = this.peek(segment)
    assert(file !== undefined, 'a segment that was just opened is open')
    if (file.size() > 0) file.truncate(0)
    // Even when it looks empty: an emptying before this one may have failed at its flush.
    await file.flush()
    await this.remove(segment)
  }

  /** Closes every handle. Waits for those being opened, so that none is left behind. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#pinned = undefined
    await Promise.allSettled(this.#opening.values())
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }

  async #acquire(segment: number, create: boolean): Promise<WatchedFile> {
    const open = this.peek(segment)
    if (open) return open
    let opening = this.#opening.get(segment)
    if (opening === undefined) {
      opening = this.#openFile(segment, create).finally(() => this.#opening.delete(segment))
      this.#opening.set(segment, opening)
    }
    return await opening
  }

  async #openFile(segment: number, create: boolean): Promise<WatchedFile> {
    if (!create && !this.#present.has(segment)) {
      throw new StoreError('NOT_FOUND', `segment ${segment} is not there`, {
        where: { segment, file: this.path(segment) },
      })
    }
    if (this.#isClosed) throw closedError()
    const file = await this.#openOrForget(segment, create)
    this.#open.set(segment, file)
    this.#evict(segment)
    return file
  }

  async #openOrForget(segment: number, create: boolean): Promise<WatchedFile> {
    try {
      return new WatchedFile(await this.#storage.open(this.path(segment), { create }))
    } catch (error) {
      // It vanished under us: from now on it is a missing segment.
      if (isStoreError(error, 'NOT_FOUND')) this.#present.delete(segment)
      throw error
    }
  }

  async #isFile(segment: number): Promise<boolean> {
    const { directories, name } = splitPath(this.path(segment))
    return (await this.#storage.list(directories.join('/'))).includes(name)
  }

  #evict(keep: number): void {
    for (const [segment, file] of this.#open) {
      if (this.#open.size <= this.#handlesMax) return
      if (segment === this.#pinned || segment === keep) continue
      file.close()
      this.#open.delete(segment)
    }
  }
}
