// Content-defined chunking (FORMAT.md, "Chunks"): where a content is cut follows from the bytes near the cut, so that a change
// moves only the boundaries next to it. A gear hash with normalized chunking (Xia and others, "FastCDC"). Called by
// src/kernel/chunker.ts, which has checked the sizes: 64 <= min <= average <= max, average a power of two, max at most 2^30.

import { GEAR, STATE } from './memory'
import { fillRandom } from './random'

// A chunker's state in STATE: the hash u64, then u32 each.
const BEGUN: usize = 8
const MIN: usize = 12
const AVERAGE: usize = 16
const MAX: usize = 20

/** How many more of the hash's top bits must be zero in front of the average size, and how many fewer from there on. */
const NORMALIZATION: u32 = 2

export function chunkerPrepare(): void {
  fillRandom(GEAR, GEAR + 256 * 8, 0)
}

function roll(hash: u64, ptr: usize): u64 {
  return (hash << 1) + load<u64>(GEAR + ((<usize>load<u8>(ptr)) << 3))
}

/**
 * Goes on over bytes `from` to `to` of a chunk that begins at `chunk`: the size of the chunk, if it ends behind one of these
 * bytes, or 0. All positions but `chunk` count from the chunk's first byte. Four bytes a turn: half again as fast as one.
 */
function search(chunk: usize, from: u32, to: u32, zeros: u32): u32 {
  const limit = (<u64>1) << (64 - zeros)
  let hash = load<u64>(STATE)
  for (; from + 4 <= to; from += 4) {
    hash = roll(hash, chunk + from)
    if (hash < limit) return from + 1
    hash = roll(hash, chunk + from + 1)
    if (hash < limit) return from + 2
    hash = roll(hash, chunk + from + 2)
    if (hash < limit) return from + 3
    hash = roll(hash, chunk + from + 3)
    if (hash < limit) return from + 4
  }
  for (; from < to; from++) {
    hash = roll(hash, chunk + from)
    if (hash < limit) return from + 1
  }
  store<u64>(STATE, hash)
  return 0
}

/** Bytes of [ptr, ptr + size) up to the end of the chunk whose state is in STATE; 0 if all of them belong to it and it goes on. */
export function cut(ptr: usize, size: u32): u32 {
  const begun = load<u32>(STATE, BEGUN)
  const average = load<u32>(STATE, AVERAGE)
  const most = load<u32>(STATE, MAX)
  const bits = <u32>ctz(average)
  const to = min(begun + size, most)
  // Wraps below zero when the chunk began in an earlier piece; only sums with positions in this one are ever loaded.
  const chunk = ptr - begun
  let end = search(chunk, max(begun, load<u32>(STATE, MIN)), min(to, average), bits + NORMALIZATION)
  if (end === 0) end = search(chunk, max(begun, average), to, bits - NORMALIZATION)
  if (end === 0 && to === most) end = most
  store<u32>(STATE, end === 0 ? to : 0, BEGUN)
  if (end === 0) return 0
  store<u64>(STATE, 0)
  return end - begun
}
