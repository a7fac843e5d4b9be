/**
 * What Borg keeps beside its segments once a transaction is finished: `index.<n>`, a hash table of all objects, and `hints.<n>`, how much of each
 * segment is in use; n is the segment of the COMMIT. Both follow from the log, and Borg makes them anew when they are missing. But a reader of
 * the log alone does not see that a segment is gone: the index says what was in it.
 */

import { checkpointFile } from '../format/paths.js'
import type { Storage } from '../storage/storage.js'
import { withFile } from '../storage/use.js'
import { BUCKET, INDEX, UNUSED } from './borg-index.js'

const BUCKETS_A_WRITE = 16_384
/** Borg's own least. It lets a table get three quarters full; ours are half full at most. */
const BUCKETS_MIN = 1031
const HINTS_VERSION = 2

export class BorgTransaction {
  /** The objects as buckets, which are filled one after the other. */
  readonly #blocks: Uint8Array<ArrayBuffer>[] = []
  #count = 0
  #bytes = 0
  /** Objects in each segment. */
  readonly #segments = new Map<number, number>()

  /** Takes down where an object stands; `size` is that of its entry. */
  add(key: Uint8Array, segment: number, offset: number, size: number): void {
    const at = (this.#count % BUCKETS_A_WRITE) * BUCKET.bytes
    if (at === 0) this.#blocks.push(new Uint8Array(BUCKETS_A_WRITE * BUCKET.bytes))
    const bucket = this.#bucket(this.#count++)
    bucket.set(key)
    const view = new DataView(bucket.buffer, bucket.byteOffset)
    view.setUint32(BUCKET.segment, segment, true)
    view.setUint32(BUCKET.offset, offset, true)
    this.#bytes += size
    this.#segments.set(segment, (this.#segments.get(segment) ?? 0) + 1)
  }

  /** Writes both files; `segment` holds the COMMIT and nothing else, `size` bytes. */
  async write(target: Storage, segment: number, size: number): Promise<void> {
    await writeFile(target, `hints.${segment}`, [this.#hints(segment, size)])
    await writeFile(target, checkpointFile(segment), this.#index())
  }

  /** Of the object that came as the nth. */
  #bucket(nth: number): Uint8Array<ArrayBuffer> {
    const block = this.#blocks[Math.floor(nth / BUCKETS_A_WRITE)] as Uint8Array<ArrayBuffer>
    const at = (nth % BUCKETS_A_WRITE) * BUCKET.bytes
    return block.subarray(at, at + BUCKET.bytes)
  }

  #hints(segment: number, size: number): Uint8Array<ArrayBuffer> {
    const hints = new Map<string, Packable>([
      ['version', HINTS_VERSION],
      ['segments', new Map([...this.#segments, [segment, 0]])],
      // Nothing counts in that segment any more when the next transaction has its COMMIT.
      ['compact', new Map([[segment, size]])],
      ['storage_quota_use', this.#bytes],
      ['shadow_index', new Map()],
    ])
    return Uint8Array.from(packed(hints))
  }

  *#index(): Generator<Uint8Array<ArrayBuffer>> {
    const count = Math.max(BUCKETS_MIN, 2 * this.#count + 1)
    const header = new Uint8Array(INDEX.headerBytes)
    const view = new DataView(header.buffer)
    header.set(new TextEncoder().encode(INDEX.magic))
    view.setUint32(INDEX.entries, this.#count, true)
    view.setUint32(INDEX.buckets, count, true)
    header[INDEX.keySize] = BUCKET.segment
    header[INDEX.valueSize] = BUCKET.bytes - BUCKET.segment
    yield header
    const places = this.#places(count)
    let next = places.next()
    for (let from = 0; from < count; from += BUCKETS_A_WRITE) {
      const block = new Uint8Array(Math.min(BUCKETS_A_WRITE, count - from) * BUCKET.bytes)
      const words = new DataView(block.buffer)
      for (let at = BUCKET.segment; at < block.length; at += BUCKET.bytes) words.setUint32(at, UNUSED, true)
      for (; !next.done && (next.value.place - from) * BUCKET.bytes < block.length; next = places.next()) {
        block.set(this.#bucket(next.value.nth), (next.value.place - from) * BUCKET.bytes)
      }
      yield block
    }
  }

  /**
   * Which bucket each object gets, ascending: the one that the first four bytes of its key name, or the next that is free, from the last on to the
   * first. Sorted, not looked for one by one: all names begin with the same bytes.
   */
  *#places(count: number): Generator<{ place: number; nth: number }> {
    // One number for each object, by which it is sorted and known again.
    const homes = new Float64Array(this.#count)
    for (let nth = 0; nth < this.#count; nth++) {
      const bucket = this.#bucket(nth)
      homes[nth] = (new DataView(bucket.buffer, bucket.byteOffset).getUint32(0, true) % count) * this.#count + nth
    }
    homes.sort()
    const homeOf = (i: number) => Math.floor((homes[i] as number) / this.#count)
    let last = -1
    for (let i = 0; i < this.#count; i++) last = Math.max(homeOf(i), last + 1)
    // So many do not fit behind their home. They come first; the others make way long before the end, as half of all is free.
    const over = Math.max(0, last + 1 - count)
    last = -1
    for (let i = 0; i < this.#count; i++) {
      const from = i < over ? this.#count - over + i : i - over
      last = i < over ? i : Math.max(homeOf(from), last + 1)
      yield { place: last, nth: (homes[from] as number) % this.#count }
    }
  }
}

type Packable = number | string | Map<number | string, Packable>

/** As msgpack, of which this is a small part: whole numbers from 0 on, short texts, and maps. */
function packed(value: Packable): number[] {
  if (typeof value === 'number') return [0xcf, ...bigEndian(Math.floor(value / 2 ** 32)), ...bigEndian(value)]
  if (typeof value === 'string') return [0xa0 + value.length, ...new TextEncoder().encode(value)]
  return [0xdf, ...bigEndian(value.size), ...[...value].flatMap(([key, item]) => [...packed(key), ...packed(item)])]
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

async function writeFile(target: Storage, path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  await withFile(target, path, { create: true }, async (file) => {
    let at = 0
    for (const piece of pieces) {
      file.write(piece, at)
      at += piece.length
    }
    await file.flush()
  })
}
