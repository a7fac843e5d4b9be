/**
 * What the log says, in memory: which entry is live for each key, what lies dead in each segment, and which tombstones are
 * still needed. It changes only by the entries of committed transactions, in their order, through `apply` and `retire`; so a replay of
 * the whole log, a replay from a checkpoint and a store that never closed all come to the same state.
 *
 * Shadows: a key is in `shadows` while the log holds PUTs of it that the index no longer points to. `size` counts them;
 * `segment` and `offset` name the newest tombstone while the key is deleted (`segment` is NO_SEGMENT while it is not).
 * A tombstone is live exactly as long as its key has a shadow, so deletes survive compaction and tombstones do not pile up.
 */

import { assert } from '../errors.js'
import { DELETE_BYTES, ENTRY, NO_SEGMENT, TAG, type Tag } from '../format/entry.js'
import { KEY_BYTES, RESERVED, reservedKind } from '../format/key.js'
import type { Kernel, Location, Table } from '../kernel/kernel.js'

export interface SegmentState {
  /** Bytes of the file that committed transactions take. */
  bytes: number
  liveBytes: number
}

export class LogState {
  readonly keys: Table
  readonly shadows: Table
  readonly segments = new Map<number, SegmentState>()
  /** Committed transactions since the store was made. */
  transaction = 0
  /** The last committed segment list; undefined before the first compaction. */
  list: Location | undefined
  /** Live entries of the users' keys, and the bytes of their values. */
  userCount = 0
  userBytes = 0
  /** Live entries of each kind of the store's own, but for segment headers and lists. */
  readonly ownCounts = new Map<number, number>()

  constructor(kernel: Kernel, seed: bigint) {
    this.keys = kernel.table(seed)
    this.shadows = kernel.table(seed ^ 0x9e3779b97f4a7c15n)
  }

  clear(): void {
    this.keys.clear()
    this.shadows.clear()
    this.segments.clear()
    this.transaction = 0
    this.list = undefined
    this.userCount = 0
    this.userBytes = 0
    this.ownCounts.clear()
  }

  /** Live entries of a kind of the store's own. */
  ownCount(kind: number): number {
    return this.ownCounts.get(kind) ?? 0
  }

  segment(segment: number): SegmentState {
    let state = this.segments.get(segment)
    if (state === undefined) {
      state = { bytes: 0, liveBytes: 0 }
      this.segments.set(segment, state)
    }
    return state
  }

  /** The log's bytes in all segments; of these, the live ones. */
  totals(): { bytes: number; liveBytes: number } {
    let bytes = 0
    let liveBytes = 0
    for (const state of this.segments.values()) {
      bytes += state.bytes
      liveBytes += state.liveBytes
    }
    return { bytes, liveBytes }
  }

  /** Takes the memory that `apply` needs for entries of `added` keys, the others being of `replaced` keys. Throws RangeError when there is none. */
  reserve(added: number, replaced: number): void {
    this.keys.reserve(added)
    this.shadows.reserve(replaced)
  }

  /** Takes in one committed PUT or DELETE; `keys` holds its key at `at`. */
  apply(tag: Tag, keys: Uint8Array, at: number, location: Location): void {
    const kind = reservedKind(keys, at)
    if (kind === RESERVED.segmentHeader) return
    if (kind === RESERVED.segmentList) this.#applyList(location)
    else if (tag === TAG.put) this.#put(keys, at, location)
    else this.#delete(keys, at, location)
  }

  /**
   * Takes in committed PUTs of users' keys as `apply` does, up to the first whose key is in the log already, and answers how many.
   * `keys` has 32 bytes for each, `places` its segment, offset and size.
   */
  applyNew(keys: Uint8Array, places: Uint32Array): number {
    const total = this.#unshadowed(keys)
    const added = this.keys.addMany(keys.subarray(0, total * KEY_BYTES), places.subarray(0, total * 3))
    for (let i = 0; i < added; i++) {
      const size = places[i * 3 + 2] as number
      this.segment(places[i * 3] as number).liveBytes += size
      this.userBytes += size - ENTRY.putHeaderBytes
    }
    this.userCount += added
    return added
  }

  /** How many of these keys come before the first that has a shadow. */
  #unshadowed(keys: Uint8Array): number {
    const total = keys.length / KEY_BYTES
    if (this.shadows.count === 0) return total
    const found = new Uint32Array(total * 3)
    this.shadows.findMany(keys, found)
    for (let i = 0; i < total; i++) if (found[i * 3 + 2] !== 0) return i
    return total
  }

  /**
   * Takes in that the entry at `location` is gone with its segment. For a PUT that the index still points to (its tombstone
   * went in the same compaction, and a crash kept the file) the key goes too.
   */
  retireEntry(tag: Tag, keys: Uint8Array, at: number, location: Location): void {
    const kind = reservedKind(keys, at)
    if (tag !== TAG.put || kind === RESERVED.segmentHeader || kind === RESERVED.segmentList) return
    const live = this.keys.find(keys, at)
    if (live && samePlace(live, location)) {
      this.keys.delete(keys, at)
      this.#count(keys, at, live, -1)
      return
    }
    const shadow = this.shadows.find(keys, at)
    if (shadow === undefined) return
    if (shadow.size > 1) {
      this.shadows.set(keys, at, shadow.segment, shadow.offset, shadow.size - 1)
      return
    }
    this.#loseTombstone(shadow)
    this.shadows.delete(keys, at)
  }

  /** True when the entry at `location` must be copied before its segment may go. */
  isLive(tag: Tag, keys: Uint8Array, at: number, location: Location): boolean {
    if (reservedKind(keys, at) === RESERVED.segmentHeader) return false
    if (reservedKind(keys, at) === RESERVED.segmentList) return false // each compaction writes a new one
    const place = tag === TAG.put ? this.keys.find(keys, at) : this.shadows.find(keys, at)
    return place !== undefined && samePlace(place, location)
  }

  #put(keys: Uint8Array, at: number, location: Location): void {
    const old = this.keys.find(keys, at)
    if (old) {
      this.#lose(old)
      this.#count(keys, at, old, -1)
      this.#shadow(keys, at, NO_SEGMENT, 0)
    } else {
      const shadow = this.shadows.find(keys, at)
      if (shadow) {
        this.#loseTombstone(shadow)
        this.shadows.set(keys, at, NO_SEGMENT, 0, shadow.size)
      }
    }
    this.keys.set(keys, at, location.segment, location.offset, location.size)
    this.segment(location.segment).liveBytes += location.size
    this.#count(keys, at, location, 1)
  }

  #delete(keys: Uint8Array, at: number, location: Location): void {
    const old = this.keys.find(keys, at)
    if (old) {
      this.#lose(old)
      this.#count(keys, at, old, -1)
      this.keys.delete(keys, at)
      this.#shadow(keys, at, location.segment, location.offset)
    } else {
      // A tombstone of a key that is deleted already: a compaction's copy, which takes the place of the old one.
      const shadow = this.shadows.find(keys, at)
      if (shadow === undefined) return
      this.#loseTombstone(shadow)
      this.shadows.set(keys, at, location.segment, location.offset, shadow.size)
    }
    this.segment(location.segment).liveBytes += DELETE_BYTES
  }

  /** Counts a live entry that came (1) or went (-1). */
  #count(keys: Uint8Array, at: number, location: Location, change: 1 | -1): void {
    const kind = reservedKind(keys, at)
    if (kind === undefined) {
      this.userCount += change
      this.userBytes += change * valueBytes(location)
    } else {
      this.ownCounts.set(kind, this.ownCount(kind) + change)
    }
  }

  #applyList(location: Location): void {
    if (this.list) this.#lose(this.list)
    this.list = location
    this.segment(location.segment).liveBytes += location.size
  }

  /** One more PUT of the key lies dead in the log. */
  #shadow(keys: Uint8Array, at: number, segment: number, offset: number): void {
    const count = this.shadows.find(keys, at)?.size ?? 0
    this.shadows.set(keys, at, segment, offset, count + 1)
  }

  #loseTombstone(shadow: Location): void {
    if (shadow.segment !== NO_SEGMENT) this.#lose({ ...shadow, size: DELETE_BYTES })
  }

  #lose(location: Location): void {
    const state = this.segments.get(location.segment)
    // A segment that is gone or damaged has no statistics; its entries are then only known to the index.
    if (state === undefined) return
    state.liveBytes -= location.size
    assert(state.liveBytes >= 0, 'a segment has no fewer than zero live bytes')
  }
}

export function samePlace(a: Partial<Location>, b: Partial<Location>): boolean {
  return a.segment === b.segment && a.offset === b.offset
}

export function valueBytes(location: Location): number {
  return location.size - ENTRY.putHeaderBytes
}
