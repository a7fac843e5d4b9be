/**
 * A content on its way in: bytes come piece by piece, chunks and keys go out. It holds some mebibytes, however long the
 * content. What becomes of the chunks is the business of the sink: a transaction that is open anyway, or transactions of their own.
 *
 * The bytes stay where they have come to lie, in one half of an arena, until the sink has stored their chunks; meanwhile those that
 * come next go to the other half. Nothing is copied to fresh memory: that costs as much as its SHA-256 by the platform.
 */

import { type ChunkSizes, wholeBytesMax } from '../format/chunks.js'
import type { Chunk } from '../format/manifest.js'
import type { Arena, Chunker, Kernel, Sha256Stream } from '../kernel/kernel.js'
import type { Hasher } from './hash.js'

/** Bytes are taken in this many at a time. */
const PIECE_BYTES = 512 * 1024

/** `bytes` are good until the sink has stored them. */
export interface ChunkWithBytes extends Chunk {
  bytes: Uint8Array<ArrayBuffer>
}

/** Stores chunks. `state` is that of the SHA-256 of all bytes up to the last of them. */
export type Sink = (chunks: ChunkWithBytes[], state: Uint8Array) => Promise<void>

/** A content that is not cut comes out as its bytes, a larger one as chunks that the sink has got. */
export type Uploaded = { key: Uint8Array<ArrayBuffer>; size: number } & (
  | { bytes: Uint8Array<ArrayBuffer> }
  | { chunks: Chunk[] }
)

/** A chunk in the arena. */
interface Waiting {
  at: number
  size: number
  key: Promise<Uint8Array> | Uint8Array
}

export interface UploadOptions {
  kernel: Kernel
  hasher: Hasher
  sizes: ChunkSizes
}

export class Upload {
  readonly #hasher: Hasher
  readonly #sink: Sink
  /** A content up to this size is not cut; chunks are handed on when they come to as much. */
  readonly #wholeBytesMax: number
  readonly #halfBytes: number
  readonly #arena: Arena
  readonly #chunker: Chunker
  readonly #sha: Sha256Stream
  /** Where the half that is being filled begins, the chunk that is, and where the next bytes go. */
  #half = 0
  #chunk = 0
  #filled = 0
  /** Chunks in this half, which the sink has not got yet, their keys maybe still being made, and the state after the last of them. */
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #state: Uint8Array
  /** The sink at its work on the other half. */
  #storing: Promise<void> = Promise.resolve()
  readonly #stored: Chunk[]
  /** The sink has got, or is getting, chunks of this content. */
  #isCut: boolean
  /** Bytes taken so far. */
  #size: number

  /** Goes on behind `stored`, if it is given, with the state that the sink got for the last of those chunks. */
  constructor({ kernel, hasher, sizes }: UploadOptions, sink: Sink, begun?: { stored: Chunk[]; state: Uint8Array }) {
    this.#hasher = hasher
    this.#sink = sink
    this.#wholeBytesMax = wholeBytesMax(sizes)
    // Less than a chunk and a piece may be there beside the chunks that are due.
    this.#halfBytes = this.#wholeBytesMax + sizes.max + PIECE_BYTES
    this.#arena = kernel.arena(2 * this.#halfBytes)
    this.#chunker = this.#arena.chunker(sizes)
    this.#sha = this.#arena.sha256Stream()
    if (begun) this.#sha.restore(begun.state)
    this.#state = this.#sha.save()
    this.#stored = begun?.stored ?? []
    this.#isCut = this.#stored.length > 0
    this.#size = this.#stored.reduce((sum, { size }) => sum + size, 0)
  }

  /** Takes all of `bytes`, which the caller may change afterwards. Chunks before them may still be on their way to the sink: `stored` says when they are there. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.#take(bytes.subarray(at, at + PIECE_BYTES))
      if (this.#isCut ? this.#waitingBytes >= this.#wholeBytesMax : this.#size > this.#wholeBytesMax) await this.#next()
    }
  }

  /** The content has ended: its key, and what there is of it. */
  async finish(): Promise<Uploaded> {
    const size = this.#size
    const last = this.#filled - this.#chunk
    if (last > 0) this.#endChunk(last)
    const key = this.#sha.digest()
    this.#state = this.#sha.save()
    if (size <= this.#wholeBytesMax && !this.#isCut)
      return { key, size, bytes: this.#arena.view(this.#half, size).slice() }
    await this.handOn()
    return { key, size, chunks: this.#stored }
  }

  /** Gives the sink every whole chunk that it has not got, and waits until it has stored them. */
  async handOn(): Promise<void> {
    await this.#next()
    await this.stored()
  }

  /** Waits for the sink, and throws what it throws. */
  async stored(): Promise<void> {
    await this.#storing
  }

  /** The end, however it came: when the sink has nothing to do any more. */
  async end(): Promise<void> {
    await this.#storing.catch(() => undefined)
  }

  #take(piece: Uint8Array): void {
    const begin = this.#filled
    const end = begin + piece.length
    this.#arena.view(begin, piece.length).set(piece)
    this.#filled = end
    this.#size += piece.length
    let cut = begin
    for (;;) {
      const taken = this.#chunker.cut(cut, end - cut)
      if (taken === 0) break
      cut += taken
      this.#endChunk(cut - this.#chunk)
      if (cut === end) break
    }
    if (cut > begin) {
      this.#sha.update(begin, cut - begin)
      this.#state = this.#sha.save()
    }
    if (cut < end) this.#sha.update(cut, end - cut)
  }

  #endChunk(size: number): void {
    const at = this.#chunk
    const key = this.#hasher.sha256(this.#arena.view(at, size))
    if (key instanceof Promise) key.catch(() => undefined)
    this.#waiting.push({ at, size, key })
    this.#waitingBytes += size
    this.#chunk += size
  }

  /** Has the sink store the chunks of this half, and goes on in the other one, once the sink is done with that. */
  async #next(): Promise<void> {
    if (this.#waiting.length === 0) return
    await this.#storing
    this.#isCut = true
    this.#storing = this.#store(this.#waiting, this.#state)
    // Met by whoever waits for it next.
    this.#storing.catch(() => undefined)
    this.#waiting = []
    this.#waitingBytes = 0
    const half = this.#half === 0 ? this.#halfBytes : 0
    this.#arena.view(half, this.#filled - this.#chunk).set(this.#arena.view(this.#chunk, this.#filled - this.#chunk))
    this.#filled += half - this.#chunk
    this.#chunk = half
    this.#half = half
  }

  async #store(waiting: Waiting[], state: Uint8Array): Promise<void> {
    const chunks: ChunkWithBytes[] = []
    for (const { at, size, key } of waiting) chunks.push({ key: await key, size, bytes: this.#arena.view(at, size) })
    await this.#sink(chunks, state)
    for (const { key, size } of chunks) this.#stored.push({ key, size })
  }
}
