// CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320), the same numbers as zlib's.
// Called by entry.ts for every entry written or read, and from outside for checkpoints and the head.

import { SLICES } from './memory'

/** Fills the tables: SLICES[k][b] is the CRC of byte b followed by k zero bytes. */
export function crc32Prepare(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) * 0xedb88320)
    store<u32>(SLICES + (byte << 2), crc)
  }
  for (let at: usize = SLICES; at < SLICES + 15 * 1024; at += 4) {
    const crc = load<u32>(at)
    store<u32>(at + 1024, (crc >> 8) ^ load<u32>(SLICES + ((crc & 0xff) << 2)))
  }
}

function slice(table: usize, byte: u32): u32 {
  return load<u32>(SLICES + (table << 10) + ((byte & 0xff) << 2))
}

function sliceWord(table: usize, word: u32): u32 {
  return slice(table + 3, word) ^ slice(table + 2, word >> 8) ^ slice(table + 1, word >> 16) ^ slice(table, word >> 24)
}

/** Goes on from `state` (not inverted) over [ptr, end). */
function crc32Tables(ptr: usize, end: usize, state: u32): u32 {
  for (; ptr + 16 <= end; ptr += 16) {
    state =
      sliceWord(12, load<u32>(ptr) ^ state) ^
      sliceWord(8, load<u32>(ptr, 4)) ^
      sliceWord(4, load<u32>(ptr, 8)) ^
      sliceWord(0, load<u32>(ptr, 12))
  }
  for (; ptr < end; ptr++) state = (state >> 8) ^ slice(0, state ^ load<u8>(ptr))
  return state
}

/** CRC-32 of [ptr, ptr + size), going on from `crc` (0 to begin). */
export function crc32(ptr: usize, size: usize, crc: u32): u32 {
  return ~crc32Tables(ptr, ptr + size, ~crc)
}
