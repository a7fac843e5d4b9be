/**
 * How bytes travel: an envelope carries messages, the buffers their bytes are in, and a table of slices
 * (buffer, offset, size) of those buffers; a message names bytes by the number of a slice. Small values are
 * gathered in slabs, because each buffer that is transferred costs more than copying a few KiB; large ones go in a buffer of their own, which
 * is transferred. The first small one of a message, which is mostly the only one, has a buffer of its own too, and is copied by the message.
 * Used by both sides, through `Outbox`.
 */

/** Values up to this many bytes share slabs. */
export const SMALL_BYTES_MAX = 16 * 1024
const SLAB_BYTES_MIN = 16 * 1024
const SLAB_BYTES_MAX = 1024 * 1024
/** Numbers in a table of slices that is a plain list. */
const PLAIN_LENGTH_MAX = 30

export interface Envelope<Item> {
  items: Item[]
  buffers: ArrayBuffer[]
  /** Three numbers a slice: which buffer, offset in it, size. A plain list when it is short: in Chromium that costs a message 10 microseconds less. */
  slices: Float64Array | number[]
}

/** A view of slice number `index`. */
export function sliceOf({ buffers, slices }: Envelope<unknown>, index: number): Uint8Array<ArrayBuffer> {
  const buffer = buffers[slices[index * 3] as number] as ArrayBuffer
  return new Uint8Array(buffer, slices[index * 3 + 1], slices[index * 3 + 2])
}

/**
 * Values that will leave in one message, copied into few buffers. What is taken of them so is copied once on its way, even if the message is made later:
 * see `Packer.part`.
 */
export class Slabs {
  #slab = new Uint8Array(0)
  #slabBytes = SLAB_BYTES_MIN
  #used = 0

  /** What is large has a buffer of its own. */
  copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    const size = bytes.length
    if (size > SMALL_BYTES_MAX) return new Uint8Array(bytes)
    if (this.#used + size > this.#slab.length) {
      // A new one, not a larger one: nothing is copied twice.
      this.#slab = new Uint8Array(this.#slabBytes)
      this.#slabBytes = Math.min(this.#slabBytes * 4, SLAB_BYTES_MAX)
      this.#used = 0
    }
    const copy = this.#slab.subarray(this.#used, this.#used + size)
    copy.set(bytes)
    this.#used += size
    return copy
  }
}

/** Gathers the bytes of one envelope. What is added is known by the number of its slice. */
export class Packer {
  readonly buffers: ArrayBuffer[] = []
  /** Those of the buffers that are moved with the message. */
  readonly transfers: ArrayBuffer[] = []
  /** Bytes of the buffers. */
  size = 0
  readonly #numbers = new Map<ArrayBuffer, number>()
  readonly #slices: number[] = []
  readonly #slabs = new Slabs()

  /** Bytes that stay the caller's: they are copied, here and now. */
  copy(bytes: Uint8Array): number {
    return this.part(this.buffers.length === 0 ? new Uint8Array(bytes) : this.#slabs.copy(bytes))
  }

  /** Bytes that the caller has done with: a large buffer is transferred, if it holds nothing else. */
  move(bytes: Uint8Array<ArrayBuffer>): number {
    const { buffer, length } = bytes
    const isSmall = length <= SMALL_BYTES_MAX && this.buffers.length > 0
    return isSmall || length < buffer.byteLength ? this.copy(bytes) : this.part(bytes)
  }

  /** Bytes that are not copied, whatever they are a part of: the caller has done with all of their buffer, which may hold others of this message. */
  part({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): number {
    let number = this.#numbers.get(buffer)
    if (number === undefined) {
      number = this.buffers.push(buffer) - 1
      this.#numbers.set(buffer, number)
      this.size += buffer.byteLength
      if (buffer.byteLength > SMALL_BYTES_MAX) this.transfers.push(buffer)
    }
    return this.#slices.push(number, byteOffset, length) / 3 - 1
  }

  slices(): Envelope<unknown>['slices'] {
    return this.#slices.length > PLAIN_LENGTH_MAX ? new Float64Array(this.#slices) : this.#slices
  }
}
