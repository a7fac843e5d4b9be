/** What reading costs: of a large content no more is copied than somebody asked for, though all that is touched is read and checked. */

import { expect, test, vi } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { openEngine } from './engine.js'

const KIB = 1024
const MIB = KIB * KIB
const content = noise(12 * MIB, 1)

/** Bytes that `act` copies, and those that it reads, which a storage in memory copies too. */
async function copiesOf(act: () => Promise<unknown>): Promise<number> {
  let bytes = 0
  const { slice, set } = Uint8Array.prototype
  const copies = [
    vi.spyOn(Uint8Array.prototype, 'slice').mockImplementation(function (this: Uint8Array, ...range) {
      const part = slice.apply(this, range)
      bytes += part.length
      return part
    }),
    vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (this: Uint8Array, source, at) {
      bytes += source.length
      set.call(this, source, at)
    }),
  ]
  try {
    await act()
  } finally {
    for (const copy of copies) copy.mockRestore()
  }
  return bytes
}

test.each([
  { what: 'a kibibyte of one entry', size: 3 * MIB, offset: 2 * MIB, length: KIB },
  { what: 'a kibibyte of many chunks', size: 12 * MIB, offset: 7 * MIB, length: KIB },
  { what: 'a content in chunks as a whole', size: 12 * MIB, offset: 0, length: 12 * MIB },
])('$what is copied once, and no more', async ({ size, offset, length }) => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage)
  const bytes = content.subarray(0, size)
  const key = await engine.put(bytes)
  // The first one reads the list of the chunks, which is kept.
  const part = (await engine.get(key, { offset, length })) ?? new Uint8Array()
  expect(Buffer.compare(part, bytes.subarray(offset, offset + length))).toBe(0)
  storage.calls.length = 0
  const copies = await copiesOf(() => engine.get(key, { offset, length }))
  const reads = storage.calls.reduce((sum, call) => sum + (call.kind === 'read' ? call.bytes : 0), 0)
  expect(copies - reads).toBeGreaterThanOrEqual(length)
  expect(copies - reads).toBeLessThan(length + KIB)
})

test.each([
  { what: 'a stream of one entry', size: 3 * MIB },
  { what: 'a stream of many chunks', size: 12 * MIB },
])('$what copies each byte once', async ({ size }) => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage)
  const key = await engine.put(content.subarray(0, size))
  await engine.get(key, { length: 1 })
  storage.calls.length = 0
  const copies = await copiesOf(async () => {
    for await (const _ of (await engine.stream(key)) ?? []);
  })
  const reads = storage.calls.reduce((sum, call) => sum + (call.kind === 'read' ? call.bytes : 0), 0)
  expect(copies - reads).toBeLessThan(size + KIB * 16)
})

test('a piece is in the memory that it is given, if it fits', async () => {
  const engine = await openEngine(memoryStorage())
  for (const size of [1000, 12 * MIB]) {
    const bytes = content.subarray(0, size)
    const key = await engine.put(bytes)
    const length = (await engine.piece(key, 0))?.bytes.length ?? 0
    for (const [room, offset] of [
      [length, 0],
      [length + 1, 0],
      [length - 1, 0],
      [length - 100, 100],
      [length, length],
    ] as const) {
      const memory = new Uint8Array(room).fill(7)
      const piece = (await engine.piece(key, offset, memory))?.bytes ?? new Uint8Array()
      expect(Buffer.compare(piece, bytes.subarray(offset, offset + piece.length))).toBe(0)
      expect(piece.buffer === memory.buffer).toBe(piece.length <= room)
      if (offset < length) expect(piece.length).toBe(length - offset)
    }
  }
})

test('a small range of a chunk is CORRUPT when another byte of that chunk is not what was written', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const first = await openEngine(storage)
  const bytes = noise(3 * MIB, 2)
  const key = await first.put(bytes)
  await first.close()
  const segment = (await storage.contents('data/0/0')).slice()
  segment.set([(segment.at(-1000) ?? 0) ^ 1], segment.length - 1000)
  await storage.replace('data/0/0', segment)
  const engine = await openEngine(storage)
  await expect(engine.get(key, { offset: 0, length: 10 })).rejects.toMatchObject({ code: 'CORRUPT', where: { key } })
})
