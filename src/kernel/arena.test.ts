// The memory of an arena: what it promises about its size, its contents and its neighbours.

import { expect, test } from 'vitest'
import { noise } from '../testing/bytes.js'
import { limitedMemory } from '../testing/limited-memory.js'
import { Arena } from './arena.js'
import { createKernel } from './kernel.js'

const kernel = await createKernel()

test('has at least the bytes it was asked for', () => {
  for (const bytes of [0, 1, 65_536, 65_537, 5_000_000]) {
    expect(kernel.arena(bytes).capacity).toBeGreaterThanOrEqual(bytes)
  }
})

test('keeps its contents when it grows, and gives views of all of it', () => {
  const arena = kernel.arena(1000)
  const bytes = noise(1000)
  arena.view(0, 1000).set(bytes)
  arena.reserve(10_000_000)
  expect(arena.capacity).toBeGreaterThanOrEqual(10_000_000)
  expect(arena.view(0, 1000)).toEqual(bytes)
  arena.view(arena.capacity - 1, 1)[0] = 7
  expect(arena.view(arena.capacity - 1, 1)[0]).toBe(7)
})

test('reserving what is there already leaves views alone', () => {
  const arena = kernel.arena(1000)
  const view = arena.view(0, 10)
  arena.reserve(10)
  expect(view.length).toBe(10)
})

test('more than 1 GiB is a RangeError, and the arena stays as it was', () => {
  const arena = kernel.arena(1000)
  const { capacity } = arena
  expect(() => arena.reserve(2 ** 30 + 1)).toThrow(RangeError)
  expect(() => arena.reserve(Number.POSITIVE_INFINITY)).toThrow(RangeError)
  expect(arena.capacity).toBe(capacity)
})

test('takes the last page of a memory that ends, and not one more', () => {
  const arena = new Arena(limitedMemory(37), 0)
  for (let pages = 1; pages <= 36; pages++) arena.reserve(pages * 65_536)
  expect(arena.capacity).toBe(36 * 65_536)
  arena.view(0, arena.capacity).fill(7)
  expect(() => arena.reserve(36 * 65_536 + 1)).toThrow(RangeError)
  expect(arena.view(0, arena.capacity).every((byte) => byte === 7)).toBe(true)
})

test('two arenas have nothing in common', () => {
  const [one, other] = [kernel.arena(100), kernel.arena(100)]
  one.view(0, 100).fill(1)
  expect(other.view(0, 100).every((byte) => byte === 0)).toBe(true)
})

test('bytes outside of it are out of reach of every call', () => {
  const arena = kernel.arena(1000)
  const { capacity } = arena
  for (const [at, size] of [
    [-1, 10],
    [0, -1],
    [capacity - 9, 10],
    [capacity + 1, 0],
    [Number.NaN, 10],
    [0, Number.NaN],
    [2 ** 32, 10],
  ] as const) {
    expect(() => arena.view(at, size)).toThrow('invariant')
    expect(() => arena.crc32(at, size)).toThrow('invariant')
    expect(() => arena.sha256(at, size)).toThrow('invariant')
    expect(() => arena.seal(at, size, 2)).toThrow('invariant')
    expect(() => arena.verify(at, size)).toThrow('invariant')
    expect(() => arena.sha256Stream().update(at, size)).toThrow('invariant')
    expect(() => arena.chunker({ min: 64, average: 64, max: 64 }).cut(at, size)).toThrow('invariant')
    expect(() => arena.scan(at, at + size, new Uint32Array(3))).toThrow('invariant')
  }
  expect(arena.crc32(capacity, 0)).toBe(0)
})
