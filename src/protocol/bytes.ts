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

/** Gathers the bytes of one envelope. What is added is known by the number of its slice. */
export class Packer {
  readonly buffers: ArrayBuffer[] = []
  /** Those of the buffers that are moved with the message. */
  readonly transfers: ArrayBuffer[] = []
  readonly #slices: number[] = []
  #slab: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #slabNumber = -1
  #slabBytes = SLAB_BYTES_MIN
  #used = 0

  /** Bytes that stay the caller's: they are copied, here and now. */
  copy(bytes: Uint8Array): number {
    const size = bytes.length
    if (size > SMALL_BYTES_MAX) return this.move(new Uint8Array(bytes))
    if (this.buffers.length === 0) return this.#add(this.buffers.push(new Uint8Array(bytes).buffer) - 1, 0, size)
    if (this.#slabNumber < 0 || this.#used + size > this.#slab.length) {
      // A new one, not a larger one: nothing is copied twice.
      this.#slab = new Uint8Array(this.#slabBytes)
      this.#slabBytes = Math.min(this.#slabBytes * 4, SLAB_BYTES_MAX)
      this.#slabNumber = this.#transfer(this.#slab.buffer)
      this.#used = 0
    }
    const at = this.#used
    this.#slab.set(bytes, at)
    this.#used += size
    return this.#add(this.#slabNumber, at, size)
  }

  /** Bytes that the caller has done with: a large buffer is transferred, if it holds nothing else. */
  move(bytes: Uint8Array<ArrayBuffer>): number {
    const { buffer, length } = bytes
    const isSmall = length <= SMALL_BYTES_MAX && this.buffers.length > 0
    if (isSmall || length < buffer.byteLength) return this.copy(bytes)
    const number = length > SMALL_BYTES_MAX ? this.#transfer(buffer) : this.buffers.push(buffer) - 1
    return this.#add(number, 0, length)
  }

  /** `size` bytes of a slice, from `at` in it. */
  part(slice: number, at: number, size: number): number {
    const [buffer = 0, offset = 0] = this.#slices.slice(slice * 3, slice * 3 + 2)
    return this.#add(buffer, offset + at, size)
  }

  slices(): Envelope<unknown>['slices'] {
    return this.#slices.length > PLAIN_LENGTH_MAX ? new Float64Array(this.#slices) : this.#slices
  }

  #transfer(buffer: ArrayBuffer): number {
    this.transfers.push(buffer)
    return this.buffers.push(buffer) - 1
  }

  #add(buffer: number, at: number, size: number): number {
    return this.#slices.push(buffer, at, size) / 3 - 1
  }
}
