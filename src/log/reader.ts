/**
 * Reading the log: single entries, many at once, and whole segments. Nothing leaves here whose CRC was not checked.
 * Reads are synchronous once a handle is open, so between finding a handle and copying the value out nothing can change.
 */

import { assert, isStoreError, StoreError } from '../errors.js'
import {
  decodeSegmentHeader,
  ENTRY,
  ENTRY_BYTES_MAX,
  MAGIC_BYTES,
  SEGMENT_HEADER_ENTRY_BYTES,
  TAG,
} from '../format/entry.js'
import { keyHex, RESERVED, reservedKind, sameKey } from '../format/key.js'
import type { Arena, Kernel, Location } from '../kernel/kernel.js'
import { flipBack } from './one-flip.js'
import type { SegmentFiles } from './segments.js'
import type { WatchedFile } from './watched-file.js'
import type { LogWriter } from './writer.js'

/** Neighbours this near are read in one call: 16 KiB are read in less time than a call takes in Firefox (22 microseconds). */
const GAP_BYTES = 16 * 1024
/** A run of neighbours ends at this size. */
const RUN_BYTES_MAX = 2 * 1024 * 1024
/** A scan reads this much at a time. */
const WINDOW_BYTES = 2 * 1024 * 1024

export class LogReader {
  readonly #segments: SegmentFiles
  readonly #arena: Arena
  readonly #id: Uint8Array
  /** Handles whose header was looked at, and the segments whose files were found to hold another. */
  readonly #seen = new WeakSet<WatchedFile>()
  readonly #misplaced = new Set<number>()

  constructor(segments: SegmentFiles, kernel: Kernel, id: Uint8Array) {
    this.#segments = segments
    this.#arena = kernel.arena(64 * 1024)
    this.#id = id
  }

  /** True when an entry there can be read without waiting. */
  ready(location: Location, writer: LogWriter): boolean {
    return writer.holds(location) || this.#segments.peek(location.segment) !== undefined
  }

  async open(segment: number): Promise<void> {
    await this.#segments.open(segment)
  }

  /** True when a value was read from the file of this segment, and the file holds another: an older value of a key may stand in the same place there. */
  isMisplaced(segment: number): boolean {
    return this.#misplaced.has(segment)
  }

  /** What `take` makes of the value of the PUT at `location`, when all of it is checked. `ready` has just said yes. Throws CORRUPT. */
  value<T>(location: Location, key: Uint8Array, writer: LogWriter, take: Take<T>): T {
    const value = this.#value({ location, key, keyAt: 0 }, writer)
    if (value instanceof StoreError) throw value
    return take(value)
  }

  #value(sought: Sought, writer: LogWriter): Uint8Array<ArrayBuffer> | StoreError {
    const { location } = sought
    if (writer.holds(location)) {
      const { arena, at } = writer.buffered(location)
      return checkedValue(arena, at, sought)
    }
    return this.#checked(this.#read(location.segment, location.offset, location.size), 0, sought)
  }

  /**
   * The values of many PUTs of one segment, sorted by offset, neighbours read in one call. `take` gets each value as a view that is good during the call, or the
   * error of one that cannot be read. Everything is in the file, not in the writer's buffer.
   */
  values(
    wanted: readonly Wanted[],
    from: number,
    take: (wanted: Wanted, value: Uint8Array<ArrayBuffer> | StoreError) => void,
  ): number {
    const first = wanted[from] as Wanted
    const start = first.location.offset
    let end = start + first.location.size
    let next = from + 1
    for (; next < wanted.length; next++) {
      const { segment, offset, size } = (wanted[next] as Wanted).location
      if (segment !== first.location.segment || offset > end + GAP_BYTES) break
      if (offset + size - start > RUN_BYTES_MAX) break
      end = Math.max(end, offset + size)
    }
    const got = this.#read(first.location.segment, start, end - start)
    for (const entry of wanted.slice(from, next)) take(entry, this.#checked(got, entry.location.offset - start, entry))
    return next
  }

  /** The value of an entry whose bytes were read to `at`, or why there is none. */
  #checked(got: Read, at: number, sought: Sought): Uint8Array<ArrayBuffer> | StoreError {
    const { location, key, keyAt } = sought
    if (got instanceof StoreError) return corrupt('the segment cannot be read', location, key, keyAt, got)
    if (at + location.size > got) return corrupt('the segment ends before the entry does', location, key, keyAt)
    return checkedValue(this.#arena, at, sought)
  }

  /** Reads to the start of the arena: how many bytes there were, or the error of a disk that does not give them. */
  #read(segment: number, offset: number, size: number): Read {
    const file = this.#segments.peek(segment)
    assert(file !== undefined, 'a segment is read only while its handle is open')
    try {
      if (!this.#seen.has(file)) this.#look(segment, file)
      this.#arena.reserve(size)
      return file.read(this.#arena.view(0, size), offset)
    } catch (error) {
      if (!isStoreError(error, 'IO')) throw error
      return error
    }
  }

  /** Looks at the header of a file, once for each handle. */
  #look(segment: number, file: WatchedFile): void {
    this.#arena.reserve(SEGMENT_HEADER_ENTRY_BYTES)
    const got = file.read(this.#arena.view(0, SEGMENT_HEADER_ENTRY_BYTES), MAGIC_BYTES)
    if (holdsAnother(this.#arena, got, segment, this.#id)) this.#misplaced.add(segment)
    else this.#misplaced.delete(segment)
    this.#seen.add(file)
  }
}

interface Sought {
  location: Location
  key: Uint8Array
  keyAt: number
}

/** Takes what is wanted of a value. That is a view of the kernel's memory, which the next read overwrites: what is to stay has to be copied. */
export type Take<T> = (value: Uint8Array<ArrayBuffer>) => T

/** What came of a read of the disk. */
type Read = number | StoreError

export interface Wanted extends Sought {
  /** Where the caller wants the value. */
  index: number
}

/** A view of the value, or why there is none. */
function checkedValue(
  arena: Arena,
  at: number,
  { location, key, keyAt }: Sought,
): Uint8Array<ArrayBuffer> | StoreError {
  const { size } = location
  const entry = arena.view(at, size)
  if (!arena.verify(at, size) || entry[ENTRY.tag] !== TAG.put || !sameKey(entry, ENTRY.key, key, keyAt)) {
    return corrupt('the entry does not match its checksum and key', location, key, keyAt)
  }
  return entry.subarray(ENTRY.putHeaderBytes)
}

/**
 * True when the arena begins with `got` bytes of a segment's header that say, and prove, that the file holds another segment, or another store's. One flipped
 * bit in it proves no less.
 */
function holdsAnother(arena: Arena, got: number, segment: number, id: Uint8Array): boolean {
  // Other programs write no header.
  if (got < SEGMENT_HEADER_ENTRY_BYTES) return false
  if (!arena.verify(0, SEGMENT_HEADER_ENTRY_BYTES) && !flipBack(arena, SEGMENT_HEADER_ENTRY_BYTES)) return false
  const entry = arena.view(0, SEGMENT_HEADER_ENTRY_BYTES)
  if (reservedKind(entry, ENTRY.key) !== RESERVED.segmentHeader) return false
  const header = decodeSegmentHeader(entry.subarray(ENTRY.putHeaderBytes))
  return !(header?.segment === segment && sameKey(header.id, 0, id, 0))
}

export function corrupt(what: string, location: Location, key: Uint8Array, keyAt: number, cause?: unknown): StoreError {
  return new StoreError(
    'CORRUPT',
    `${what}; check({ repair: true }) sets it aside, a new put of the same bytes heals it`,
    {
      where: { key: keyHex(key, keyAt), segment: location.segment, offset: location.offset },
      cause,
    },
  )
}

/** Entries of a segment that a scan found whole and good, in order. Good until the next batch is asked for. */
export interface Batch {
  count: number
  /** For each entry: its offset in `bytes`, its size, its tag. */
  records: Uint32Array
  bytes: Uint8Array<ArrayBuffer>
  /** The arena whose first bytes these are. */
  arena: Arena
  /** Offset in the file of bytes[0]. */
  base: number
}

/** How the walk over a segment ended. `torn`: the file ends inside an entry. `corrupt`: what stands at `at` is no entry. */
export interface ScanEnd {
  kind: 'end' | 'torn' | 'corrupt'
  at: number
}

/** Walks a segment's entries; iterate it to the end, then read `end`. It has an arena of its own, so others may read meanwhile. */
export class SegmentScan {
  readonly #segments: SegmentFiles
  /** What was read last is at its beginning. */
  readonly arena: Arena
  readonly #records = new Uint32Array(3 * 4096)
  end: ScanEnd = { kind: 'end', at: 0 }

  constructor(segments: SegmentFiles, kernel: Kernel) {
    this.#segments = segments
    this.arena = kernel.arena(WINDOW_BYTES)
  }

  async *batches(segment: number, from: number): AsyncGenerator<Batch> {
    let base = from
    let windowBytes = WINDOW_BYTES
    for (;;) {
      const { length: got } = await this.read(segment, base, windowBytes)
      let result = this.arena.scan(0, got, this.#records)
      for (;;) {
        if (result.count > 0) {
          const bytes = this.arena.view(0, got)
          yield { count: result.count, records: this.#records, bytes, arena: this.arena, base }
        }
        if (result.stop !== 'full') break
        result = this.arena.scan(result.at, got, this.#records)
      }
      const atEnd = got < windowBytes
      base += result.at
      this.end = { kind: 'end', at: base }
      if (result.stop === 'corrupt') this.end = { kind: 'corrupt', at: base }
      else if (result.stop === 'partial' && atEnd) this.end = { kind: 'torn', at: base }
      if (atEnd || result.stop === 'corrupt') return
      windowBytes = Math.min(Math.max(WINDOW_BYTES, result.need), ENTRY_BYTES_MAX)
    }
  }

  /** True when the file holds another segment, or another store's: what stands there is not what the segment held. */
  async isMisplaced(segment: number, id: Uint8Array): Promise<boolean> {
    const { length } = await this.read(segment, MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES)
    return holdsAnother(this.arena, length, segment, id)
  }

  /** The first `size` bytes of the file from `at`, or fewer at its end; a view that the next call makes stale. */
  async read(segment: number, at: number, size: number): Promise<Uint8Array<ArrayBuffer>> {
    this.arena.reserve(size)
    const got = await this.#segments.with(segment, (file) => file.read(this.arena.view(0, size), at))
    return this.arena.view(0, got)
  }
}
