// SHA-256 in pieces, against node:crypto; its saved state, against the standard's own text.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { noise } from '../testing/bytes.js'
import { INITIAL_WORDS, wordsAfter } from '../testing/sha256-blocks.js'
import { createKernel } from './kernel.js'
import { SHA256_STATE, type Sha256Stream } from './sha256-stream.js'

const SIZE = 300_000
const kernel = await createKernel()
const arena = kernel.arena(SIZE)
const bytes = noise(SIZE)
arena.view(0, SIZE).set(bytes)

const hex = (data: Uint8Array) => Buffer.from(data).toString('hex')
const expected = (at: number, size: number) =>
  createHash('sha256')
    .update(bytes.subarray(at, at + size))
    .digest('hex')

/** A stream that has taken these pieces of the arena, the first from `at` on. */
function taken(at: number, ...sizes: number[]): Sha256Stream {
  const stream = arena.sha256Stream()
  let from = at
  for (const size of sizes) {
    stream.update(from, size)
    from += size
  }
  return stream
}

/** A saved state made by hand. */
function stateOf(words: readonly number[], count: bigint, pending: Uint8Array): Uint8Array {
  const state = new Uint8Array(SHA256_STATE.bytes)
  const view = new DataView(state.buffer)
  for (const [index, word] of words.entries()) view.setUint32(SHA256_STATE.words + 4 * index, word, true)
  view.setBigUint64(SHA256_STATE.count, count, true)
  state.set(pending, SHA256_STATE.pending)
  return state
}

// 45,000 splits in each.
describe('a message of every length from 0 to 300', () => {
  const sizes = Array.from({ length: 301 }, (_, size) => size)
  const splits = sizes.flatMap((size) => sizes.slice(0, size + 1).map((first) => ({ size, first })))

  it('has its digest, wherever it is split in two', () => {
    const digests = sizes.map((size) => expected(3, size))
    const wrong = splits.filter(({ size, first }) => hex(taken(3, first, size - first).digest()) !== digests[size])
    expect(wrong).toEqual([])
  })

  it('has its digest when hashing was broken off at any point, and went on in another arena', () => {
    const other = kernel.arena(1000)
    other.view(0, 1000).set(bytes.subarray(0, 1000))
    const digests = sizes.map((size) => expected(0, size))
    const wrong = splits.filter(({ size, first }) => {
      const resumed = other.sha256Stream()
      resumed.update(0, 77)
      if (!resumed.restore(taken(0, first).save())) return true
      resumed.update(first, size - first)
      return hex(resumed.digest()) !== digests[size]
    })
    expect(wrong).toEqual([])
  })

  it('has the state that the layout says, however it was split', () => {
    const states = sizes.map((size) => {
      const whole = size - (size % 64)
      const words = wordsAfter(INITIAL_WORDS, bytes.subarray(0, whole))
      return hex(stateOf(words, BigInt(size), bytes.subarray(whole, size)))
    })
    const wrong = splits.filter(({ size, first }) => hex(taken(0, first, size - first).save()) !== states[size])
    expect(wrong).toEqual([])
  })
})

test('long messages, in any pieces', () => {
  const sizes = fc.array(fc.oneof(fc.nat(200), fc.nat(20_000), fc.constantFrom(0, 64, 65_536)), { maxLength: 8 })
  fc.assert(
    fc.property(fc.nat(1000), sizes, (at, pieces) => {
      const size = pieces.reduce((sum, piece) => sum + piece, 0)
      fc.pre(at + size <= SIZE)
      expect(hex(taken(at, ...pieces).digest())).toBe(expected(at, size))
    }),
    { seed: 1, numRuns: 300 },
  )
})

test('a message of more bytes than 32 bits can count goes on, and its size ends it', () => {
  const words = [1, 2, 3, 4, 5, 6, 7, 0xffffffff]
  const count = 2n ** 53n - 64n
  const stream = arena.sha256Stream()
  expect(stream.restore(stateOf(words, count, new Uint8Array()))).toBe(true)
  stream.update(0, 5)
  const last = new Uint8Array(64)
  last.set(bytes.subarray(0, 5))
  last[5] = 0x80
  new DataView(last.buffer).setBigUint64(56, (count + 5n) * 8n)
  const digest = Buffer.alloc(32)
  for (const [index, word] of wordsAfter(words, last).entries()) digest.writeUInt32BE(word, 4 * index)
  expect(hex(stream.digest())).toBe(digest.toString('hex'))
})

test('the bytes on a disk: the state after "abc" is this for all time', () => {
  const three = kernel.arena(3)
  three.view(0, 3).set(new TextEncoder().encode('abc'))
  const stream = three.sha256Stream()
  stream.update(0, 3)
  expect(hex(stream.save())).toBe(
    '67e6096a85ae67bb72f36e3c3af54fa57f520e518c68059babd9831f19cde05b' +
      '0300000000000000' +
      `616263${'00'.repeat(61)}`,
  )
})

test('a digest may be asked for in between, and again', () => {
  const stream = taken(0, 100)
  expect([hex(stream.digest()), hex(stream.digest())]).toEqual([expected(0, 100), expected(0, 100)])
  stream.update(100, 100)
  expect(hex(stream.digest())).toBe(expected(0, 200))
})

test('streams in one arena do not disturb each other, nor do other hashes in between', () => {
  const [one, other] = [arena.sha256Stream(), arena.sha256Stream()]
  for (let at = 0; at < 3000; at += 100) {
    one.update(at, 100)
    expect(hex(arena.sha256(at, 70))).toBe(expected(at, 70))
    arena.sha256Batch([at, 200, 0, 300])
    other.update(at + 1000, 100)
  }
  expect([hex(one.digest()), hex(other.digest())]).toEqual([expected(0, 3000), expected(1000, 3000)])
})

test('a stream goes on when its arena has grown', () => {
  const small = kernel.arena(100)
  const stream = small.sha256Stream()
  small.view(0, 100).set(bytes.subarray(0, 100))
  stream.update(0, 100)
  small.reserve(small.capacity + 1_000_000)
  const at = small.capacity - 100
  small.view(at, 100).set(bytes.subarray(100, 200))
  stream.update(at, 100)
  expect(hex(stream.digest())).toBe(expected(0, 200))
})

test('what was saved is a copy: the stream going on leaves it alone, and what is done to it the stream', () => {
  const stream = taken(0, 70)
  const saved = stream.save()
  const kept = saved.slice()
  stream.update(70, 70)
  expect(saved).toEqual(kept)
  expect(stream.restore(saved)).toBe(true)
  saved.fill(255)
  expect(stream.save()).toEqual(kept)
})

describe('no state, and refused, is', () => {
  const good = taken(0, 70).save()
  const words = wordsAfter(INITIAL_WORDS, bytes.subarray(0, 64))
  const rows: { name: string; saved: Uint8Array }[] = [
    { name: 'nothing', saved: new Uint8Array() },
    { name: 'a state that lacks a byte', saved: good.subarray(0, SHA256_STATE.bytes - 1) },
    { name: 'a state with a byte more', saved: Uint8Array.of(...good, 0) },
    { name: 'zeros, as a crash leaves them', saved: new Uint8Array(SHA256_STATE.bytes) },
    { name: 'words of some message that has no whole block', saved: stateOf(words, 63n, bytes.subarray(0, 63)) },
    { name: 'a count past 2^53 - 1', saved: stateOf(words, 2n ** 53n, new Uint8Array()) },
    { name: 'a count with its top bit set', saved: stateOf(words, 2n ** 63n, new Uint8Array()) },
    { name: 'a pending byte too many', saved: stateOf(words, 70n, new Uint8Array(7).fill(1)) },
    { name: 'a pending byte right at the end', saved: stateOf(words, 64n, new Uint8Array(64).fill(1, 63)) },
  ]
  it.each(rows)('$name', ({ saved }) => {
    const stream = taken(0, 70)
    expect(stream.restore(saved)).toBe(false)
    stream.update(70, 30)
    expect(hex(stream.digest())).toBe(expected(0, 100))
  })

  it.each([
    ['the largest count', stateOf(words, 2n ** 53n - 1n, bytes.subarray(0, 63))],
    ['a state of no bytes', arena.sha256Stream().save()],
    ['a view into other bytes', Uint8Array.of(9, ...good, 9).subarray(1, 1 + SHA256_STATE.bytes)],
  ])('not %s', (_, saved) => {
    const stream = arena.sha256Stream()
    expect(stream.restore(saved)).toBe(true)
    expect(hex(stream.save())).toBe(hex(saved))
  })
})
