/**
 * Segments and their entries as bytes: the one home of these offsets and sizes. FORMAT.md, "Segments" and "Entries",
 * shows the same table; format.test.ts compares them. The hot loops over entries (seal, verify, scan) are in assembly/entry.ts.
 */

import { dataViewOf } from './data-view.js'
import { KEY_BYTES, RESERVED, reservedKey } from './key.js'

/** What a segment's file begins with, and the two older spellings that are read too. */
export const MAGIC = 'DSEGMENT'
export const MAGICS: readonly string[] = [MAGIC, 'BORG_SEG', 'ATTICSEG']
export const MAGIC_BYTES = 8

/** Entry header: crc u32, size u32 (whole entry), tag u8. */
export const ENTRY = { crc: 0, size: 4, tag: 8, headerBytes: 9, key: 9, putHeaderBytes: 9 + KEY_BYTES } as const
export const TAG = { put: 0, delete: 1, commit: 2 } as const
export type Tag = (typeof TAG)[keyof typeof TAG]

/** Bytes of the largest entry (20 MiB), and so of the largest value. */
export const ENTRY_BYTES_MAX = 20 * 1024 * 1024
export const VALUE_BYTES_MAX = ENTRY_BYTES_MAX - ENTRY.putHeaderBytes
export const DELETE_BYTES = ENTRY.putHeaderBytes
export const COMMIT_BYTES = ENTRY.headerBytes

/** The COMMIT entry: it has no body, so it is always these nine bytes. */
export const COMMIT: readonly number[] = [0x40, 0xf4, 0x3c, 0x25, 0x09, 0x00, 0x00, 0x00, 0x02]

/**
 * Segment header: the value of the reserved entry that opens each segment. It tells a file that was swapped, doubled, cut or lost
 * from one that belongs. FORMAT.md, "Segment header".
 */
export const SEGMENT_HEADER = {
  segment: 0,
  /** Number and end (bytes) of the segment before it; `none` for the first. */
  previous: 4,
  previousEnd: 8,
  segmentsPerDir: 12,
  segmentBytesMax: 16,
  /** Version of the format, as in the config: u16. */
  version: 20,
  /**
   * u16; bit 0: the segment goes on behind damage. Then `previous` and `previousEnd` are the last commit's end: what follows there never
   * happened. Bit 1: the log tells when keys are chosen (reserved key 3).
   */
  flags: 22,
  /** Transactions committed before this segment began: u64. */
  transaction: 24,
  id: 32,
  bytes: 64,
} as const
export const NO_SEGMENT = 0xffffffff
export const SEGMENT_HEADER_ENTRY_BYTES = ENTRY.putHeaderBytes + SEGMENT_HEADER.bytes

export interface SegmentHeader {
  segment: number
  previous: number
  previousEnd: number
  segmentsPerDir: number
  segmentBytesMax: number
  version: number
  /** The segment goes on behind damage: what stands between `previousEnd` of `previous` and this segment never happened. */
  isFresh: boolean
  /** The log has an entry under `CHOSEN_KEYS_KEY` if any key is not its content's SHA-256. False in segments of other programs. */
  tellsChosenKeys: boolean
  transaction: number
  /** 32 bytes. */
  id: Uint8Array
}

const FLAG = { isFresh: 1, tellsChosenKeys: 2 } as const

/** Under this key an empty value says that keys are chosen, from `set` or from another program; it stands once in a log, or not at all. */
export const CHOSEN_KEYS_KEY: Uint8Array<ArrayBuffer> = reservedKey(RESERVED.chosenKeys)

export function segmentHeaderKey(segment: number): Uint8Array<ArrayBuffer> {
  return reservedKey(RESERVED.segmentHeader, segment)
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SEGMENT_HEADER.bytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(SEGMENT_HEADER.segment, header.segment, true)
  view.setUint32(SEGMENT_HEADER.previous, header.previous, true)
  view.setUint32(SEGMENT_HEADER.previousEnd, header.previousEnd, true)
  view.setUint32(SEGMENT_HEADER.segmentsPerDir, header.segmentsPerDir, true)
  view.setUint32(SEGMENT_HEADER.segmentBytesMax, header.segmentBytesMax, true)
  view.setUint16(SEGMENT_HEADER.version, header.version, true)
  view.setUint16(
    SEGMENT_HEADER.flags,
    (header.isFresh ? FLAG.isFresh : 0) | (header.tellsChosenKeys ? FLAG.tellsChosenKeys : 0),
    true,
  )
  view.setBigUint64(SEGMENT_HEADER.transaction, BigInt(header.transaction), true)
  bytes.set(header.id, SEGMENT_HEADER.id)
  return bytes
}

/** The header in the value of a reserved entry, or undefined when it is not of this size. */
export function decodeSegmentHeader(value: Uint8Array): SegmentHeader | undefined {
  if (value.length !== SEGMENT_HEADER.bytes) return undefined
  const view = dataViewOf(value)
  const flags = view.getUint16(SEGMENT_HEADER.flags, true)
  return {
    segment: view.getUint32(SEGMENT_HEADER.segment, true),
    previous: view.getUint32(SEGMENT_HEADER.previous, true),
    previousEnd: view.getUint32(SEGMENT_HEADER.previousEnd, true),
    segmentsPerDir: view.getUint32(SEGMENT_HEADER.segmentsPerDir, true),
    segmentBytesMax: view.getUint32(SEGMENT_HEADER.segmentBytesMax, true),
    version: view.getUint16(SEGMENT_HEADER.version, true),
    isFresh: (flags & FLAG.isFresh) !== 0,
    tellsChosenKeys: (flags & FLAG.tellsChosenKeys) !== 0,
    transaction: Number(view.getBigUint64(SEGMENT_HEADER.transaction, true)),
    id: value.slice(SEGMENT_HEADER.id, SEGMENT_HEADER.id + 32),
  }
}

/**
 * The segment list: the value of the reserved entry that each compaction commits. u32 each: the number of the segment that the list
 * stands in, so that a misplaced file retires nothing, the numbers of the segments that stay, ascending, NO_SEGMENT, and their ends.
 */
export const SEGMENT_LIST_KEY: Uint8Array<ArrayBuffer> = reservedKey(RESERVED.segmentList)

export interface SegmentList {
  segment: number
  staying: number[]
  /** Where each of those ended when it was closed, in their order; 0 for one that was not. Older lists have none. */
  ends: number[]
}

export function encodeSegmentList({ segment, staying, ends }: SegmentList): Uint8Array<ArrayBuffer> {
  const numbers = [segment, ...staying, NO_SEGMENT, ...ends]
  const bytes = new Uint8Array(numbers.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [i, number] of numbers.entries()) view.setUint32(i * 4, number, true)
  return bytes
}

/** The list in the value of a reserved entry, or undefined when it is none. */
export function decodeSegmentList(value: Uint8Array): SegmentList | undefined {
  if (value.length < 4 || value.length % 4 !== 0) return undefined
  const view = dataViewOf(value)
  const [segment = 0, ...numbers] = Array.from({ length: value.length / 4 }, (_, i) => view.getUint32(i * 4, true))
  const count = numbers.indexOf(NO_SEGMENT)
  if (count < 0) return { segment, staying: numbers, ends: [] }
  const [staying, ends] = [numbers.slice(0, count), numbers.slice(count + 1)]
  return ends.length === count ? { segment, staying, ends } : undefined
}
