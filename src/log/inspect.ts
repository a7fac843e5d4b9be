/**
 * What to make of bytes that are no good entry: how far the damage goes, and what stood there. Called rarely, on damage only.
 *
 * An entry that one flipped bit explains is known exactly. It is still damaged on disk; what matters is that nothing else becomes doubtful.
 */

import { dataViewOf } from '../format/data-view.js'
import { ENTRY, ENTRY_BYTES_MAX, TAG, type Tag } from '../format/entry.js'
import { isUserKey, KEY_BYTES } from '../format/key.js'
import type { Arena } from '../kernel/kernel.js'
import { flipBack } from './one-flip.js'
import type { SegmentScan } from './reader.js'

/** A stretch of a segment that is no good entry. */
export interface Gap {
  kind: 'gap'
  at: number
  /** Where the next good entry stands, or the end of the file. */
  next: number
  /** The entry that stood at `at`, when a single flipped bit explains the damage. The value is there for a PUT of the store's own, which the log needs to be understood. */
  entry?: { tag: Tag; key: Uint8Array; value: Uint8Array | undefined }
  /** The key that the damaged bytes claim, when nothing proves it. */
  claimedKey?: Uint8Array
  /** False when `next` was found by searching: what follows might be part of a damaged value. */
  chained: boolean
}

const SEARCH_BYTES = 4 * 1024 * 1024

export class Inspector {
  readonly #scan: SegmentScan
  readonly #arena: Arena

  /** `scan` is not under way: its arena is used. */
  constructor(scan: SegmentScan) {
    this.#scan = scan
    this.#arena = scan.arena
  }

  /** Judges the bytes at `at` of a segment of `fileBytes` bytes, where no good entry stands. */
  async inspect(segment: number, at: number, fileBytes: number): Promise<Gap> {
    const header = (await this.#scan.read(segment, at, ENTRY.putHeaderBytes)).slice()
    const gap: Gap = { kind: 'gap', at, next: fileBytes, chained: true }
    if (header.length >= ENTRY.headerBytes) {
      const claimed = dataViewOf(header).getUint32(ENTRY.size, true)
      const fits = (size: number) => isSize(size) && at + size <= fileBytes
      if (header.length === ENTRY.putHeaderBytes && header[ENTRY.tag] === TAG.put)
        gap.claimedKey = header.slice(ENTRY.key)
      const isClaimed = fits(claimed) && (await this.#boundary(segment, at + claimed, fileBytes))
      const entry = isClaimed ? await this.#oneFlip(segment, at, claimed) : undefined
      if (entry) return { ...gap, next: at + claimed, entry }
      // Also when an entry ends where the claimed size says: that may be chance, and swallow sound ones.
      for (let bit = 0; bit < 32; bit++) {
        const size = (claimed ^ (1 << bit)) >>> 0
        if (!fits(size)) continue
        const entry = await this.#scan.read(segment, at, size)
        dataViewOf(entry).setUint32(ENTRY.size, size, true)
        if (this.#arena.verify(0, size)) return { ...gap, next: at + size, entry: described(entry) }
      }
      if (isClaimed) return { ...gap, next: at + claimed }
    }
    return { ...gap, next: await this.#search(segment, at + 1, fileBytes), chained: false }
  }

  /** True when an entry can end at `at`: the file ends there too, or a good entry begins. */
  async #boundary(segment: number, at: number, fileBytes: number): Promise<boolean> {
    if (at === fileBytes) return true
    const header = await this.#scan.read(segment, at, ENTRY.headerBytes)
    if (header.length < ENTRY.headerBytes) return false
    const size = dataViewOf(header).getUint32(ENTRY.size, true)
    if (!isSize(size) || at + size > fileBytes) return false
    await this.#scan.read(segment, at, size)
    return this.#arena.verify(0, size)
  }

  /** The entry with the one bit flipped back whose flip explains the damage; undefined when no single one does. */
  async #oneFlip(segment: number, at: number, size: number): Promise<Gap['entry']> {
    await this.#scan.read(segment, at, size)
    const entry = this.#arena.view(0, size)
    return flipBack(this.#arena, size) ? described(entry) : undefined
  }

  /** The first place from `from` on where a good entry stands. */
  async #search(segment: number, from: number, fileBytes: number): Promise<number> {
    for (let base = from; base < fileBytes; base += SEARCH_BYTES) {
      const bytes = await this.#scan.read(segment, base, SEARCH_BYTES + ENTRY_BYTES_MAX)
      const view = dataViewOf(bytes)
      const last = Math.min(SEARCH_BYTES, bytes.length - ENTRY.headerBytes + 1)
      for (let at = 0; at < last; at++) {
        if ((bytes[at + ENTRY.tag] as number) > TAG.commit) continue
        const size = view.getUint32(at + ENTRY.size, true)
        if (isSize(size) && size <= bytes.length - at && this.#arena.verify(at, size)) return base + at
      }
    }
    return fileBytes
  }
}

/** Whether an entry may have this size. */
function isSize(bytes: number): boolean {
  return bytes >= ENTRY.headerBytes && bytes <= ENTRY_BYTES_MAX
}

function described(entry: Uint8Array): NonNullable<Gap['entry']> {
  const tag = entry[ENTRY.tag] as Tag
  const isOwn = tag === TAG.put && !isUserKey(entry, ENTRY.key)
  return {
    tag,
    key: entry.slice(ENTRY.key, ENTRY.key + KEY_BYTES),
    value: isOwn ? entry.slice(ENTRY.putHeaderBytes) : undefined,
  }
}
