/**
 * The contents that a generated workload puts: small ones, large ones that are cut into chunks, versions that share chunks, and blobs
 * that are chunks of larger ones. What they need in a store follows from FORMAT.md alone: each distinct chunk once.
 */

import { createHash } from 'node:crypto'
import { wholeBytesMax } from '../format/chunks.js'
import type { ChunkSizes } from '../kernel/kernel.js'
import { chunkEnds } from './chunk-boundaries.js'
import type { Model } from './model.js'
import { Random } from './random.js'

export interface Content {
  key: string
  bytes: Uint8Array<ArrayBuffer>
  /** Keys and sizes of its chunks; none when it is stored whole. */
  chunks: ReadonlyMap<string, number>
}

export class Pool {
  /** Each of them may be put. */
  readonly all: readonly Content[]
  /** Those that are cut. */
  readonly large: readonly Content[]
  /** Those of them that are stored whole. */
  readonly whole: readonly Content[]
  /** Chunks of large ones, to be put for their own sake. */
  readonly parts: readonly Content[]
  readonly #byKey: ReadonlyMap<string, Content>
  readonly #chunks: ReadonlySet<string>

  /** So many small contents of these sizes, and large ones of those. They are the same each time. */
  constructor(count: number, sizes: readonly number[], largeSizes: readonly number[], chunkSizes: ChunkSizes) {
    const small = Array.from({ length: count }, (_, i) => {
      return contentOf(new Random(i).bytes(sizes[i % sizes.length] ?? 0), chunkSizes)
    })
    this.large = largeSizes.flatMap((size, i) => {
      const bytes = new Random(1000 + i).bytes(size)
      const other = bytes.slice()
      other.set(new Random(2000 + i).bytes(20), size >> 1)
      // The last version says the same stretch twice: some of its chunks stand in its list twice.
      const twice = new Uint8Array(2 * size)
      twice.set(bytes)
      twice.set(bytes, size)
      return [bytes, other, twice].map((version) => contentOf(version, chunkSizes))
    })
    this.parts = this.large.flatMap(({ bytes }, i) => {
      const ends = chunkEnds(bytes, chunkSizes)
      const nth = i % ends.length
      return i % 3 === 2 ? [] : [contentOf(bytes.slice(ends[nth - 1] ?? 0, ends[nth]), chunkSizes)]
    })
    this.all = [...small, ...this.parts]
    this.whole = this.all.filter(({ chunks }) => chunks.size === 0)
    this.#byKey = new Map([...this.all, ...this.large].map((content) => [content.key, content]))
    this.#chunks = new Set(this.large.flatMap(({ chunks }) => [...chunks.keys()]))
  }

  /** What is stored under this key, unless it was set to something else. */
  of(key: string): Content | undefined {
    return this.#byKey.get(key)
  }

  /** The bytes under this key may be there as a chunk of something else. */
  mayBeChunk(key: string): boolean {
    return this.#chunks.has(key)
  }

  /** Whether one of these contents holds the key as one of its chunks. */
  isChunkIn(contents: Model, key: string): boolean {
    for (const [name, value] of contents) if (this.#chunksOf(name, value).has(key)) return true
    return false
  }

  /** Bytes of all values that a store with these contents holds. */
  bytesOf(contents: Model): number {
    const blobs = new Map<string, number>()
    for (const [key, value] of contents) {
      const chunks = this.#chunksOf(key, value)
      for (const [chunk, size] of chunks) blobs.set(chunk, size)
      if (chunks.size === 0) blobs.set(key, value.length)
    }
    let sum = 0
    for (const size of blobs.values()) sum += size
    return sum
  }

  #chunksOf(key: string, value: Uint8Array): ReadonlyMap<string, number> {
    const content = this.#byKey.get(key)
    // Under the key of a large content something else may have been set.
    return content && content.bytes.length === value.length ? content.chunks : new Map()
  }
}

/** The bytes as a source that gives them in pieces of random sizes; before the byte `failAt` it fails. */
export async function* inPieces(
  bytes: Uint8Array,
  random: Random,
  failAt = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(700)
    if (at + size > failAt) throw new SourceFailed('the source fails')
    yield bytes.subarray(at, at + size)
    at += size
  }
}

export class SourceFailed extends Error {}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function contentOf(bytes: Uint8Array<ArrayBuffer>, sizes: ChunkSizes): Content {
  const chunks = new Map<string, number>()
  if (bytes.length > wholeBytesMax(sizes)) {
    let from = 0
    for (const end of chunkEnds(bytes, sizes)) {
      chunks.set(sha256(bytes.subarray(from, end)), end - from)
      from = end
    }
  }
  return { key: sha256(bytes), bytes, chunks }
}
