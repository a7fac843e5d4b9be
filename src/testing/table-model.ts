/** What tests of the kernel's table share: keys, places, and the comparison with a Map that was told the same. */

import { crc32 } from 'node:zlib'
import { expect } from 'vitest'
import type { Location, Table } from '../kernel/kernel.js'
import { noise } from './bytes.js'

export type Model = Map<string, Location>

export function hex(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}

/** The keys of a store: SHA-256s, as good as random. */
export const hashes = noise(32 * 200_001)

export function hashKey(number: number): Uint8Array {
  return hashes.subarray(number * 32, number * 32 + 32)
}

export const ABSENT = hashKey(200_000)

export function place(number: number): Location {
  return { segment: number >>> 0, offset: (number * 7 + 1) >>> 0, size: (number ^ 0xffffffff) >>> 0 }
}

/** Everything a table says must be what the model says: by look-up, and by its block of entries. */
export function expectSame(table: Table, model: Model): void {
  expect(table.count).toBe(model.size)
  for (const [key, location] of model) expect(table.find(Buffer.from(key, 'hex'))).toEqual(location)
  const keys = Buffer.concat([...[...model.keys()].map((key) => Buffer.from(key, 'hex')), ABSENT])
  const locations = new Uint32Array(3 * model.size + 3).fill(9)
  table.findMany(keys, locations)
  expect([...locations]).toEqual([
    ...[...model.values()].flatMap(({ segment, offset, size }) => [segment, offset, size]),
    0,
    0,
    0,
  ])
  const block = table.entries()
  expect(block.length).toBe(model.size * 44)
  expect(table.crc32()).toBe(crc32(block))
  const view = new DataView(block.buffer, block.byteOffset, block.length)
  const listed = Array.from({ length: model.size }, (_, index): [string, Location] => [
    hex(block.subarray(index * 44, index * 44 + 32)),
    {
      segment: view.getUint32(index * 44 + 32, true),
      offset: view.getUint32(index * 44 + 36, true),
      size: view.getUint32(index * 44 + 40, true),
    },
  ])
  expect(new Map(listed)).toEqual(model)
}
