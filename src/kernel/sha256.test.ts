// SHA-256 against the standard's examples and node:crypto.

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { noise } from '../testing/bytes.js'
import { createKernel } from './kernel.js'

const SIZE = 200_000
const arena = (await createKernel()).arena(SIZE)
const bytes = noise(SIZE)

function hash(at: number, size: number): string {
  return Buffer.from(arena.sha256(at, size)).toString('hex')
}

function expected(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

// FIPS 180-4 and the examples NIST publishes with it.
test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  [
    'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
    'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1',
  ],
])('the example %j', (text, digest) => {
  const data = new TextEncoder().encode(text)
  arena.view(0, data.length).set(data)
  expect(hash(0, data.length)).toBe(digest)
})

test('every length from 0 to 300, and some long ones, at changing alignments', () => {
  arena.view(0, SIZE).set(bytes)
  const sizes = [...Array.from({ length: 301 }, (_, size) => size), 1000, 65_535, 65_536, SIZE - 300]
  const wrong = sizes.filter(
    (size) => hash(size % 17, size) !== expected(bytes.subarray(size % 17, (size % 17) + size)),
  )
  expect(wrong).toEqual([])
})

test('many at once, of any number and mixture of sizes, are each as alone', () => {
  const sizes = fc.oneof(fc.nat(200), fc.constantFrom(0, 55, 56, 63, 64, 119, 120, 1024), fc.nat(5000))
  const messages = fc.array(fc.tuple(fc.nat(1000), sizes), { maxLength: 40 })
  fc.assert(
    fc.property(messages, (places) => {
      const digests = places.map(([at, size]) => expected(bytes.subarray(at, at + size))).join('')
      expect(Buffer.from(arena.sha256Batch(places.flat())).toString('hex')).toBe(digests)
    }),
    { numRuns: 500 },
  )
})

test('more at once than the kernel takes in one call', () => {
  const places = Array.from({ length: 1000 }, (_, index) => [index, (index * 37) % 500] as const)
  const digests = places.map(([at, size]) => expected(bytes.subarray(at, at + size))).join('')
  expect(Buffer.from(arena.sha256Batch(places.flat())).toString('hex')).toBe(digests)
})

test('none at once is no digest', () => {
  expect(arena.sha256Batch([]).length).toBe(0)
})

test('the result is a copy: the next call leaves it alone', () => {
  const first = arena.sha256(0, 100)
  arena.sha256(1, 100)
  expect(Buffer.from(first).toString('hex')).toBe(expected(bytes.subarray(0, 100)))
})
