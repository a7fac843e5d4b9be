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
/** From this size on another thread, whose start takes as long as hashing some mebibytes, hashes the whole. */
const THREAD_BYTES_LEAST = 16 * 1024 * 1024

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

/**
 * The SHA-256 of a whole content, whose bytes come piece by piece: the one step of an upload that can neither be divided nor given to the platform. So
 * that of a large content goes on in another thread, where there is one. States and the digest are of all bytes taken before the call.
 */
export interface WholeHash {
  /** Takes the next bytes, which may change once it returns. A promise when too many are on their way: it resolves when more may come. */
  update(bytes: Uint8Array): Promise<void> | undefined
  /** In the layout of `SHA256_STATE`. */
  state(): Promise<Uint8Array<ArrayBuffer>>
  digest(): Promise<Uint8Array<ArrayBuffer>>
  /** Nothing more comes, and nobody waits for anything. */
  end(): void
}

/** Goes on from a state in another thread. Undefined when there is none. */
export type HashThread = (state: Uint8Array) => Promise<WholeHash | undefined>

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
  /** Hashes the whole of a large content, where there is one. */
  thread?: HashThread | undefined
}

export class Upload {
  readonly #hasher: Hasher
  readonly #sink: Sink
  /** A content up to this size is not cut; chunks are handed on when they come to as much. */
  readonly #wholeBytesMax: number
  readonly #halfBytes: number
  readonly #arena: Arena
  readonly #chunker: Chunker
  readonly #thread: HashThread | undefined
  /** Of the whole content: until the other thread takes over, if it does. */
  readonly #sha: Sha256Stream
  #inThread: WholeHash | undefined
  #isThreadAsked = false
  /** Where the half that is being filled begins, the chunk that is, and where the next bytes go. */
  #half = 0
  #chunk = 0
  #filled = 0
  /** Chunks in this half, which the sink has not got yet, their keys maybe still being made, and the state after the last of them. */
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #state: Uint8Array | Promise<Uint8Array>
  /** The sink at its work on the other half. */
  #storing: Promise<void> = Promise.resolve()
  readonly #stored: Chunk[]
  /** The sink has got, or is getting, chunks of this content. */
  #isCut: boolean
  /** Bytes taken so far. */
  #size: number

  /** Goes on behind `stored`, if it is given, with the state that the sink got for the last of those chunks. */
  constructor(
    { kernel, hasher, sizes, thread }: UploadOptions,
    sink: Sink,
    begun?: { stored: Chunk[]; state: Uint8Array },
  ) {
    this.#hasher = hasher
    this.#sink = sink
    this.#thread = thread
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
      const full = this.#take(bytes.subarray(at, at + PIECE_BYTES))
      if (full) await full
      if (this.#isCut ? this.#waitingBytes >= this.#wholeBytesMax : this.#size > this.#wholeBytesMax) await this.#next()
      if (this.#size >= THREAD_BYTES_LEAST && !this.#isThreadAsked) await this.#toThread()
    }
  }

  /** The content has ended: its key, and what there is of it. */
  async finish(): Promise<Uploaded> {
    const size = this.#size
    const last = this.#filled - this.#chunk
    if (last > 0) this.#endChunk(last)
    const key = await (this.#inThread ?? this.#sha).digest()
    this.#state = this.#hashState()
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
    this.#inThread?.end()
    await this.#storing.catch(() => undefined)
  }

  #take(piece: Uint8Array): Promise<void> | undefined {
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
      void this.#hash(begin, cut)
      this.#state = this.#hashState()
    }
    return this.#hash(cut, end)
  }

  #hash(from: number, to: number): Promise<void> | undefined {
    if (this.#inThread) return this.#inThread.update(this.#arena.view(from, to - from))
    this.#sha.update(from, to - from)
  }

  #hashState(): Uint8Array | Promise<Uint8Array> {
    const state = this.#inThread?.state() ?? this.#sha.save()
    // Met with the chunks, if they get so far.
    if (state instanceof Promise) state.catch(() => undefined)
    return state
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

  async #store(waiting: Waiting[], state: Uint8Array | Promise<Uint8Array>): Promise<void> {
    const chunks: ChunkWithBytes[] = []
    for (const { at, size, key } of waiting) chunks.push({ key: await key, size, bytes: this.#arena.view(at, size) })
    await this.#sink(chunks, await state)
    for (const { key, size } of chunks) this.#stored.push({ key, size })
  }

  async #toThread(): Promise<void> {
    this.#isThreadAsked = true
    this.#inThread = await this.#thread?.(this.#sha.save())
  }
}
