// Where contents are cut: against the rule as FORMAT.md has it, whatever the pieces, and whether the rule is any good.

import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { CHUNK_SIZES } from '../format/chunks.js'
import { noise } from '../testing/bytes.js'
import { chunkEnds } from '../testing/chunk-boundaries.js'
import type { Chunker } from './chunker.js'
import { type ChunkSizes, createKernel } from './kernel.js'

const MIB = 1024 * 1024
const kernel = await createKernel()
const arena = kernel.arena(MIB)
const SMALL: ChunkSizes = { min: 64, average: 256, max: 1024 }

/** Where the chunks of a content end that comes in pieces of these sizes, over and over, and how many calls it took. */
function cutUp(content: Uint8Array, sizes: ChunkSizes, pieces: readonly number[] = [MIB]) {
  const chunker = arena.chunker(sizes)
  const ends: number[] = []
  let calls = 0
  for (let from = 0, turn = 0; from < content.length; turn++) {
    const piece = content.subarray(from, from + (pieces[turn % pieces.length] ?? MIB))
    // Each at a place of its own, over what was there before.
    const place = turn % 7
    arena.reserve(place + piece.length)
    arena.view(place, piece.length).set(piece)
    for (let at = 0; at < piece.length; ) {
      const taken = chunker.cut(place + at, piece.length - at)
      calls++
      if (taken === 0) break
      at += taken
      ends.push(from + at)
    }
    from += piece.length
  }
  if (content.length > (ends.at(-1) ?? 0)) ends.push(content.length)
  return { ends, calls }
}

const sizesOf = (ends: readonly number[]) => ends.map((end, index) => end - (ends[index - 1] ?? 0))
const sum = (numbers: readonly number[]) => numbers.reduce((one, other) => one + other, 0)

const smallSizes = fc.tuple(fc.integer({ min: 6, max: 11 }), fc.nat(3000), fc.nat(5000)).map(([bits, below, above]) => {
  const average = 2 ** bits
  return { min: Math.max(64, average - below), average, max: average + above }
})

// Few values, or one over and over, bring the hash back to the same numbers: the places where rules differ.
const contents = fc.oneof(
  fc.tuple(fc.nat(20_000), fc.nat()).map(([size, seed]) => noise(size, seed)),
  fc
    .tuple(fc.nat(20_000), fc.nat(), fc.nat(3))
    .map(([size, seed, mask]) => noise(size, seed).map((byte) => byte & mask)),
  fc.tuple(fc.nat(5000), fc.nat(255)).map(([size, byte]) => new Uint8Array(size).fill(byte)),
)
const splits = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3000 })), { minLength: 1 })

test('any content, with any sizes, in any pieces, is cut where the rule says', () => {
  fc.assert(
    fc.property(contents, smallSizes, splits, (content, sizes, pieces) => {
      expect(cutUp(content, sizes, pieces).ends).toEqual(chunkEnds(content, sizes))
    }),
    { seed: 1, numRuns: 400 },
  )
})

test('the sizes of a store: as the rule says, and the same in one piece, in uploads and in odd bits', () => {
  const content = noise(5 * MIB, 3)
  const ends = chunkEnds(content, CHUNK_SIZES)
  expect(ends.length).toBeGreaterThan(4)
  for (const pieces of [[content.length], [MIB], [65_536], [1, 100_000, 7], [CHUNK_SIZES.min, 1]]) {
    expect(cutUp(content, CHUNK_SIZES, pieces).ends).toEqual(ends)
  }
})

test('nothing is cut from nothing, and a content ends without a boundary', () => {
  const chunker = arena.chunker(SMALL)
  expect(chunker.cut(0, 0)).toBe(0)
  expect(cutUp(new Uint8Array(0), SMALL).ends).toEqual([])
  expect(cutUp(noise(63), SMALL).ends).toEqual([63])
})

describe('100 MiB of random bytes', () => {
  const content = noise(100 * MIB, 1)
  const { ends } = cutUp(content, CHUNK_SIZES)
  const sizes = sizesOf(ends)

  it('make chunks whose mean size is within a fifth of the average', () => {
    const mean = sum(sizes) / sizes.length
    expect(mean).toBeGreaterThan(CHUNK_SIZES.average * 0.8)
    expect(mean).toBeLessThan(CHUNK_SIZES.average * 1.2)
    expect(sum(sizes)).toBe(content.length)
  })

  it('make none under the least but the last, none over the most, and sizes near the average are common', () => {
    expect(sizes.slice(0, -1).filter((size) => size <= CHUNK_SIZES.min)).toEqual([])
    expect(sizes.filter((size) => size > CHUNK_SIZES.max)).toEqual([])
    const near = sizes.filter((size) => size > CHUNK_SIZES.average / 2 && size < CHUNK_SIZES.average * 2)
    expect(near.length / sizes.length).toBeGreaterThan(0.8)
  })

  it('make new chunks of less than 15 MiB when ten runs of a tenth of a MiB are overwritten', () => {
    const changed = content.slice()
    for (let run = 0; run < 10; run++) {
      changed.set(noise(MIB / 10, 100 + run), Math.floor((run + 0.4) * 10 * MIB))
    }
    expect(newBytes(content, ends, changed, cutUp(changed, CHUNK_SIZES).ends)).toBeLessThan(15 * MIB)
  })

  it('make new chunks of less than 3 MiB when a byte is put in front', () => {
    const moved = new Uint8Array(content.length + 1)
    moved.set(content, 1)
    expect(newBytes(content, ends, moved, cutUp(moved, CHUNK_SIZES).ends)).toBeLessThan(3 * MIB)
  })
})

/** Bytes of the chunks of `target` that are no chunks of `source`. */
function newBytes(
  source: Uint8Array,
  sourceEnds: readonly number[],
  target: Uint8Array,
  targetEnds: readonly number[],
) {
  const known = new Set(chunksOf(source, sourceEnds).map((chunk) => Buffer.from(chunk).toString('base64')))
  const fresh = chunksOf(target, targetEnds).filter((chunk) => !known.has(Buffer.from(chunk).toString('base64')))
  return sum(fresh.map((chunk) => chunk.length))
}

function chunksOf(content: Uint8Array, ends: readonly number[]): Uint8Array[] {
  return ends.map((end, index) => content.subarray(ends[index - 1] ?? 0, end))
}

test('one value over and over is cut at the most, in one call for each chunk and each piece', () => {
  const { ends, calls } = cutUp(new Uint8Array(20 * MIB), CHUNK_SIZES, [3 * MIB])
  expect(sizesOf(ends)).toEqual(Array.from({ length: 10 }, () => CHUNK_SIZES.max))
  expect(calls).toBeLessThanOrEqual(10 + 7)
  const others = Array.from({ length: 255 }, (_, index) => index + 1)
  const sizes = { min: 64, average: 512 * 1024, max: 512 * 1024 + 100 }
  const wrong = others.filter((byte) => cutUp(new Uint8Array(sizes.max + 1).fill(byte), sizes).ends[0] !== sizes.max)
  expect(wrong).toEqual([])
})

test('chunkers in one arena do not disturb each other, nor do hashes in between', () => {
  const content = noise(20_000, 9)
  const others = [SMALL, { min: 100, average: 1024, max: 3000 }]
  arena.view(0, content.length).set(content)
  const stream = arena.sha256Stream()
  const runs = others.map((sizes) => ({ chunker: arena.chunker(sizes), sizes, ends: [] as number[] }))
  for (let at = 0; at < content.length; at += 50) {
    for (const { chunker, ends } of runs) takeFifty(chunker, at, ends)
    stream.update(at, 50)
    arena.sha256Batch([at, 50, 0, 300])
  }
  for (const { ends, sizes } of runs) expect(ends).toEqual(chunkEnds(content, sizes).slice(0, ends.length))
  expect(runs.map(({ ends }) => ends.length > 10)).toEqual([true, true])
  expect(stream.digest()).toEqual(arena.sha256(0, content.length))

  function takeFifty(chunker: Chunker, from: number, ends: number[]): void {
    for (let at = from; at < from + 50; ) {
      const taken = chunker.cut(at, from + 50 - at)
      if (taken === 0) return
      at += taken
      ends.push(at)
    }
  }
})

test('a chunker goes on when its arena has grown', () => {
  const small = kernel.arena(100)
  const content = noise(1000, 4)
  const [first = 0] = chunkEnds(content, SMALL)
  const chunker = small.chunker(SMALL)
  small.view(0, 60).set(content.subarray(0, 60))
  expect(chunker.cut(0, 60)).toBe(0)
  small.reserve(small.capacity + 1_000_000)
  const at = small.capacity - 940
  small.view(at, 940).set(content.subarray(60))
  expect(chunker.cut(at, 940)).toBe(first - 60)
})

describe('the sizes of chunks are refused when', () => {
  it.each([
    ['the least is below 64', { ...SMALL, min: 63 }],
    ['the least is above the average', { ...SMALL, min: 257 }],
    ['the average is no power of two', { ...SMALL, average: 257 }],
    ['the average is above the most', { ...SMALL, max: 255 }],
    ['the most is above 1 GiB', { ...SMALL, max: 2 ** 30 + 1 }],
    ['the average is a power of two that 32 bits cannot hold', { ...SMALL, average: 2 ** 32, max: 2 ** 33 }],
    ['the least is no whole number', { ...SMALL, min: 64.5 }],
    ['the most is no whole number', { ...SMALL, max: 1000.5 }],
    ['one is not a number', { ...SMALL, max: Number.NaN }],
    ['one is missing', { min: 64, average: 256 } as ChunkSizes],
  ])('%s', (_, sizes) => {
    expect(() => arena.chunker(sizes)).toThrow('invariant')
  })

  it.each([
    ['all are the least there is', { min: 64, average: 64, max: 64 }],
    ['all are the most there is', { min: 2 ** 30, average: 2 ** 30, max: 2 ** 30 }],
    ['they are those of a store', CHUNK_SIZES],
  ])('but not when %s', (_, sizes) => {
    const content = noise(300, 5)
    expect(cutUp(content, sizes, [7]).ends).toEqual(chunkEnds(content, sizes))
  })
})
