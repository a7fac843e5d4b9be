/**
 * The typed face of the WASM module (assembly/): the one place that knows its memory.
 *
 * Every arena and every table is an instance of the module with a memory of its own. So each can grow in place,
 * none can move under another, and a view is stale only after a call on its own instance that says so.
 */

/** Offsets in an arena are bytes from 0; the kernel's own data lies elsewhere. */
export interface Arena {
  /** Bytes that can be used, from offset 0. */
  readonly capacity: number
  /** Makes `capacity` at least `bytes`. Contents stay; views taken before are stale. Throws RangeError past 1 GiB. */
  reserve(bytes: number): void
  /** A view of [at, at + size). Take it late: `reserve` makes it stale. */
  view(at: number, size: number): Uint8Array<ArrayBuffer>
  /** CRC-32 (IEEE 802.3, as zlib's) of [at, at + size), going on from `crc` (0 to begin). Unsigned. */
  crc32(at: number, size: number, crc?: number): number
  /** SHA-256 of [at, at + size), as 32 bytes of its own (a copy). */
  sha256(at: number, size: number): Uint8Array<ArrayBuffer>
  /** Writes the 9-byte header of the entry [at, at + size), whose body is there already: size, tag, then the CRC over all after it. */
  seal(at: number, size: number, tag: number): void
  /** True when [at, at + size) is one whole entry: its size field says `size`, its tag is known and fits the size, its CRC agrees. */
  verify(at: number, size: number): boolean
  /**
   * Walks entries from `at` to `end` and stops at the first that is not whole and good, or when `records` is full.
   * For each good one it writes [offset in the arena, size, tag] as three u32 into `records`.
   */
  scan(at: number, end: number, records: Uint32Array): ScanResult
}

/** How a scan ended: `at` is the offset of the first byte not walked. */
export interface ScanResult {
  /** Entries found. */
  count: number
  at: number
  /**
   * end: exactly at `end`. full: `records` is full. partial: the entry at `at` goes past `end` (its `size` field, plausible but
   * unproven, is in `need`; 9 if not even a header fits). corrupt: the size or tag at `at` is impossible, or the CRC disagrees.
   */
  stop: 'end' | 'full' | 'partial' | 'corrupt'
  /** For `partial`: bytes the entry at `at` would need. 0 otherwise. */
  need: number
}

/** A place in the log. `size` is that of the whole entry. */
export interface Location {
  segment: number
  offset: number
  size: number
}

/**
 * A hash table from 32-byte keys to three u32. Its entries stand densely in one block, 44 bytes each
 * (key, segment, offset, size; little endian), which is what a checkpoint stores.
 */
export interface Table {
  /** Keys in the table. */
  readonly count: number
  /** Bytes of its memory. */
  readonly memoryBytes: number
  /** `key` is 32 bytes from `at` (0 unless told) in `keys`. */
  find(keys: Uint8Array, at?: number): Location | undefined
  /** Like `find`, without making an object. */
  has(keys: Uint8Array, at?: number): boolean
  /** Adds or replaces. Throws RangeError when the memory can't grow; the table is then as before. */
  set(keys: Uint8Array, at: number, segment: number, offset: number, size: number): void
  /** False if the key was not there. The last entry of the block takes the place of the removed one. */
  delete(keys: Uint8Array, at?: number): boolean
  clear(): void
  /** The block of entries, `count * 44` bytes: a view, stale after any call that changes the table. */
  entries(): Uint8Array<ArrayBuffer>
  /**
   * Replaces the contents by a block of `count` entries: `fill` gets the view to read them into. If `fill` returns false, or a key
   * stands in the block twice, the table is left empty and the answer is false.
   */
  load(count: number, fill: (block: Uint8Array<ArrayBuffer>) => boolean): boolean
  /** CRC-32 of `entries()`. */
  crc32(): number
}

export interface Kernel {
  /** An arena of at least `bytes`. */
  arena(bytes: number): Arena
  /** An empty table whose hash is mixed with `seed` (any 64 bits), so that nobody can choose keys that collide. */
  table(seed: bigint): Table
}
