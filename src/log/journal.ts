/**
 * The entries of one transaction, in order: what a commit will apply to the state. Used by a transaction that is being
 * written and by the replay of one that may or may not turn out to be committed.
 */

import { TAG, type Tag } from '../format/entry.js'
import { isUserKey, KEY_BYTES } from '../format/key.js'
import type { Location } from '../kernel/kernel.js'
import { isBefore, type Position } from './position.js'
import type { LogState } from './state.js'

const PLACE_NUMBERS = 3
/** PUTs that a commit applies together, if their keys are new. */
const RUN_MAX = 256
const RUN_MIN = 8

export class Journal {
  #tags = new Uint8Array(64)
  #keys = new Uint8Array(64 * KEY_BYTES)
  /** Segment, offset, size of each. */
  #places = new Uint32Array(64 * PLACE_NUMBERS)
  #count = 0

  get count(): number {
    return this.#count
  }

  add(tag: Tag, keys: Uint8Array, keyAt: number, segment: number, offset: number, size: number): void {
    if (this.#count === this.#tags.length) this.#grow()
    // By bytes: a view of 32 of them takes longer than they do.
    const own = this.#keys
    const to = this.#count * KEY_BYTES
    for (let i = 0; i < KEY_BYTES; i++) own[to + i] = keys[keyAt + i] as number
    const at = this.#count * PLACE_NUMBERS
    this.#tags[this.#count] = tag
    this.#places[at] = segment
    this.#places[at + 1] = offset
    this.#places[at + 2] = size
    this.#count++
  }

  /** True when every entry is a DELETE. */
  get onlyDeletes(): boolean {
    for (let i = 0; i < this.#count; i++) if (this.#tag(i) !== TAG.delete) return false
    return true
  }

  clear(): void {
    this.#count = 0
  }

  /** Takes the memory that `commit` needs, for entries of so many different keys. Throws RangeError when there is none. */
  reserve(state: LogState, keyCount: number): void {
    const total = this.#count
    if (total <= RUN_MAX) {
      // Of few it costs less to take too much than to count them.
      state.reserve(total, total)
      return
    }
    const places = new Uint32Array(RUN_MAX * PLACE_NUMBERS)
    let known = 0
    for (let from = 0; from < total; from += RUN_MAX) {
      const to = Math.min(from + RUN_MAX, total)
      state.keys.findMany(this.#keys.subarray(from * KEY_BYTES, to * KEY_BYTES), places)
      for (let i = 0; i < to - from; i++) if (places[i * PLACE_NUMBERS + 2] !== 0) known++
    }
    state.reserve(total - known, known + total - keyCount)
  }

  /** Applies all entries to the state, in order, and is empty afterwards. */
  commit(state: LogState): void {
    for (let from = 0; from < this.#count; ) {
      const to = this.#runEnd(from)
      // The rest of a run in which a key is not new goes one by one.
      let next = from + (to - from < RUN_MIN ? 0 : this.#commitNew(state, from, to))
      for (; next < Math.max(to, from + 1); next++) {
        state.apply(this.#tag(next), this.#keys, next * KEY_BYTES, this.#location(next))
      }
      from = next
    }
    state.transaction++
    this.clear()
  }

  /** Drops the entries that stand at or behind a place in the log, and answers where in each segment the first of them stood. They stand in the log's order. */
  cutAt(place: Position): Map<number, number> {
    let kept = 0
    while (kept < this.#count && isBefore(this.#location(kept), place)) kept++
    const dropped = new Map<number, number>()
    for (let i = kept; i < this.#count; i++) {
      const { segment, offset } = this.#location(i)
      if (!dropped.has(segment)) dropped.set(segment, offset)
    }
    this.#count = kept
    return dropped
  }

  forEach(visit: (tag: Tag, keys: Uint8Array, keyAt: number, location: Location) => void): void {
    for (let i = 0; i < this.#count; i++) visit(this.#tag(i), this.#keys, i * KEY_BYTES, this.#location(i))
  }

  /** Behind the last of the PUTs of users' keys that follow each other from here. */
  #runEnd(from: number): number {
    const limit = Math.min(this.#count, from + RUN_MAX)
    let to = from
    while (to < limit && this.#tags[to] === TAG.put && isUserKey(this.#keys, to * KEY_BYTES)) to++
    return to
  }

  #commitNew(state: LogState, from: number, to: number): number {
    return state.applyNew(
      this.#keys.subarray(from * KEY_BYTES, to * KEY_BYTES),
      this.#places.subarray(from * PLACE_NUMBERS, to * PLACE_NUMBERS),
    )
  }

  #tag(i: number): Tag {
    return this.#tags[i] as Tag
  }

  #location(i: number): Location {
    const at = i * PLACE_NUMBERS
    const places = this.#places
    return { segment: places[at] as number, offset: places[at + 1] as number, size: places[at + 2] as number }
  }

  #grow(): void {
    const tags = new Uint8Array(this.#tags.length * 2)
    tags.set(this.#tags)
    this.#tags = tags
    const keys = new Uint8Array(this.#keys.length * 2)
    keys.set(this.#keys)
    this.#keys = keys
    const places = new Uint32Array(this.#places.length * 2)
    places.set(this.#places)
    this.#places = places
  }
}
