/**
 * Where a content is cut into chunks (FORMAT.md, "Chunks"), over bytes that come in pieces. Made by `Arena.chunker`.
 * Invariant: the boundaries follow from the content and the three sizes alone, not from the pieces.
 */

import { assert } from '../errors.js'
import { type Address, bufferOf, type Exports } from './instance.js'

/** In bytes. No chunk but a content's last is smaller than `min`, none is larger than `max`. */
export interface ChunkSizes {
  /** At least 64. */
  min: number
  /** A power of two, from `min` on. Chunks of random bytes are somewhat larger in the mean. */
  average: number
  /** From `average` on, at most 1 GiB. */
  max: number
}

const MIN_LEAST = 64
const MAX_MOST = 2 ** 30

// In the order of assembly/chunker.ts: the hash in two words, bytes of the chunk so far, the three sizes.
const STATE_WORDS = 6

export class Chunker {
  readonly #exports: Exports
  readonly #address: Address
  readonly #state: Uint32Array<ArrayBuffer>

  constructor(exports: Exports, address: Address, { min, average, max }: ChunkSizes) {
    const sizes = [min, average, max]
    assert(
      sizes.every(Number.isInteger) && MIN_LEAST <= min && min <= average && average <= max && max <= MAX_MOST,
      'the sizes of chunks are whole numbers that ascend, from 64 bytes to 1 GiB',
    )
    assert((average & (average - 1)) === 0, 'the average size of chunks is a power of two')
    this.#exports = exports
    this.#address = address
    this.#state = Uint32Array.of(0, 0, 0, ...sizes)
  }

  /**
   * Takes [at, at + size) of the arena as the next bytes of the content, up to the end of the present chunk. Returns how many bytes
   * that is, 1 to `size`; what comes after them is for the next call, and a chunk of its own. 0: the chunk goes on behind all of
   * them. Bytes taken once are not looked at again, wherever they are moved.
   */
  cut(at: number, size: number): number {
    const address = this.#address(at, size)
    const state = new Uint32Array(bufferOf(this.#exports), this.#exports.STATE.value, STATE_WORDS)
    state.set(this.#state)
    const taken = this.#exports.cut(address, size)
    this.#state.set(state)
    return taken
  }
}
