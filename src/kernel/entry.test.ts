// Sealing, verifying and scanning entries, against a plain scanner written here from FORMAT.md alone.

import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { noise } from '../testing/bytes.js'
import { createKernel, type ScanResult } from './kernel.js'

const arena = (await createKernel()).arena(1024 * 1024)

const HEADER = 9
const KEYED = 41
const LARGEST = 20 * 1024 * 1024

/** An entry made by hand: zlib's CRC, and nothing of the kernel. */
function entry(tag: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(HEADER + body.length)
  bytes.writeUInt32LE(bytes.length, 4)
  bytes[8] = tag
  bytes.set(body, HEADER)
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
  return bytes
}

const COMMIT = Buffer.from('40f43c250900000002', 'hex')
const HELLO = Buffer.concat([
  Buffer.from('01ff028d2e00000000', 'hex'),
  Uint8Array.from({ length: 32 }, (_, index) => index),
  Buffer.from('hello'),
])

interface Scan {
  result: ScanResult
  records: number[]
}

/** The scanner as FORMAT.md describes it, one step at a time. */
function plainScan(log: Uint8Array, limit: number): Scan {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength)
  const records: number[] = []
  let at = 0
  const stop = (why: ScanResult['stop'], need = 0): Scan => ({
    result: { count: records.length / 3, at, stop: why, need },
    records,
  })
  for (;;) {
    const left = log.length - at
    if (left === 0) return stop('end')
    if (records.length / 3 === limit) return stop('full')
    if (left < HEADER) return stop('partial', HEADER)
    const size = view.getUint32(at + 4, true)
    const tag = view.getUint8(at + 8)
    const possible = [size >= KEYED && size <= LARGEST, size === KEYED, size === HEADER][tag] ?? false
    if (!possible) return stop('corrupt')
    if (size > left) return stop('partial', size)
    if (crc32(log.subarray(at + 4, at + size)) !== view.getUint32(at, true)) return stop('corrupt')
    records.push(at, size, tag)
    at += size
  }
}

/** The kernel's scan of `log` put at `base`, with places counted from there. */
function kernelScan(log: Uint8Array, limit: number, base: number): Scan {
  arena.view(base, log.length).set(log)
  const found = new Uint32Array(limit * 3)
  const result = arena.scan(base, base + log.length, found)
  expect(Buffer.compare(arena.view(base, log.length), log)).toBe(0)
  const records = [...found.subarray(0, result.count * 3)]
  return {
    result: { ...result, at: result.at - base },
    records: records.map((value, index) => (index % 3 === 0 ? value - base : value)),
  }
}

describe('seal', () => {
  test('makes the golden COMMIT', () => {
    arena.view(5, 9).fill(0xee)
    arena.seal(5, 9, 2)
    expect(Buffer.from(arena.view(5, 9))).toEqual(COMMIT)
  })

  test('makes the golden PUT around its body, and touches nothing else', () => {
    arena.view(0, 100).fill(0xee)
    arena.view(10 + HEADER, 37).set(HELLO.subarray(HEADER))
    arena.seal(10, HELLO.length, 0)
    expect(Buffer.from(arena.view(10, HELLO.length))).toEqual(HELLO)
    expect([...arena.view(0, 10), ...arena.view(10 + HELLO.length, 40)].every((byte) => byte === 0xee)).toBe(true)
  })
})

describe('verify', () => {
  function verified(bytes: Uint8Array, size = bytes.length): boolean {
    arena.view(7, bytes.length).set(bytes)
    return arena.verify(7, size)
  }

  test.each([
    ['a COMMIT', COMMIT],
    ['a PUT', HELLO],
    ['a PUT of nothing', entry(0, noise(32))],
    ['a DELETE', entry(1, noise(32))],
    ['the largest PUT', entry(0, noise(LARGEST - HEADER))],
  ])('says yes to %s', (_, bytes) => {
    arena.reserve(bytes.length + 7)
    expect(verified(bytes)).toBe(true)
  })

  // Every one of these has the CRC that fits it.
  test.each([
    ['a PUT without a whole key', entry(0, noise(31))],
    ['a PUT that is too large', entry(0, noise(LARGEST - HEADER + 1))],
    ['a DELETE with a value', entry(1, noise(33))],
    ['a DELETE without a whole key', entry(1, noise(31))],
    ['a COMMIT with a body', entry(2, noise(1))],
    ['a tag that does not exist', entry(3, noise(32))],
    ['a tag that does not exist, without a body', entry(3, noise(0))],
    ['a tag with its high bit set', entry(128, noise(32))],
  ])('says no to %s', (_, bytes) => {
    arena.reserve(bytes.length + 7)
    expect(verified(bytes)).toBe(false)
  })

  test('says no when the size is another than the one asked for', () => {
    const two = Buffer.concat([HELLO, COMMIT])
    expect([45, 47, 55, 9, 8, 4, 0].map((size) => verified(two, size))).toEqual(Array(7).fill(false))
    expect(verified(two, 46)).toBe(true)
  })

  test('says no when the CRC fits the bytes asked for, but the size field says less', () => {
    const bytes = entry(0, noise(40))
    bytes.writeUInt32LE(45, 4)
    bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
    expect(verified(bytes)).toBe(false)
  })

  test('says no, and reads nothing outside, when not even a header fits into what is left of the arena', () => {
    const sizes = [0, 1, 4, 5, 8]
    expect(sizes.map((size) => arena.verify(arena.capacity - size, size))).toEqual(sizes.map(() => false))
  })

  test('says no to every single flipped bit', () => {
    const missed = Array.from({ length: HELLO.length * 8 }, (_, bit) => bit).filter((bit) => verified(flip(HELLO, bit)))
    expect(missed).toEqual([])
  })
})

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  const at = Math.floor(bit / 8) % bytes.length
  flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit % 8))
  return flipped
}

describe('scan', () => {
  const good = fc.oneof(
    fc.constant(COMMIT),
    fc.integer().map((seed) => entry(1, noise(32, seed))),
    fc.tuple(fc.oneof(fc.nat(80), fc.nat(3000)), fc.integer()).map(([size, seed]) => entry(0, noise(32 + size, seed))),
  )
  const bad = fc.oneof(
    fc.tuple(fc.nat(5), fc.nat(60)).map(([tag, size]) => entry(tag, noise(size))),
    fc.uint8Array({ maxLength: 50 }),
    // A header that is plausible, and nothing behind it.
    fc.constant(Buffer.from('000000000000400100', 'hex')),
  )
  const logs = fc
    .array(fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: bad }), { maxLength: 30 })
    .map((parts) => new Uint8Array(Buffer.concat(parts)))
  const limits = fc.oneof(fc.nat(40), fc.constant(2000))

  test('agrees with the plain scanner on logs that are whole, or hold something bad', () => {
    fc.assert(
      fc.property(logs, limits, fc.nat(40), (log, limit, base) => {
        expect(kernelScan(log, limit, base)).toEqual(plainScan(log, limit))
      }),
      { numRuns: 500 },
    )
  })

  test('agrees with it when the log is cut anywhere', () => {
    fc.assert(
      fc.property(logs, fc.double({ min: 0, max: 1, noNaN: true }), (log, share) => {
        const cut = log.slice(0, Math.floor(log.length * share))
        expect(kernelScan(cut, 100, 3)).toEqual(plainScan(cut, 100))
      }),
      { numRuns: 500 },
    )
  })

  test('agrees with it when a bit is flipped', () => {
    fc.assert(
      fc.property(logs, fc.nat(), (log, bit) => {
        const flipped = log.length === 0 ? log : flip(log, bit)
        expect(kernelScan(flipped, 100, 3)).toEqual(plainScan(flipped, 100))
      }),
      { numRuns: 500 },
    )
  })

  test('takes more entries than the kernel holds records for', () => {
    const log = new Uint8Array(Buffer.concat(Array.from({ length: 5000 }, (_, index) => (index % 3 ? COMMIT : HELLO))))
    for (const limit of [1023, 1024, 1025, 4999, 5000, 5001]) {
      expect(kernelScan(log, limit, 11)).toEqual(plainScan(log, limit))
    }
  })

  test('reads nothing past the end it was given: what is whole behind it does not count', () => {
    arena.view(0, 55).set(Buffer.concat([HELLO, COMMIT]))
    expect(arena.scan(0, 50, new Uint32Array(6))).toEqual({ count: 1, at: 46, stop: 'partial', need: 9 })
    expect(arena.scan(0, 45, new Uint32Array(6))).toEqual({ count: 0, at: 0, stop: 'partial', need: 46 })
  })
})
