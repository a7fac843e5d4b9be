/**
 * The entries of one transaction, in order: what a commit will apply to the state. Used by a transaction that is being
 * written and by the replay of one that may or may not turn out to be committed.
 */

import { TAG, type Tag } from '../format/entry.js'
import { KEY_BYTES } from '../format/key.js'
import type { Location } from '../kernel/kernel.js'
import { isBefore, type Position } from './position.js'
import type { LogState } from './state.js'

const NUMBERS = 4

export class Journal {
  #keys = new Uint8Array(64 * KEY_BYTES)
  #numbers = new Uint32Array(64 * NUMBERS)
  #count = 0

  get count(): number {
    return this.#count
  }

  add(tag: Tag, keys: Uint8Array, keyAt: number, segment: number, offset: number, size: number): void {
    if ((this.#count + 1) * KEY_BYTES > this.#keys.length) this.#grow()
    this.#keys.set(keys.subarray(keyAt, keyAt + KEY_BYTES), this.#count * KEY_BYTES)
    const at = this.#count * NUMBERS
    this.#numbers[at] = tag
    this.#numbers[at + 1] = segment
    this.#numbers[at + 2] = offset
    this.#numbers[at + 3] = size
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

  /** Applies all entries to the state, in order, and is empty afterwards. */
  commit(state: LogState): void {
    this.forEach((tag, keys, keyAt, location) => {
      state.apply(tag, keys, keyAt, location)
    })
    state.transaction++
    this.clear()
  }

  /** Drops the entries that stand at or behind a place in the log. They stand in the log's order. */
  cutAt(place: Position): void {
    let kept = 0
    while (kept < this.#count && isBefore(this.#location(kept), place)) kept++
    this.#count = kept
  }

  forEach(visit: (tag: Tag, keys: Uint8Array, keyAt: number, location: Location) => void): void {
    for (let i = 0; i < this.#count; i++) visit(this.#tag(i), this.#keys, i * KEY_BYTES, this.#location(i))
  }

  #tag(i: number): Tag {
    return this.#number(i, 0) as Tag
  }

  #location(i: number): Location {
    return { segment: this.#number(i, 1), offset: this.#number(i, 2), size: this.#number(i, 3) }
  }

  #number(i: number, field: number): number {
    return this.#numbers[i * NUMBERS + field] as number
  }

  #grow(): void {
    const keys = new Uint8Array(this.#keys.length * 2)
    keys.set(this.#keys)
    this.#keys = keys
    const numbers = new Uint32Array(this.#numbers.length * 2)
    numbers.set(this.#numbers)
    this.#numbers = numbers
  }
}
