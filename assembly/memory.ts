// Where everything lies in the memory of one instance. Nothing is allocated: every address is fixed, but for the
// end of the table. The typed face (src/kernel/) learns the addresses it needs from the module's exports.
//
//   0x00000   constants that the compiler places (checked in index.ts)
//   0x00800   SCANNED   16 B   result of scan: at, stop, need
//   0x00880   MIXERS    72 B   the table's secret: nine u64
//   0x00900   LANES     64 B   SHA-256, what each lane is at
//   0x00980   STATE     128 B  SHA-256, the eight words of each lane's state
//    or                        the state of the one stream, SHA-256 or chunker, that a call is about
//   0x00a00   WORDS     256 B  SHA-256, the sixteen words of each lane's block
//   0x00b00   PADDING   512 B  SHA-256, the last one or two blocks of each lane
//   0x00d00   GEAR      2 KiB  the chunker's table: 256 u64
//   0x01500   SLICES    16 KiB CRC-32, 16 tables of 256 u32
//   0x05500   RECORDS   12 KiB result of scan: offset, size, tag of each entry
//    or 0x05500   JOBS      2 KiB  arguments of sha256: address and size of each message
//       0x06500   DIGESTS   8 KiB  result of sha256 and sha256Digest
//    or 0x05500   KEYS      8 KiB  arguments of the table's calls
//       0x07500   PLACES    3 KiB  segment, offset, size of each key: result of tableFindMany, arguments of tableAddMany
//   0x08500   SCRATCH   25.5 KiB CRC-32, the pieces being cancelled
//    or 0x08500   HASHES    2 KiB  the table's, of the keys that are being taken in: u64 each; then 4 B of no use
//    or 0x08500   SCHEDULE  1 KiB  SHA-256, a word for each round of four blocks of one message
//   0x0eb00   REST      5 KiB  CRC-32, what is left of a message after cancelling
//   0x10000   BASE      an arena's bytes, or a table's slots and, after them, its entries; grows to the end of memory
//
// An instance is an arena or a table, never both.

export const SCANNED: usize = 0x0800
export const MIXERS: usize = 0x0880
export const LANES: usize = 0x0900
export const STATE: usize = 0x0980
export const WORDS: usize = 0x0a00
export const PADDING: usize = 0x0b00
export const GEAR: usize = 0x0d00
export const SLICES: usize = 0x1500
export const RECORDS: usize = 0x5500
export const RECORDS_MAX: u32 = 1024
export const JOBS: usize = 0x5500
export const JOBS_MAX: u32 = 256
export const DIGESTS: usize = 0x6500
export const KEYS: usize = 0x5500
export const KEYS_MAX: u32 = 256
export const PLACES: usize = 0x7500
export const SCRATCH: usize = 0x8500
export const SCHEDULE: usize = 0x8500
export const HASHES: usize = 0x8500
export const HASHES_SUM: usize = 0x8d00
export const REST: usize = 0xeb00
export const BASE: usize = 0x10000

const PAGE_BITS: usize = 16

/** Makes the memory reach `end`. Grows by a sixteenth at least, so that adding one by one stays cheap. False if there is no more. */
export function reserve(end: usize): bool {
  const have = <usize>memory.size()
  const need = (end + ((1 << PAGE_BITS) - 1)) >> PAGE_BITS
  if (need <= have) return true
  const step = have >> 4
  if (need - have < step && memory.grow(<i32>step) >= 0) return true
  return memory.grow(<i32>(need - have)) >= 0
}
