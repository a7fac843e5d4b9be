// CRC-32 against zlib's. The lengths cover every path (tables, cancelling by bytes, by words, several stretches),
// the alignments every way a word can lie.

import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noise } from '../testing/bytes.js'
import { createKernel } from './kernel.js'

const SIZE = 3 * 1024 * 1024
const kernel = await createKernel()
const arena = kernel.arena(SIZE)
const bytes = noise(SIZE)
arena.view(0, SIZE).set(bytes)

function differences(places: Iterable<{ at: number; size: number }>): { at: number; size: number }[] {
  return [...places].filter(({ at, size }) => arena.crc32(at, size) !== crc32(bytes.subarray(at, at + size)))
}

test('the check value of the standard', () => {
  arena.view(0, 9).set(new TextEncoder().encode('123456789'))
  expect(arena.crc32(0, 9)).toBe(0xcbf43926)
  arena.view(0, 9).set(bytes.subarray(0, 9))
})

test('every length from 0 to 20,000', () => {
  expect(differences(Array.from({ length: 20_001 }, (_, size) => ({ at: (size * 7) % 1000, size })))).toEqual([])
})

test('every alignment, around every length at which the way changes', () => {
  const places = [16, 511, 512, 513, 700, 4096, 16_384 + 320, 32_767, 32_768, 32_769, 40_000, 100_000].flatMap((size) =>
    Array.from({ length: 16 * 64 }, (_, index) => ({ at: index % 16, size: size + (index >> 4) })),
  )
  expect(differences(places)).toEqual([])
})

test('long ones of any length, anywhere', () => {
  fc.assert(
    fc.property(fc.nat(SIZE), fc.nat(SIZE), (one, other) => {
      const [at, end] = one < other ? [one, other] : [other, one]
      expect(arena.crc32(at, end - at)).toBe(crc32(bytes.subarray(at, end)))
    }),
    { numRuns: 300 },
  )
})

test('in parts, each going on from the one before, as at once', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(40), fc.nat(2000), fc.nat(100_000)), { maxLength: 8 }), (sizes) => {
      let at = 3
      let crc = 0
      for (const size of sizes) {
        crc = arena.crc32(at, size, crc)
        at += size
      }
      expect(crc).toBe(crc32(bytes.subarray(3, at)))
    }),
    { numRuns: 300 },
  )
})

test('bytes that are all 0 or all 1, whose errors could hide', () => {
  const same = kernel.arena(SIZE)
  for (const value of [0, 0xff]) {
    same.view(0, SIZE).fill(value)
    for (const size of [1, 15, 16, 300, 512, 5000, 33_000, SIZE]) {
      expect(same.crc32(0, size)).toBe(crc32(new Uint8Array(size).fill(value)))
    }
  }
})

test('the arena is as it was', () => {
  expect(Buffer.compare(arena.view(0, SIZE), bytes)).toBe(0)
})
