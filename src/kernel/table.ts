/**
 * The index's hash table, in the memory of a WASM instance of its own. Keys go in through one small view, results
 * come out through another, so that a look-up makes no garbage but the `Location` it returns.
 * Invariant: the views are those of the memory as it is; only `set` and `load` can grow it. Made by `Kernel.table`.
 */

import { assert } from '../errors.js'
import { bufferOf, type Exports } from './instance.js'

/** A place in the log. `size` is that of the whole entry. */
export interface Location {
  segment: number
  offset: number
  size: number
}

const ENTRY_SIZE = 44
const KEY_SIZE = 32

/**
 * A hash table from 32-byte keys to three u32. Its entries stand densely in one block, 44 bytes each
 * (key, segment, offset, size; little endian), which is what a checkpoint stores.
 */
export class Table {
  readonly #exports: Exports
  #key: Uint8Array<ArrayBuffer>
  #words: Uint32Array<ArrayBuffer>

  constructor(exports: Exports, seed: bigint) {
    this.#exports = exports
    exports.tableCreate(seed)
    this.#key = keyView(exports)
    this.#words = new Uint32Array(bufferOf(exports))
  }

  /** Keys in the table. */
  get count(): number {
    return this.#exports.tableCount() >>> 0
  }

  /** Bytes of its memory. */
  get memoryBytes(): number {
    return this.#words.byteLength
  }

  /** `key` is 32 bytes from `at` (0 unless told) in `keys`. */
  find(keys: Uint8Array, at = 0): Location | undefined {
    this.#enterKey(keys, at)
    const entry = this.#exports.tableFind() >>> 0
    if (entry === 0) return undefined
    const word = (entry + KEY_SIZE) / 4
    const words = this.#words
    return { segment: words[word] ?? 0, offset: words[word + 1] ?? 0, size: words[word + 2] ?? 0 }
  }

  /** Like `find`, without making an object. */
  has(keys: Uint8Array, at = 0): boolean {
    this.#enterKey(keys, at)
    return this.#exports.tableFind() !== 0
  }

  /** Adds or replaces. Throws RangeError when the memory can't grow; the table is then as before. */
  set(keys: Uint8Array, at: number, segment: number, offset: number, size: number): void {
    this.#enterKey(keys, at)
    const done = this.#exports.tableSet(segment, offset, size) !== 0
    if (this.#key.length === 0) this.#look()
    if (!done) throw this.#noMemory(this.count + 1)
  }

  /** False if the key was not there. The last entry of the block takes the place of the removed one. */
  delete(keys: Uint8Array, at = 0): boolean {
    this.#enterKey(keys, at)
    return this.#exports.tableDelete() !== 0
  }

  clear(): void {
    this.#exports.tableClear()
  }

  /** The block of entries, `count * 44` bytes: a view, stale after any call that changes the table. */
  entries(): Uint8Array<ArrayBuffer> {
    return this.#block(this.count)
  }

  /**
   * Replaces the contents by a block of `count` entries: `fill` gets the view to read them into. If `fill` returns false, or a key
   * stands in the block twice, the table is left empty and the answer is false.
   */
  load(count: number, fill: (block: Uint8Array<ArrayBuffer>) => boolean): boolean {
    const made = this.#exports.tablePrepare(count) !== 0
    if (this.#key.length === 0) this.#look()
    if (!made) throw this.#noMemory(count)
    return fill(this.#block(count)) && this.#exports.tableAdopt(count) !== 0
  }

  /** CRC-32 of `entries()`. */
  crc32(): number {
    return this.#exports.crc32(this.#exports.tableEntries(), this.count * ENTRY_SIZE, 0) >>> 0
  }

  #block(count: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(bufferOf(this.#exports), this.#exports.tableEntries() >>> 0, count * ENTRY_SIZE)
  }

  #enterKey(keys: Uint8Array, at: number): void {
    assert(at >= 0 && at + KEY_SIZE <= keys.length, 'a key is 32 bytes')
    const key = this.#key
    for (let index = 0; index < KEY_SIZE; index++) key[index] = keys[at + index] ?? 0
  }

  /** Views the memory as it is. */
  #look(): void {
    this.#key = keyView(this.#exports)
    this.#words = new Uint32Array(bufferOf(this.#exports))
  }

  #noMemory(count: number): RangeError {
    return new RangeError(`there is no memory for an index of ${count} keys`)
  }
}

function keyView(exports: Exports): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bufferOf(exports), exports.KEY.value, KEY_SIZE)
}
