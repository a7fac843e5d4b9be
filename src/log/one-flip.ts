/**
 * An entry with one flipped bit. CRC-32 is a primitive polynomial's: a single flip among the bits of an entry has a syndrome of its own, so the entry is
 * known exactly, wherever the bit is. Called on damage only, by who judges it and by who has to know whose header a file begins with.
 */

import { dataViewOf } from '../format/data-view.js'
import { ENTRY } from '../format/entry.js'
import type { Arena } from '../kernel/kernel.js'

/** The reflected form of the polynomial, 0x04C11DB7. */
const POLYNOMIAL = 0xedb88320

/** Flips back, in the first `size` bytes of the arena, the one bit whose flip explains why they are no good entry; false when no single one does. */
export function flipBack(arena: Arena, size: number): boolean {
  const entry = arena.view(0, size)
  const view = dataViewOf(entry)
  const stored = view.getUint32(ENTRY.crc, true)
  const actual = arena.crc32(ENTRY.size, size - ENTRY.size)
  const syndrome = (stored ^ actual) >>> 0
  if ((syndrome & (syndrome - 1)) === 0) {
    // One bit set: the flip is in the checksum itself, and all else is as it was written.
    view.setUint32(ENTRY.crc, actual, true)
  } else {
    const fromEnd = flippedBit(syndrome, (size - ENTRY.size) * 8)
    if (fromEnd === undefined) return false
    const byte = size - 1 - Math.floor(fromEnd / 8)
    entry[byte] = (entry[byte] as number) ^ (0x80 >> (fromEnd % 8))
  }
  // The checksum agrees now; of a tag that is none of ours it proves nothing.
  return arena.verify(0, size)
}

/** How many bits before the end the flip lies that makes this syndrome; undefined when no single flip among `bits` does. */
export function flippedBit(syndrome: number, bits: number): number | undefined {
  let register = POLYNOMIAL
  for (let fromEnd = 0; fromEnd < bits; fromEnd++) {
    if (register >>> 0 === syndrome) return fromEnd
    register = (register >>> 1) ^ (POLYNOMIAL & -(register & 1))
  }
  return undefined
}
