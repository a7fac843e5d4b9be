/**
 * The `head` file: two 64-byte slots used in turn, each the number and end of the last durable transaction. It is written after the
 * flush it tells of, so that it never claims too much; a slot torn by a crash leaves the other one. FORMAT.md, "Head".
 */

import { dataViewOf } from './data-view.js'
import { sameKey } from './key.js'

export const HEAD = {
  crc: 0,
  magic: 4,
  transaction: 8,
  segment: 16,
  offset: 20,
  id: 24,
  slotBytes: 64,
  slots: 2,
} as const
const HEAD_MAGIC = 0x4441_4548 // 'HEAD'

export interface Head {
  /** Transactions committed since the store was made. */
  transaction: number
  /** Where the last durable transaction ends: behind its COMMIT. Segment 0, offset 0 when there is none. */
  segment: number
  offset: number
}

/** CRC-32 of a few bytes, going on from that of what stands `before` them; handed in, so that the format needs no kernel. */
export type Crc = (bytes: Uint8Array, before?: number) => number

export function encodeHeadSlot(head: Head, id: Uint8Array, crc: Crc): Uint8Array<ArrayBuffer> {
  const slot = new Uint8Array(HEAD.slotBytes)
  const view = new DataView(slot.buffer)
  view.setUint32(HEAD.magic, HEAD_MAGIC, true)
  view.setBigUint64(HEAD.transaction, BigInt(head.transaction), true)
  view.setUint32(HEAD.segment, head.segment, true)
  view.setUint32(HEAD.offset, head.offset, true)
  slot.set(id, HEAD.id)
  view.setUint32(HEAD.crc, crc(slot.subarray(HEAD.magic)), true)
  return slot
}

/** The head in one slot, or undefined when it is torn, damaged or another store's. */
export function decodeHeadSlot(slot: Uint8Array, id: Uint8Array, crc: Crc): Head | undefined {
  if (slot.length !== HEAD.slotBytes) return undefined
  const view = dataViewOf(slot)
  if (view.getUint32(HEAD.magic, true) !== HEAD_MAGIC) return undefined
  if (view.getUint32(HEAD.crc, true) !== crc(slot.subarray(HEAD.magic))) return undefined
  if (!sameKey(slot, HEAD.id, id, 0)) return undefined
  return {
    transaction: Number(view.getBigUint64(HEAD.transaction, true)),
    segment: view.getUint32(HEAD.segment, true),
    offset: view.getUint32(HEAD.offset, true),
  }
}
