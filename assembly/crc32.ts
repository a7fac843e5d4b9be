// CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320), the same numbers as zlib's.
// Called by entry.ts for every entry written or read, and from outside for checkpoints and the head.
//
// A CRC is the remainder of the message, as a polynomial over GF(2), by P. Adding a multiple of P leaves the remainder as it
// is, and S = x^300 + x^155 + x^117 + x^89 + 1 is one. So any leading piece of the message can be cancelled by XOR-ing it into
// the places 145, 183, 211 and 300 further on. S(x)^2 = S(x^2), so S(x^8) and S(x^128) are multiples too: the same distances
// hold in bytes and in 16-byte words, and the XORs need no bit shifts and no table. What is left when 300 bytes remain goes
// through tables. Long messages are cancelled by words first: whole words lie aligned, which is a sixth faster.
// (Cancelling without tables is published as "Chorba", arXiv 2412.16398.)

import { REST, SCRATCH, SLICES } from './memory'

// Sizes from which cancelling pays, measured: 16 slices are faster below the first, bytes alone are faster below the second.
const CANCEL_BYTES_FROM: usize = 512
const CANCEL_WORDS_FROM: usize = 32 * 1024

/** Bytes cancelled before the scratch starts over; with the message it stays in the first-level cache. */
const STRETCH: usize = 16 * 1024

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

function sum(a: v128, b: v128, c: v128, d: v128, e: v128): v128 {
  return v128.xor(a, v128.xor(v128.xor(b, c), v128.xor(d, e)))
}

/**
 * Cancels all of the message [ptr, end) but its last 300 units or a little more, and leaves in REST a message that has the same
 * CRC when begun with 0. Returns its end. Distances are in units: `u8` for bytes, `v128` for words; a type, so that they are constants.
 *
 * The pieces y that are cancelled, y[i] = x[i] ^ y[i-145] ^ y[i-183] ^ y[i-211] ^ y[i-300], stand in SCRATCH behind `span` bytes
 * of what came before them: zeros, but for the `state`, where only the message's first four bytes meet it.
 */
function cancel<Unit>(ptr: usize, end: usize, state: u32): usize {
  const unit: usize = sizeof<Unit>()
  const span: usize = (300 * unit + 63) & ~63
  let left = (end - ptr - span) & ~63
  let y = SCRATCH + span
  memory.fill(SCRATCH, 0, span)
  store<u32>(y - 300 * unit, state)
  while (true) {
    const size = min(left, STRETCH)
    for (const stop = y + size; y < stop; y += 64, ptr += 64) {
      const a = y - 145 * unit
      const b = y - 183 * unit
      const c = y - 211 * unit
      const d = y - 300 * unit
      v128.store(y, sum(v128.load(ptr), v128.load(a), v128.load(b), v128.load(c), v128.load(d)))
      v128.store(y, sum(v128.load(ptr, 16), v128.load(a, 16), v128.load(b, 16), v128.load(c, 16), v128.load(d, 16)), 16)
      v128.store(y, sum(v128.load(ptr, 32), v128.load(a, 32), v128.load(b, 32), v128.load(c, 32), v128.load(d, 32)), 32)
      v128.store(y, sum(v128.load(ptr, 48), v128.load(a, 48), v128.load(b, 48), v128.load(c, 48), v128.load(d, 48)), 48)
    }
    left -= size
    if (left === 0) break
    memory.copy(SCRATCH, y - span, span)
    y = SCRATCH + span
  }
  // From here on nothing more is cancelled: what was still reaches into the rest.
  memory.fill(y, 0, span)
  let rest = REST
  for (; ptr < end; rest += 16, ptr += 16, y += 16) {
    const a = v128.load(y - 145 * unit)
    const b = v128.load(y - 183 * unit)
    const c = v128.load(y - 211 * unit)
    const d = v128.load(y - 300 * unit)
    v128.store(rest, sum(v128.load(ptr), a, b, c, d))
  }
  return rest
}

/** CRC-32 of [ptr, ptr + size), going on from `crc` (0 to begin). */
export function crc32(ptr: usize, size: usize, crc: u32): u32 {
  let state = ~crc
  let end = ptr + size
  // The odd bytes first: all that follows takes whole words.
  for (const words = ptr + (size & 15); ptr < words; ptr++) state = (state >> 8) ^ slice(0, state ^ load<u8>(ptr))
  if (size >= CANCEL_WORDS_FROM) {
    end = cancel<v128>(ptr, end, state)
    ptr = REST
    state = 0
  }
  if (size >= CANCEL_BYTES_FROM) {
    end = cancel<u8>(ptr, end, state)
    ptr = REST
    state = 0
  }
  for (; ptr < end; ptr += 16) {
    state =
      sliceWord(12, load<u32>(ptr) ^ state) ^
      sliceWord(8, load<u32>(ptr, 4)) ^
      sliceWord(4, load<u32>(ptr, 8)) ^
      sliceWord(0, load<u32>(ptr, 12))
  }
  return ~state
}
