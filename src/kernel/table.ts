/**
 * The index's hash table, in the memory of a WASM instance of its own. Keys go in through one small view, places
 * come out through another, so that a look-up makes no garbage but the `Location` it returns.
 * Invariant: the views are those of the memory as it is; only `reserve`, `set`, `addMany` and `load` can grow it. Made by `Kernel.table`.
 */

import { assert } from '../errors.js'
import { bufferOf, type Exports } from './instance.js'
import { ENTRY_SIZE, Snapshot } from './snapshot.js'

/** A place in the log. `size` is that of the whole entry. */
export interface Location {
  segment: number
  offset: number
  size: number
}

const KEY_SIZE = 32
/** Addresses are of 32 bits. */
const MEMORY_MAX = 2 ** 32

// In many calls, because engines change to optimized code at a call, and this may be the first thing the module does.
const ADOPTED_AT_ONCE = 4096

/**
 * A hash table from 32-byte keys to three u32. Its entries stand densely in one block, 44 bytes each
 * (key, segment, offset, size; little endian), which is what a checkpoint stores.
 */
export class Table {
  readonly #exports: Exports
  #words: Uint32Array<ArrayBuffer>
  #key: Uint32Array<ArrayBuffer>
  /** Is told of each entry that is about to change. */
  #snapshot: Snapshot | undefined

  constructor(exports: Exports, seed: bigint) {
    this.#exports = exports
    exports.tableCreate(seed)
    this.#words = new Uint32Array(bufferOf(exports))
    this.#key = keyView(exports)
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

  /**
   * Looks up all keys of `keys`, 32 bytes each, several times as fast as one by one. Writes [segment, offset, size] of each as three
   * u32 into `locations`; the size is 0 where the key is not in the table.
   */
  findMany(keys: Uint8Array, locations: Uint32Array): void {
    const total = keys.length / KEY_SIZE
    assert(
      Number.isInteger(total) && locations.length >= total * 3,
      'there are whole keys, and room for the place of each',
    )
    const { KEYS, KEYS_MAX, PLACES } = this.#exports
    const source = new Uint8Array(this.#words.buffer, KEYS.value, KEYS_MAX.value * KEY_SIZE)
    const places = new Uint32Array(this.#words.buffer, PLACES.value, KEYS_MAX.value * 3)
    for (let done = 0; done < total; done += KEYS_MAX.value) {
      const count = Math.min(total - done, KEYS_MAX.value)
      source.set(keys.subarray(done * KEY_SIZE, (done + count) * KEY_SIZE))
      this.#exports.tableFindMany(count)
      locations.set(places.subarray(0, count * 3), done * 3)
    }
  }

  /** Like `find`, without making an object. */
  has(keys: Uint8Array, at = 0): boolean {
    this.#enterKey(keys, at)
    return this.#exports.tableFind() !== 0
  }

  /** Takes the memory for so many keys besides those in the table: to set them needs no more. Throws RangeError when there is none. */
  reserve(more: number): void {
    const count = this.count + more
    const done = count * ENTRY_SIZE < MEMORY_MAX && this.#exports.tableReserve(more) !== 0
    this.#followMemory()
    if (!done) throw noMemory(count)
  }

  /** Adds or replaces. Throws RangeError when the memory can't grow; the table is then as before. */
  set(keys: Uint8Array, at: number, segment: number, offset: number, size: number): void {
    this.#enterKey(keys, at)
    this.#snapshot?.keep(this.#indexOfKey() ?? this.count)
    const done = this.#exports.tableSet(segment, offset, size) !== 0
    this.#followMemory()
    if (!done) throw noMemory(this.count + 1)
  }

  /**
   * Adds keys that are not in the table: `keys` has 32 bytes for each, `places` [segment, offset, size] as three u32. Stops at the first
   * that is there already, or when the table has to be laid out anew, and answers how many it added; several times as fast as one by one.
   */
  addMany(keys: Uint8Array, places: Uint32Array): number {
    const total = keys.length / KEY_SIZE
    const { KEYS, KEYS_MAX, PLACES } = this.#exports
    assert(Number.isInteger(total) && places.length === total * 3, 'there are whole keys, and a place for each')
    for (let done = 0; done < total; ) {
      const count = Math.min(total - done, KEYS_MAX.value)
      const { buffer } = this.#words
      new Uint8Array(buffer, KEYS.value).set(keys.subarray(done * KEY_SIZE, (done + count) * KEY_SIZE))
      new Uint32Array(buffer, PLACES.value).set(places.subarray(done * 3, (done + count) * 3))
      const added = this.#exports.tableAddMany(count)
      this.#followMemory()
      done += added
      if (added < count) return done
    }
    return total
  }

  /** False if the key was not there. The last entry of the block takes the place of the removed one. */
  delete(keys: Uint8Array, at = 0): boolean {
    this.#enterKey(keys, at)
    if (this.#snapshot) this.#keepBeforeDelete(this.#snapshot)
    return this.#exports.tableDelete() !== 0
  }

  /** Ends the snapshot too. */
  clear(): void {
    this.#snapshot = undefined
    this.#exports.tableClear()
  }

  /** The block of entries, `count * 44` bytes: a view, stale after any call that changes the table. */
  entries(): Uint8Array<ArrayBuffer> {
    return this.#block(this.count)
  }

  /** The block as it is now, for somebody who reads it while the table changes. One at a time: the one before it is no longer kept up. */
  snapshot(): Snapshot {
    this.#snapshot = new Snapshot(this.count * ENTRY_SIZE, (size) => this.#bytes(size))
    return this.#snapshot
  }

  /** The snapshot is read or given up: nothing is kept for it any more. */
  releaseSnapshot(): void {
    this.#snapshot = undefined
  }

  /**
   * Replaces the contents by a block of `count` entries: `fill` gets the view to read them into. If `fill` returns false, or a key
   * stands in the block twice, the table is left empty and the answer is false. Throws RangeError when the memory can't grow; the
   * table is then as before.
   */
  load(count: number, fill: (block: Uint8Array<ArrayBuffer>) => boolean): boolean {
    this.#snapshot = undefined
    const made = this.#exports.tablePrepare(count) !== 0
    this.#followMemory()
    if (!made) throw noMemory(count)
    if (!fill(this.#block(count))) return false
    for (let done = 0; done < count; ) {
      done = Math.min(done + ADOPTED_AT_ONCE, count)
      if (this.#exports.tableAdopt(done) === 0) return false
    }
    return true
  }

  /** CRC-32 of `entries()`. */
  crc32(): number {
    return this.#exports.crc32(this.#exports.tableEntries(), this.count * ENTRY_SIZE, 0) >>> 0
  }

  #block(count: number): Uint8Array<ArrayBuffer> {
    return this.#bytes(count * ENTRY_SIZE)
  }

  #bytes(size: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#words.buffer, this.#exports.tableEntries() >>> 0, size)
  }

  /** Where the entry of the key that was entered stands in the block. */
  #indexOfKey(): number | undefined {
    const entry = this.#exports.tableFind() >>> 0
    return entry === 0 ? undefined : (entry - (this.#exports.tableEntries() >>> 0)) / ENTRY_SIZE
  }

  /** The last entry takes the place of the removed one; behind it another may come to stand. */
  #keepBeforeDelete(snapshot: Snapshot): void {
    const index = this.#indexOfKey()
    if (index === undefined) return
    snapshot.keep(index)
    snapshot.keep(this.count - 1)
  }

  #enterKey(keys: Uint8Array, at: number): void {
    assert(at >= 0 && at + KEY_SIZE <= keys.length, 'a key is 32 bytes')
    // By words, twice as fast as by bytes, and without the view that `key.set(keys.subarray(...))` would make.
    const key = this.#key
    for (let word = 0, byte = at; word < KEY_SIZE / 4; word++, byte += 4) {
      key[word] =
        (keys[byte] ?? 0) | ((keys[byte + 1] ?? 0) << 8) | ((keys[byte + 2] ?? 0) << 16) | ((keys[byte + 3] ?? 0) << 24)
    }
  }

  /** Takes new views when the memory has grown: the old ones are empty then. */
  #followMemory(): void {
    if (this.#key.length !== 0) return
    this.#words = new Uint32Array(bufferOf(this.#exports))
    this.#key = keyView(this.#exports)
  }
}

function keyView(exports: Exports): Uint32Array<ArrayBuffer> {
  return new Uint32Array(bufferOf(exports), exports.KEYS.value, KEY_SIZE / 4)
}

function noMemory(count: number): RangeError {
  return new RangeError(`there is no memory for an index of ${count} keys`)
}
