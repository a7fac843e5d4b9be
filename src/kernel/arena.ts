/**
 * A stretch of WASM memory for the bytes of the log: the engine copies or reads them in, and they are hashed, checked
 * and written from where they lie. The kernel's own data stands below `base`, out of the engine's reach: every
 * offset is checked here, because the WASM side believes what it gets. Made by `Kernel.arena`.
 */

import { assert } from '../errors.js'
import { Chunker, type ChunkSizes } from './chunker.js'
import { type Address, bufferOf, type Exports } from './instance.js'
import { Sha256Stream } from './sha256-stream.js'

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

// In the order of the numbers in assembly/entry.ts.
const STOPS = ['end', 'full', 'partial', 'corrupt'] as const

const CAPACITY_MAX = 2 ** 30
const DIGEST_SIZE = 32

/** Offsets in an arena are bytes from 0; the kernel's own data lies elsewhere. */
export class Arena {
  readonly #exports: Exports
  readonly #base: number
  #buffer: ArrayBuffer
  readonly #address: Address = (at, size) => {
    assert(at >= 0 && size >= 0 && at + size <= this.#buffer.byteLength - this.#base, 'the bytes lie in the arena')
    return this.#base + at
  }

  constructor(exports: Exports, bytes: number) {
    this.#exports = exports
    this.#base = exports.BASE.value
    this.#buffer = bufferOf(exports)
    this.reserve(bytes)
  }

  /** Bytes that can be used, from offset 0. */
  get capacity(): number {
    return this.#buffer.byteLength - this.#base
  }

  /** Makes `capacity` at least `bytes`. Contents stay; views taken before are stale. Throws RangeError past 1 GiB. */
  reserve(bytes: number): void {
    if (bytes > CAPACITY_MAX || this.#exports.reserve(this.#base + bytes) === 0) {
      throw new RangeError(`there is no memory for an arena of ${bytes} bytes`)
    }
    this.#buffer = bufferOf(this.#exports)
  }

  /** A view of [at, at + size). Take it late: `reserve` makes it stale. */
  view(at: number, size: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, this.#address(at, size), size)
  }

  /** CRC-32 (IEEE 802.3, as zlib's) of [at, at + size), going on from `crc` (0 to begin). Unsigned. */
  crc32(at: number, size: number, crc = 0): number {
    return this.#exports.crc32(this.#address(at, size), size, crc) >>> 0
  }

  /** SHA-256 of [at, at + size), as 32 bytes of its own (a copy). */
  sha256(at: number, size: number): Uint8Array<ArrayBuffer> {
    return this.sha256Batch([at, size])
  }

  /**
   * SHA-256 of many messages, given as [at, size, at, size, ...]: 32 bytes for each, one after the other. Four are hashed side by
   * side, which is three times as fast as one by one, most when messages of like size stand together.
   */
  sha256Batch(messages: ArrayLike<number>): Uint8Array<ArrayBuffer> {
    const total = messages.length / 2
    const { JOBS, JOBS_MAX, DIGESTS } = this.#exports
    const jobs = new Uint32Array(this.#buffer, JOBS.value, JOBS_MAX.value * 2)
    const result = new Uint8Array(total * DIGEST_SIZE)
    for (let done = 0; done < total; done += JOBS_MAX.value) {
      const count = Math.min(total - done, JOBS_MAX.value)
      for (let job = 0; job < count; job++) {
        const at = messages[2 * (done + job)] ?? 0
        const size = messages[2 * (done + job) + 1] ?? 0
        jobs[2 * job] = this.#address(at, size)
        jobs[2 * job + 1] = size
      }
      this.#exports.sha256(count)
      result.set(new Uint8Array(this.#buffer, DIGESTS.value, count * DIGEST_SIZE), done * DIGEST_SIZE)
    }
    return result
  }

  /** SHA-256 of a message whose pieces come to lie in this arena one after the other. Any number of streams may go on at a time. */
  sha256Stream(): Sha256Stream {
    return new Sha256Stream(this.#exports, this.#address)
  }

  /** Where a content is cut whose pieces come to lie in this arena one after the other. As many at a time as wanted; one for each content. */
  chunker(sizes: ChunkSizes): Chunker {
    return new Chunker(this.#exports, this.#address, sizes)
  }

  /** Writes the 9-byte header of the entry [at, at + size), whose body is there already: size, tag, then the CRC over all after it. */
  seal(at: number, size: number, tag: number): void {
    assert(size >= 9, 'an entry has a header of 9 bytes')
    this.#exports.seal(this.#address(at, size), size, tag)
  }

  /** True when [at, at + size) is one whole entry: its size field says `size`, its tag is known and fits the size, its CRC agrees. */
  verify(at: number, size: number): boolean {
    return this.#exports.verify(this.#address(at, size), size) !== 0
  }

  /**
   * Walks entries from `at` to `end` and stops at the first that is not whole and good, or when `records` is full.
   * For each good one it writes [offset in the arena, size, tag] as three u32 into `records`.
   */
  scan(at: number, end: number, records: Uint32Array): ScanResult {
    const stopAddress = this.#address(at, end - at) + (end - at)
    const limit = Math.floor(records.length / 3)
    const found = new Uint32Array(this.#buffer, this.#exports.RECORDS.value)
    const result: ScanResult = { count: 0, at, stop: 'full', need: 0 }
    // The kernel has room for a thousand records or so at a time.
    do {
      const count = this.#exports.scan(this.#base + result.at, stopAddress, limit - result.count)
      records.set(found.subarray(0, count * 3), result.count * 3)
      const [walked = 0, stop = 0, need = 0] = new Uint32Array(this.#buffer, this.#exports.SCANNED.value, 3)
      result.count += count
      result.at = walked
      result.stop = STOPS[stop] ?? 'corrupt'
      result.need = need
    } while (result.stop === 'full' && result.count < limit)
    return result
  }
}
