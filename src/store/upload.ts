/**
 * A content on its way in: bytes come piece by piece, chunks and keys go out. It holds a few mebibytes at most, however long the
 * content. What becomes of the chunks is the business of the sink: a transaction that is open anyway, or transactions of their own.
 */

import { type ChunkSizes, wholeBytesMax } from '../format/chunks.js'
import type { Chunk } from '../format/manifest.js'
import type { Arena, Chunker, Kernel, Sha256Stream } from '../kernel/kernel.js'
import type { Hasher } from './hash.js'

/** Bytes are taken in this many at a time. */
const PIECE_BYTES = 256 * 1024

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

export class Upload {
  readonly #hasher: Hasher
  readonly #sink: Sink
  /** A content up to this size is not cut; chunks are handed on when they come to as much. */
  readonly #wholeBytesMax: number
  readonly #arena: Arena
  readonly #sha: Sha256Stream
  readonly #chunker: Chunker
  /** Bytes in the arena that belong to the chunk that is being filled. */
  #filled = 0
  /** Chunks that the sink has not got yet, their keys maybe still being made, and the state after the last of them. */
  #waiting: { bytes: Uint8Array<ArrayBuffer>; key: Promise<Uint8Array> | Uint8Array }[] = []
  #waitingBytes = 0
  #state: Uint8Array
  readonly #stored: Chunk[]
  /** Bytes taken so far. */
  #size: number

  /** Goes on behind `stored`, if it is given, with the state that the sink got for the last of those chunks. */
  constructor(
    kernel: Kernel,
    hasher: Hasher,
    sizes: ChunkSizes,
    sink: Sink,
    begun?: { stored: Chunk[]; state: Uint8Array },
  ) {
    this.#hasher = hasher
    this.#sink = sink
    this.#wholeBytesMax = wholeBytesMax(sizes)
    this.#arena = kernel.arena(sizes.max + PIECE_BYTES)
    this.#sha = this.#arena.sha256Stream()
    this.#chunker = this.#arena.chunker(sizes)
    this.#stored = begun?.stored ?? []
    this.#size = this.#stored.reduce((sum, { size }) => sum + size, 0)
    if (begun) this.#sha.restore(begun.state)
    this.#state = this.#sha.save()
  }

  /** Takes all of `bytes`, which the caller may change afterwards. Waits while chunks are stored. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.#take(bytes.subarray(at, at + PIECE_BYTES))
      if (this.#stored.length > 0 ? this.#waitingBytes >= this.#wholeBytesMax : this.#size > this.#wholeBytesMax)
        await this.handOn()
    }
  }

  /** The content has ended: its key, and what there is of it. */
  async finish(): Promise<Uploaded> {
    const key = this.#sha.digest()
    const size = this.#size
    if (this.#filled > 0) this.#endChunk(this.#filled)
    if (size <= this.#wholeBytesMax && this.#stored.length === 0) return { key, size, bytes: this.#whole() }
    await this.handOn()
    return { key, size, chunks: this.#stored }
  }

  #take(piece: Uint8Array): void {
    const at = this.#filled
    this.#arena.view(at, piece.length).set(piece)
    this.#size += piece.length
    let hashed = at
    let fresh = at
    const end = at + piece.length
    let start = 0
    while (fresh < end) {
      const taken = this.#chunker.cut(fresh, end - fresh)
      if (taken === 0) break
      fresh += taken
      this.#sha.update(hashed, fresh - hashed)
      hashed = fresh
      this.#endChunk(fresh - start, start)
      start = fresh
    }
    this.#sha.update(hashed, end - hashed)
    this.#filled = end - start
    if (start > 0) this.#arena.view(0, end).copyWithin(0, start, end)
  }

  #endChunk(size: number, at = 0): void {
    const bytes = this.#arena.view(at, size).slice()
    const key = this.#hasher.sha256(bytes)
    if (key instanceof Promise) key.catch(() => undefined)
    this.#waiting.push({ bytes, key })
    this.#waitingBytes += size
    this.#state = this.#sha.save()
  }

  /** Gives the sink every whole chunk that it has not got. */
  async handOn(): Promise<void> {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    const chunks: ChunkWithBytes[] = []
    for (const { bytes, key } of waiting) chunks.push({ key: await key, size: bytes.length, bytes })
    await this.#sink(chunks, this.#state)
    for (const { key, size } of chunks) this.#stored.push({ key, size })
  }

  #whole(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#size)
    let at = 0
    for (const chunk of this.#waiting) {
      bytes.set(chunk.bytes, at)
      at += chunk.bytes.length
    }
    return bytes
  }
}
