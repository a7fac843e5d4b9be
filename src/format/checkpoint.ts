/**
 * A checkpoint, the file `index.<n>`: the index, the shadows and the segment statistics as they were at one commit in segment n.
 * A header of 128 bytes, then three blocks. The header is written last, so a checkpoint that was never finished has none.
 * FORMAT.md, "Checkpoint".
 */

import { dataViewOf } from './data-view.js'
import type { Crc } from './head.js'
import { KEY_BYTES, sameKey } from './key.js'

export const CHECKPOINT = {
  magic: 0,
  crc: 8,
  version: 12,
  id: 16,
  transaction: 48,
  segment: 56,
  offset: 60,
  keyCount: 64,
  keyCrc: 68,
  shadowCount: 72,
  shadowCrc: 76,
  segmentCount: 80,
  segmentCrc: 84,
  /** Where the last segment list stands in the log: segment, offset, size; size 0 when there is none. */
  list: 88,
  headerBytes: 128,
  /** A record of the first two blocks: key, then three u32. */
  entryBytes: KEY_BYTES + 12,
  /** A record of the third: segment, bytes, live bytes, u32 each. */
  segmentBytes: 12,
} as const
const CHECKPOINT_MAGIC = 'LODEINDX'
const CHECKPOINT_VERSION = 1

export interface Block {
  count: number
  crc: number
}

export interface CheckpointHeader {
  transaction: number
  segment: number
  offset: number
  keys: Block
  shadows: Block
  segments: Block
  list: { segment: number; offset: number; size: number }
}

export function encodeCheckpointHeader(header: CheckpointHeader, id: Uint8Array, crc: Crc): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CHECKPOINT.headerBytes)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(CHECKPOINT_MAGIC), CHECKPOINT.magic)
  view.setUint32(CHECKPOINT.version, CHECKPOINT_VERSION, true)
  bytes.set(id, CHECKPOINT.id)
  view.setBigUint64(CHECKPOINT.transaction, BigInt(header.transaction), true)
  view.setUint32(CHECKPOINT.segment, header.segment, true)
  view.setUint32(CHECKPOINT.offset, header.offset, true)
  view.setUint32(CHECKPOINT.keyCount, header.keys.count, true)
  view.setUint32(CHECKPOINT.keyCrc, header.keys.crc, true)
  view.setUint32(CHECKPOINT.shadowCount, header.shadows.count, true)
  view.setUint32(CHECKPOINT.shadowCrc, header.shadows.crc, true)
  view.setUint32(CHECKPOINT.segmentCount, header.segments.count, true)
  view.setUint32(CHECKPOINT.segmentCrc, header.segments.crc, true)
  view.setUint32(CHECKPOINT.list, header.list.segment, true)
  view.setUint32(CHECKPOINT.list + 4, header.list.offset, true)
  view.setUint32(CHECKPOINT.list + 8, header.list.size, true)
  view.setUint32(CHECKPOINT.crc, crc(bytes.subarray(CHECKPOINT.version)), true)
  return bytes
}

export type CheckpointRead =
  | { kind: 'header'; header: CheckpointHeader }
  /** Nothing was ever written there, or it is no file of ours: a crash, or the seed's own index. */
  | { kind: 'none' }
  | { kind: 'corrupt' }

/** Reads a checkpoint's header. `fileBytes` is the size of its file: the counts are claims until they fit it. */
export function decodeCheckpointHeader(bytes: Uint8Array, fileBytes: number, id: Uint8Array, crc: Crc): CheckpointRead {
  if (bytes.length < CHECKPOINT.headerBytes || bytes.every((byte) => byte === 0)) return { kind: 'none' }
  const view = dataViewOf(bytes)
  if (view.getUint32(CHECKPOINT.crc, true) !== crc(bytes.subarray(CHECKPOINT.version, CHECKPOINT.headerBytes))) {
    return { kind: 'corrupt' }
  }
  const magic = new TextDecoder().decode(bytes.subarray(CHECKPOINT.magic, CHECKPOINT.crc))
  if (magic !== CHECKPOINT_MAGIC || view.getUint32(CHECKPOINT.version, true) !== CHECKPOINT_VERSION) {
    return { kind: 'corrupt' }
  }
  if (!sameKey(bytes, CHECKPOINT.id, id, 0)) return { kind: 'corrupt' }
  const block = (at: number): Block => ({ count: view.getUint32(at, true), crc: view.getUint32(at + 4, true) })
  const header: CheckpointHeader = {
    transaction: Number(view.getBigUint64(CHECKPOINT.transaction, true)),
    segment: view.getUint32(CHECKPOINT.segment, true),
    offset: view.getUint32(CHECKPOINT.offset, true),
    keys: block(CHECKPOINT.keyCount),
    shadows: block(CHECKPOINT.shadowCount),
    segments: block(CHECKPOINT.segmentCount),
    list: {
      segment: view.getUint32(CHECKPOINT.list, true),
      offset: view.getUint32(CHECKPOINT.list + 4, true),
      size: view.getUint32(CHECKPOINT.list + 8, true),
    },
  }
  return checkpointBytes(header) === fileBytes ? { kind: 'header', header } : { kind: 'corrupt' }
}

/** Size of the whole file. */
export function checkpointBytes(header: Pick<CheckpointHeader, 'keys' | 'shadows' | 'segments'>): number {
  return (
    CHECKPOINT.headerBytes +
    (header.keys.count + header.shadows.count) * CHECKPOINT.entryBytes +
    header.segments.count * CHECKPOINT.segmentBytes
  )
}

export interface IndexRecord {
  /** Where its key stands in the block. */
  at: number
  segment: number
  offset: number
  size: number
}

/** The records of a block of keys or shadows, one by one. */
export function* records(block: Uint8Array): Generator<IndexRecord> {
  const view = dataViewOf(block)
  for (let at = 0; at < block.length; at += CHECKPOINT.entryBytes) {
    const numbers = at + KEY_BYTES
    yield {
      at,
      segment: view.getUint32(numbers, true),
      offset: view.getUint32(numbers + 4, true),
      size: view.getUint32(numbers + 8, true),
    }
  }
}
