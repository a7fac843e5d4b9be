/**
 * SHA-256 of a message that comes in pieces, and whose hashing can be interrupted: what it needs to go on is 104 bytes, which may
 * be stored and restored anywhere. Made by `Arena.sha256Stream`.
 * Invariant: the state depends on the bytes so far alone, not on the pieces they came in.
 */

import { type Address, bufferOf, type Exports } from './instance.js'

/**
 * The state, as it is saved; all numbers little endian.
 *
 *     offset  bytes
 *     0       32     words     the hash value of FIPS 180-4, H0 to H7, after the whole blocks so far: u32 each
 *     32      8      count     bytes so far: u64, at most 2^53 - 1
 *     40      64     pending   the last `count mod 64` bytes, which fill no block yet, then zeros
 */
export const SHA256_STATE = { words: 0, count: 32, pending: 40, bytes: 104 } as const

const BLOCK_BYTES = 64
const DIGEST_BYTES = 32

export class Sha256Stream {
  readonly #exports: Exports
  readonly #address: Address
  #state: Uint8Array<ArrayBuffer>

  constructor(exports: Exports, address: Address) {
    this.#exports = exports
    this.#address = address
    exports.sha256Begin()
    this.#state = this.#memory().slice()
  }

  /** Takes [at, at + size) of the arena as the next bytes of the message. */
  update(at: number, size: number): void {
    const address = this.#address(at, size)
    const state = this.#memory()
    state.set(this.#state)
    this.#exports.sha256Update(address, size)
    this.#state.set(state)
  }

  /** SHA-256 of the bytes so far, as 32 bytes of its own; the stream may go on afterwards. */
  digest(): Uint8Array<ArrayBuffer> {
    this.#memory().set(this.#state)
    this.#exports.sha256Digest()
    return new Uint8Array(bufferOf(this.#exports), this.#exports.DIGESTS.value, DIGEST_BYTES).slice()
  }

  /** The state, in the layout of `SHA256_STATE`: a copy. */
  save(): Uint8Array<ArrayBuffer> {
    return this.#state.slice()
  }

  /** Goes on from what `save` gave. False, and the stream is as it was, when `saved` cannot be a state. */
  restore(saved: Uint8Array): boolean {
    if (saved.length !== SHA256_STATE.bytes) return false
    const state = saved.slice()
    const count = new DataView(state.buffer).getBigUint64(SHA256_STATE.count, true)
    if (count > Number.MAX_SAFE_INTEGER) return false
    const rest = Number(count % BigInt(BLOCK_BYTES))
    if (state.subarray(SHA256_STATE.pending + rest).some((byte) => byte !== 0)) return false
    if (count < BLOCK_BYTES) {
      // Before the first block the words are known. So nobody's zeros pass for a state.
      this.#exports.sha256Begin()
      const begun = this.#memory()
      if (state.subarray(0, SHA256_STATE.count).some((byte, at) => byte !== begun[at])) return false
    }
    this.#state = state
    return true
  }

  /** Where the kernel expects the state. Taken anew each time: the arena may have grown. */
  #memory(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(bufferOf(this.#exports), this.#exports.STATE.value, SHA256_STATE.bytes)
  }
}
