// Entries of a segment: crc u32 | size u32 | tag u8 | body (FORMAT.md, "Entries"). Sealing them for the log, and
// reading them back. A size is a claim until the CRC agrees: nothing here reads past the end it was given.

import { crc32 } from './crc32'
import { BASE, RECORDS, RECORDS_MAX, SCANNED } from './memory'

const HEADER_SIZE: u32 = 9
const KEYED_SIZE: u32 = 41
const ENTRY_SIZE_MAX: u32 = 20 * 1024 * 1024

const PUT: u32 = 0
const DELETE: u32 = 1
const COMMIT: u32 = 2

// How a scan ended; the order is that of STOPS in src/kernel/arena.ts.
const STOP_END: u32 = 0
const STOP_FULL: u32 = 1
const STOP_PARTIAL: u32 = 2
const STOP_CORRUPT: u32 = 3

function plausible(size: u32, tag: u32): bool {
  if (tag === PUT) return size >= KEYED_SIZE && size <= ENTRY_SIZE_MAX
  if (tag === DELETE) return size === KEYED_SIZE
  return tag === COMMIT && size === HEADER_SIZE
}

function intact(ptr: usize, size: u32): bool {
  return crc32(ptr + 4, size - 4, 0) === load<u32>(ptr)
}

/** Writes the header of the entry [ptr, ptr + size), whose body is there already. */
export function seal(ptr: usize, size: u32, tag: u32): void {
  store<u32>(ptr, size, 4)
  store<u8>(ptr, tag, 8)
  store<u32>(ptr, crc32(ptr + 4, size - 4, 0))
}

/** True when [ptr, ptr + size) is one whole entry. */
export function verify(ptr: usize, size: u32): bool {
  return size >= HEADER_SIZE && load<u32>(ptr, 4) === size && plausible(size, load<u8>(ptr, 8)) && intact(ptr, size)
}

/**
 * Walks entries from `ptr` to `end`, at most `limit` of them, and returns how many it found: for each, offset in the
 * arena, size and tag in RECORDS. SCANNED says how far it came, why it stopped, and what a partial entry needs.
 */
export function scan(ptr: usize, end: usize, limit: u32): u32 {
  let count: u32 = 0
  let stop = STOP_END
  let need: u32 = 0
  for (; ptr < end; count++) {
    if (count === limit || count === RECORDS_MAX) {
      stop = STOP_FULL
      break
    }
    const left = <u32>(end - ptr)
    if (left < HEADER_SIZE) {
      stop = STOP_PARTIAL
      need = HEADER_SIZE
      break
    }
    const size = load<u32>(ptr, 4)
    const tag = <u32>load<u8>(ptr, 8)
    if (!plausible(size, tag)) {
      stop = STOP_CORRUPT
      break
    }
    if (size > left) {
      stop = STOP_PARTIAL
      need = size
      break
    }
    if (!intact(ptr, size)) {
      stop = STOP_CORRUPT
      break
    }
    const record = RECORDS + count * 12
    store<u32>(record, <u32>(ptr - BASE))
    store<u32>(record, size, 4)
    store<u32>(record, tag, 8)
    ptr += size
  }
  store<u32>(SCANNED, <u32>(ptr - BASE))
  store<u32>(SCANNED, stop, 4)
  store<u32>(SCANNED, need, 8)
  return count
}
