/**
 * What the run of the page's side stores: contents that are new, or the same again, as everything that a page can hand over, and sources
 * of them with each way to end. Blobs of one media type cannot be read, as a file that has changed since it was chosen.
 */

import { createHash } from 'node:crypto'
import type { Data, Source } from '../types.js'
import { noise } from './bytes.js'
import { type Behaviour, Watched } from './page-sources.js'
import type { Random } from './random.js'

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Cut into chunks from this many bytes on; below it none is hashed in another thread, which would take its own time. */
export const CHUNK_SIZES = { min: 2048, average: 8192, max: 16_000 }
const MIB = 1024 * 1024
/** More than a page sends before it waits for an answer. */
const MORE_THAN_THE_WAY_BYTES = 4.5 * MIB
const UNREADABLE = 'lodestore/unreadable'
const STOCK = noise(6 * MIB, 7)

export interface Content {
  key: string
  bytes: Uint8Array<ArrayBuffer>
}

export function contentOf(bytes: Uint8Array<ArrayBuffer>): Content {
  return { key: sha256(bytes), bytes }
}

/** While this runs, the Blobs that are made to be so cannot be read. */
export async function withUnreadableBlobs<T>(run: () => Promise<T>): Promise<T> {
  const { arrayBuffer } = Blob.prototype
  Blob.prototype.arrayBuffer = async function (this: Blob) {
    if (this.type === UNREADABLE) throw new DOMException('the file has changed', 'NotReadableError')
    return await arrayBuffer.call(this)
  }
  try {
    return await run()
  } finally {
    Blob.prototype.arrayBuffer = arrayBuffer
  }
}

export const unreadableBlob = () => new Blob(['it was here'], { type: UNREADABLE })

/** Something that is put, and the bytes that are in it. */
export interface Put {
  what: string
  source: Source
  watched?: Watched<unknown>
  /** Undefined when not all of them are going to come. */
  content: Content | undefined
}

export class Contents {
  readonly random: Random
  /** Everything that was ever made, by its key: what the store may hold. */
  readonly known = new Map<string, Uint8Array<ArrayBuffer>>()
  /** The same few large ones in each round, for ingests: what one leaves, another takes up. */
  readonly ingested: readonly Content[]
  /** Of those that wrong bytes were given for: a store may have kept some. */
  readonly spoilt = new Set<string>()
  #count = 0

  constructor(random: Random) {
    this.random = random
    this.ingested = [60_000, 150_000, 9000].map((size) => this.fresh(size))
  }

  /** A content that no other is. */
  fresh(size = this.size()): Content {
    const from = this.random.below(STOCK.length - size - 20)
    const mark = new TextEncoder().encode(`${++this.#count}.`)
    const bytes = STOCK.slice(from, from + Math.max(size, mark.length))
    bytes.set(mark)
    const content = contentOf(bytes)
    this.known.set(content.key, content.bytes)
    return content
  }

  /** Forgets what is not there any more. */
  keep(values: ReadonlySet<string>): void {
    const ingested = new Set(this.ingested.map(({ key }) => key))
    for (const key of this.known.keys()) if (!values.has(key) && !ingested.has(key)) this.known.delete(key)
  }

  /** Bytes; one in twenty is more than what may be on its way at once. */
  size(): number {
    const { random } = this
    if (random.chance(0.03)) return 3 * MIB + random.below(2 * MIB)
    return random.below(random.pick([60, 60, 5000, 40_000, 200_000]))
  }

  /** New, or one that is known. */
  any(): Content {
    return this.random.chance(0.8) ? this.fresh() : this.again()
  }

  again(): Content {
    const [key, bytes] = this.random.pick([...this.known])
    return { key, bytes }
  }

  /** A content as data that is there as a whole; the bytes of the content stay as they are. */
  data({ bytes }: Content): Data {
    switch (this.random.below(4)) {
      case 0:
        return new Blob([bytes])
      case 1:
        return bytes.slice().buffer
      case 2: {
        const larger = new Uint8Array(bytes.length + 2)
        larger.set(bytes, 1)
        return larger.subarray(1, -1)
      }
      default:
        return bytes.slice()
    }
  }

  text(): Content & { text: string } {
    const text = `text ${++this.#count}`
    const content = contentOf(new TextEncoder().encode(text))
    this.known.set(content.key, content.bytes)
    return { ...content, text }
  }

  /** Anything that can be put: data, or a source that ends in its way; a large one is a source that is not taken in one go. */
  put(gate: Promise<void>, isLarge = false): Put {
    const { random } = this
    if (!isLarge && random.chance(0.15)) {
      const { text, ...content } = this.text()
      return { what: 'a string', source: text, content }
    }
    if (!isLarge && random.chance(0.3)) {
      const content = this.any()
      return { what: `${content.bytes.length} bytes`, source: this.data(content), content }
    }
    const behaviour = this.behaviour()
    const content = isLarge ? this.fresh(MORE_THAN_THE_WAY_BYTES) : this.any()
    const { bytes } = content
    const pieceBytes = Math.max(1, Math.ceil(bytes.length / random.pick([1, 3, 12])))
    const pieces: unknown[] = []
    for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.slice(at, at + pieceBytes))
    const form = random.pick(['iterable', 'iterable', 'stream', 'byte stream', 'response'] as const)
    if (behaviour === 'ends' && form !== 'byte stream' && form !== 'response' && random.chance(0.1))
      pieces.push('stray')
    const watched = new Watched(pieces, behaviour, gate, random.pick([0, 0, 0, 2]))
    return {
      what: `${form} of ${bytes.length} bytes that ${pieces.includes('stray') ? 'strays' : behaviour}`,
      source: sourceOf(form, watched as Watched<Uint8Array<ArrayBuffer>>),
      watched,
      content: behaviour === 'throws' || pieces.includes('stray') ? undefined : content,
    }
  }

  behaviour(): Behaviour {
    return this.random.pick(['ends', 'ends', 'ends', 'throws', 'sticks'])
  }
}

function sourceOf(form: string, watched: Watched<Uint8Array<ArrayBuffer>>): Source {
  if (form === 'iterable') return watched.iterable()
  if (form === 'stream') return watched.stream()
  if (form === 'byte stream') return watched.stream('bytes')
  return new Response(watched.stream())
}
