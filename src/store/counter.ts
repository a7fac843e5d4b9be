/** Counts by key: as committed, and what the open transaction adds to them or takes away. */

import { records } from '../format/checkpoint.js'
import { keyHex } from '../format/key.js'
import type { Table } from '../kernel/kernel.js'

export class Counter {
  /** The count is the `size` of its entry; a key that nothing counts has none. */
  readonly #committed: Table
  readonly #changes = new Map<string, { key: Uint8Array; by: number }>()

  constructor(table: Table) {
    this.#committed = table
  }

  /** Keys with a count, as committed. */
  get size(): number {
    return this.#committed.count
  }

  /** How many of these are in `table` as well. */
  sizeWithin(table: Table): number {
    const block = this.#committed.entries()
    let size = 0
    for (const { at } of records(block)) if (table.has(block, at)) size++
    return size
  }

  get isChanging(): boolean {
    return this.#changes.size > 0
  }

  /** As the open transaction sees it. */
  count(key: Uint8Array): number {
    return this.committed(key) + (this.#changes.get(keyHex(key))?.by ?? 0)
  }

  /** Of the key at `at`. */
  committed(keys: Uint8Array, at = 0): number {
    return this.#committed.find(keys, at)?.size ?? 0
  }

  change(key: Uint8Array, by: number): void {
    const hex = keyHex(key)
    this.#changes.set(hex, { key, by: by + (this.#changes.get(hex)?.by ?? 0) })
  }

  /** Takes the memory that `commit` needs. Throws RangeError when there is none. */
  reserve(): void {
    let added = 0
    for (const { key, by } of this.#changes.values()) if (by > 0 && this.committed(key) === 0) added++
    if (added > 0) this.#committed.reserve(added)
  }

  /** Cannot fail after `reserve`. */
  commit(): void {
    for (const { key, by } of this.#changes.values()) {
      const count = this.committed(key) + by
      if (count > 0) this.#committed.set(key, 0, 0, 0, count)
      else this.#committed.delete(key)
    }
    this.rollback()
  }

  rollback(): void {
    if (this.#changes.size > 0) this.#changes.clear()
  }

  /** Counts anew what is committed: one for each time a key stands in `keys`. The open transaction's changes stay. */
  replace(keys: readonly Uint8Array[]): void {
    this.#committed.clear()
    for (const key of keys) this.#committed.set(key, 0, 0, 0, this.committed(key) + 1)
  }
}
