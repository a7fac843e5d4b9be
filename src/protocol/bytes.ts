/**
 * How bytes travel: an envelope carries messages, the buffers their bytes are in, and a table of slices
 * (buffer, offset, size) of those buffers; a message names bytes by the number of a slice. Small values are
 * gathered in slabs, because each transferred buffer costs more than copying a few KiB; large ones go in a buffer
 * of their own, which is moved. Used by both sides, through `Outbox`.
 */

/** Values up to this many bytes share slabs. */
export const SMALL_BYTES_MAX = 16 * 1024
const SLAB_BYTES_MIN = 16 * 1024
const SLAB_BYTES_MAX = 1024 * 1024

export interface Envelope<Item> {
  items: Item[]
  buffers: ArrayBuffer[]
  /** Three numbers a slice: which buffer, offset in it, size. */
  slices: Uint32Array
}

/** A view of slice number `index`. */
export function sliceOf({ buffers, slices }: Envelope<unknown>, index: number): Uint8Array<ArrayBuffer> {
  const buffer = buffers[slices[index * 3] as number] as ArrayBuffer
  return new Uint8Array(buffer, slices[index * 3 + 1], slices[index * 3 + 2])
}

/** Gathers the bytes of one envelope. Every method answers with the number of the slice. */
export class Packer {
  readonly buffers: ArrayBuffer[] = []
  readonly #slices: number[] = []
  readonly #numbers = new Map<ArrayBuffer, number>()
  #slab: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #used = 0

  /** Bytes that stay the caller's: they are copied, here and now. */
  copy(bytes: Uint8Array): number {
    if (bytes.length > SMALL_BYTES_MAX) return this.move(new Uint8Array(bytes))
    const at = this.#room(bytes.length)
    this.#slab.set(bytes, at)
    return this.#take(at, bytes.length)
  }

  /** Bytes that the caller has done with, and whose buffer holds nothing else of use: it is transferred. Several slices may share it. */
  move(bytes: Uint8Array<ArrayBuffer>): number {
    return this.#add(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  text(text: string): number {
    // A UTF-16 unit takes at most 3 bytes of UTF-8.
    if (text.length * 3 > SMALL_BYTES_MAX) return this.copyOrMove(new TextEncoder().encode(text))
    const at = this.#room(text.length * 3)
    return this.#take(at, new TextEncoder().encodeInto(text, this.#slab.subarray(at)).written)
  }

  /** Bytes that the caller has done with: large or shared ones move, small ones of their own are cheaper to copy. */
  copyOrMove(bytes: Uint8Array<ArrayBuffer>): number {
    const small = bytes.length <= SMALL_BYTES_MAX && bytes.length === bytes.buffer.byteLength
    return small ? this.copy(bytes) : this.move(bytes)
  }

  slices(): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.#slices)
  }

  /** Where in the slab the next `size` bytes go. A slab is never grown, so nothing is copied twice. */
  #room(size: number): number {
    if (this.#used + size > this.#slab.length) {
      this.#slab = new Uint8Array(Math.min(Math.max(SLAB_BYTES_MIN, this.#slab.length * 2), SLAB_BYTES_MAX))
      this.#used = 0
    }
    return this.#used
  }

  #take(at: number, size: number): number {
    this.#used = at + size
    return this.#add(this.#slab.buffer, at, size)
  }

  #add(buffer: ArrayBuffer, at: number, size: number): number {
    let number = this.#numbers.get(buffer)
    if (number === undefined) {
      number = this.buffers.push(buffer) - 1
      this.#numbers.set(buffer, number)
    }
    return (this.#slices.push(number, at, size) - 3) / 3
  }
}
