/** The index that an export has: every object is found where Borg looks for it. That Borg itself agrees is in borg.test.ts. */

import { expect, test } from 'vitest'
import { keyHex } from '../format/key.js'
import { memoryStorage } from '../storage/memory.js'
import { value } from '../testing/exchange.js'
import { BUCKET, INDEX, UNUSED } from './borg-index.js'
import { BorgTransaction } from './borg-transaction.js'

/** The place of a key, as Borg finds it: from the bucket that its first four bytes name, on to the first that holds nothing. */
function find(index: DataView, key: Uint8Array): number[] | undefined {
  const count = index.getUint32(INDEX.buckets, true)
  const home = new DataView(key.buffer).getUint32(0, true) % count
  for (let i = 0; i < count; i++) {
    const at = INDEX.headerBytes + ((home + i) % count) * BUCKET.bytes
    const segment = index.getUint32(at + BUCKET.segment, true)
    if (segment === UNUSED) return undefined
    if (keyHex(new Uint8Array(index.buffer, at, BUCKET.segment)) !== keyHex(key)) continue
    return [segment, index.getUint32(at + BUCKET.offset, true)]
  }
  return undefined
}

/** Keys that begin with these four bytes, as a number. */
function keysFrom(start: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const key = value(32, start + i)
    new DataView(key.buffer).setUint32(0, start, true)
    return key
  })
}

test.each<[string, Uint8Array[]]>([
  ['none', []],
  ['hashes, more than the least table holds', Array.from({ length: 5000 }, (_, i) => value(32, i))],
  ['all with one home, the last bucket', keysFrom(1030, 500)],
  [
    'those of the last buckets, of the first and of some between',
    [...keysFrom(1029, 200), ...keysFrom(1030, 100), ...keysFrom(0, 150), ...keysFrom(400, 50)],
  ],
  ['names, which all begin with zeros', keysFrom(0, 800)],
])('of %s every one is found, and no other', async (_, keys) => {
  const [transaction, storage] = [new BorgTransaction(), memoryStorage()]
  for (const [i, key] of keys.entries()) transaction.add(key, i % 3, 8 + i, 41)
  await transaction.write(storage, 3, 17)
  const file = await storage.open('index.3')
  const index = new DataView(new ArrayBuffer(file.size()))
  file.read(new Uint8Array(index.buffer), 0)
  const buckets = index.getUint32(INDEX.buckets, true)
  expect(index.byteLength).toBe(INDEX.headerBytes + buckets * BUCKET.bytes)
  let used = 0
  for (let i = 0; i < buckets; i++) {
    if (index.getUint32(INDEX.headerBytes + i * BUCKET.bytes + BUCKET.segment, true) !== UNUSED) used++
  }
  expect([index.getUint32(INDEX.entries, true), used]).toEqual([keys.length, keys.length])
  for (const [i, key] of keys.entries()) expect(find(index, key)).toEqual([i % 3, 8 + i])
  expect(find(index, value(32, 99_999))).toBeUndefined()
})
