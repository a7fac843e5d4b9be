/** Reading entries: what is returned was checked, what cannot be read says why, and neighbours are read in few calls of bounded size. */

import { describe, expect, it } from 'vitest'
import { StoreError } from '../errors.js'
import { COMMIT_BYTES, ENTRY, MAGIC_BYTES, TAG } from '../format/entry.js'
import { keyHex } from '../format/key.js'
import { createKernel, type Location } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { fails } from '../testing/check.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { NO_POSITION, START } from './position.js'
import { LogReader, SegmentScan } from './reader.js'
import { findSegments, SegmentFiles } from './segments.js'
import { LogWriter } from './writer.js'

const kernel = await createKernel()
const key = (number: number) => Buffer.alloc(32, 1).fill(String(number).padStart(6, '0'), 26)

/** A log of one transaction with these values, closed and opened again for reading. */
async function log(values: readonly Uint8Array[]) {
  const storage = new ObservedStorage(memoryStorage())
  const options = { segmentBytesMax: 2 ** 26, segmentsPerDir: 10, id: noise(32, 1), freshSegment: undefined }
  const writing = new SegmentFiles(storage, 10)
  const writer = new LogWriter(writing, kernel, options, START, NO_POSITION, 0)
  const places: Location[] = []
  await writer.begin()
  for (const [number, value] of values.entries()) {
    await writer.makeRoom()
    places.push(writer.append(TAG.put, key(number), value))
  }
  await writer.commit(true)
  await writing.close()
  const files = new SegmentFiles(storage, 10)
  files.discover((await findSegments(storage)).found)
  await files.open(0)
  const reader = new LogReader(files, kernel, options.id)
  const one = (number: number, of = number) =>
    reader.value(places[number] as Location, key(of), writer, (value) => value.slice())
  // The first read of a file looks at its header as well.
  one(0)
  storage.calls.length = 0
  const many = () => {
    const wanted = places.map((location, index) => ({ location, key: key(index), keyAt: 0, index }))
    const found: (Uint8Array | StoreError)[] = []
    for (let next = 0; next < wanted.length; )
      next = reader.values(wanted, next, (_, value) => found.push(value instanceof StoreError ? value : value.slice()))
    return found
  }
  return { storage, files, places, one, many }
}

const values = [noise(100, 1), noise(0, 2), noise(300, 3)]

describe('values', () => {
  it('are read one by one and together, neighbours in one call', async () => {
    const { storage, one, many } = await log(values)
    expect(many()).toEqual(values)
    expect(storage.count('read')).toBe(1)
    expect([0, 1, 2].map((number) => one(number))).toEqual(values)
    expect(storage.count('read')).toBe(4)
  })

  it('are those of the key that was asked for, or CORRUPT: an index that is wrong gives nobody the value of another', async () => {
    const { places, one } = await log(values)
    const error = await fails(() => one(0, 2), 'CORRUPT', 'the place of one key, the name of another')
    expect(error.where).toEqual({ key: keyHex(key(2)), segment: 0, offset: places[0]?.offset })
  })

  it('that lie in a row for megabytes are read in calls of two mebibytes at most', async () => {
    const large = Array.from({ length: 7 }, (_, number) => Buffer.alloc(700_000, number))
    const { storage, many } = await log(large)
    expect(many().map((value, number) => Buffer.compare(value as Uint8Array, large[number] as Buffer))).toEqual(
      large.map(() => 0),
    )
    const sizes = storage.calls.map(({ bytes }) => bytes)
    expect(sizes.length).toBe(4)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * 1024 * 1024)
  })

  it('that the disk does not give are CORRUPT, each with its key and place, and the cause with them', async () => {
    const { storage, files, places, one, many } = await log(values)
    const cause = new StoreError('IO', 'a bad sector')
    storage.before = ({ kind }) => {
      if (kind === 'read') throw cause
    }
    const found = many()
    expect(found.length).toBe(3)
    await files.open(0)
    for (const [number, error] of [await fails(() => one(0), 'CORRUPT', 'one'), ...found.slice(1)].entries()) {
      const where = { key: keyHex(key(number)), segment: 0, offset: places[number]?.offset }
      expect(error).toMatchObject({ code: 'CORRUPT', where, cause })
      expect((error as StoreError).message).toContain('the segment cannot be read')
    }
  })

  it('are not called damaged for an error that says nothing of the disk', async () => {
    const { storage, one, many } = await log(values)
    storage.before = () => {
      throw new TypeError('a fault of the driver')
    }
    expect(() => one(0)).toThrow('a fault of the driver')
    expect(many).toThrow('a fault of the driver')
  })

  it.each([
    ['inside a value', -20],
    ['at its header', -300 - ENTRY.putHeaderBytes],
  ])('behind the end of a file that is cut %s are CORRUPT, those before it are not', async (_, by) => {
    const { storage, files, places, one, many } = await log(values)
    const [, , last] = places as [Location, Location, Location]
    await files.with(0, (file) => file.truncate(last.offset + last.size + by))
    const found = many()
    expect(found.slice(0, 2)).toEqual(values.slice(0, 2))
    for (const error of [found[2] as StoreError, await fails(() => one(2), 'CORRUPT', 'one')]) {
      expect(error.message).toContain('the segment ends before the entry does')
      expect(error.where).toEqual({ key: keyHex(key(2)), segment: 0, offset: last.offset })
    }
    expect(storage.count('read')).toBe(2)
  })
})

describe('a scan', () => {
  it('gives every entry once, in order, when there are more than a batch holds', async () => {
    const count = 10_000
    const { files, places } = await log(Array.from({ length: count }, (_, number) => new Uint8Array(number % 7)))
    const scan = new SegmentScan(files, kernel)
    const found: number[] = []
    let batches = 0
    for await (const { count, records, base } of scan.batches(0, MAGIC_BYTES)) {
      batches++
      for (let i = 0; i < count; i++) found.push(base + (records[i * 3] as number))
    }
    const last = places.at(-1) as Location
    const commit = last.offset + last.size
    expect(found.slice(1)).toEqual([...places.map(({ offset }) => offset), commit])
    expect([batches > 2, scan.end]).toEqual([true, { kind: 'end', at: commit + COMMIT_BYTES }])
  })
})
