/**
 * The memory of one piece of an upload: values are copied into it, and the worker gives it back with its answer, to be filled again. The first touch of
 * fresh memory costs a page more than the copy itself. Nobody else's bytes may be in it: they would be gone when it is given back. Used by upload.
 */

import { type Packer, SMALL_BYTES_MAX } from '../protocol/bytes.js'
import type { Slice } from '../protocol/messages.js'

export class Slab implements Pick<Packer, 'copy' | 'move'> {
  /** All of it, by which the worker knows what to give back. */
  readonly whole: Slice
  readonly #packer: Packer
  readonly #memory: Uint8Array<ArrayBuffer>
  #used = 0

  /** `memory` is all of its buffer, and is moved with the packer's message. */
  constructor(packer: Packer, memory: Uint8Array<ArrayBuffer>) {
    this.whole = packer.part(memory)
    this.#packer = packer
    this.#memory = memory
  }

  /** What does not fit travels by itself. */
  copy(bytes: Uint8Array): Slice {
    const at = this.#used
    if (at + bytes.length > this.#memory.length) return this.#packer.copy(bytes)
    this.#memory.set(bytes, at)
    this.#used += bytes.length
    return this.#packer.part(this.#memory.subarray(at, this.#used))
  }

  move(bytes: Uint8Array<ArrayBuffer>): Slice {
    return bytes.length > SMALL_BYTES_MAX ? this.#packer.move(bytes) : this.copy(bytes)
  }
}
