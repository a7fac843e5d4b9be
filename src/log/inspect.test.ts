/** Judging bytes that are no good entry: a single flipped bit is found for what it is, anything else is not guessed. */

import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { COMMIT, ENTRY, TAG } from '../format/entry.js'
import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { writeFile } from '../testing/observed-storage.js'
import { type Gap, Inspector } from './inspect.js'
import { flippedBit } from './one-flip.js'
import { SegmentScan } from './reader.js'
import { findSegments, SegmentFiles } from './segments.js'

const kernel = await createKernel()
const key = noise(32, 1)

function entry(tag: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(ENTRY.headerBytes + body.length)
  bytes.writeUInt32LE(bytes.length, ENTRY.size)
  bytes[ENTRY.tag] = tag
  bytes.set(body, ENTRY.headerBytes)
  bytes.writeUInt32LE(crc32(bytes.subarray(ENTRY.size)), ENTRY.crc)
  return bytes
}

const PUT = entry(TAG.put, Buffer.concat([key, noise(60, 2)]))
const DELETE = entry(TAG.delete, key)
const NEXT = entry(TAG.put, noise(40, 3))

async function inspect(log: Uint8Array, at = 8): Promise<Gap> {
  const storage = memoryStorage()
  await writeFile(storage, 'data/0/0', log)
  const files = new SegmentFiles(storage, 10)
  files.discover((await findSegments(storage)).found)
  return await new Inspector(new SegmentScan(files, kernel)).inspect(0, at, log.length)
}

function segment(...entries: Uint8Array[]): Buffer {
  return Buffer.concat([Buffer.from('DSEGMENT'), ...entries])
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

describe('one flipped bit', () => {
  it.each([
    ['a PUT', PUT, TAG.put],
    ['a DELETE', DELETE, TAG.delete],
  ] as const)('anywhere in %s leaves its tag, key and end known', async (_, bytes, tag) => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const gap = await inspect(segment(flip(bytes, bit), NEXT))
      expect([gap.at, gap.next, gap.chained], `bit ${bit}`).toEqual([8, 8 + bytes.length, true])
      expect(gap.entry && [gap.entry.tag, Buffer.from(gap.entry.key).equals(key)], `bit ${bit}`).toEqual([tag, true])
    }
  })

  it('anywhere in a COMMIT leaves a COMMIT, in the middle of a segment and at its end', async () => {
    for (let bit = 0; bit < COMMIT.length * 8; bit++) {
      const broken = flip(Uint8Array.from(COMMIT), bit)
      for (const log of [segment(broken, NEXT), segment(broken)]) {
        const gap = await inspect(log)
        expect([gap.next, gap.entry?.tag], `bit ${bit}`).toEqual([17, TAG.commit])
      }
    }
  })

  it('in a size is found though, as it happens, another entry begins where the wrong size ends', async () => {
    // 9 becomes 137, which is where the third entry begins.
    const between = entry(TAG.put, Buffer.concat([key, noise(137 - 2 * COMMIT.length - ENTRY.putHeaderBytes, 5)]))
    const log = segment(flip(Uint8Array.from(COMMIT), ENTRY.size * 8 + 7), between, Uint8Array.from(COMMIT), NEXT)
    const gap = await inspect(log)
    expect([gap.next, gap.entry?.tag]).toEqual([8 + COMMIT.length, TAG.commit])
  })

  it.each([
    ['a tag of no known kind', entry(3, Buffer.concat([key, noise(60, 2)]))],
    ['a DELETE with a value', entry(TAG.delete, Buffer.concat([key, noise(60, 2)]))],
  ])('or none, in what is no entry of ours (%s), proves nothing', async (_, bytes) => {
    for (const log of [bytes, ...[3, ENTRY.headerBytes * 8, 400].map((bit) => flip(bytes, bit))]) {
      const gap = await inspect(segment(log, NEXT))
      expect([gap.next, gap.chained, gap.entry]).toEqual([8 + bytes.length, true, undefined])
    }
  })

  it('is found from the syndrome it makes, and not where there are too few bits', () => {
    const bytes = noise(50, 4)
    const good = crc32(bytes)
    for (let bit = 0; bit < 400; bit++) {
      // Bit 0 of a byte comes first in the polynomial's order, bit 7 last: 7 bits and so on before the end.
      const fromEnd = 399 - bit
      const syndrome = (crc32(flip(bytes, bit)) ^ good) >>> 0
      expect(flippedBit(syndrome, 400)).toBe(fromEnd)
      expect(flippedBit(syndrome, fromEnd)).toBeUndefined()
    }
  })
})

describe('more than that', () => {
  it("in a value leaves the entry's end known by the good entry behind it, and its key as a claim", async () => {
    const broken = Buffer.from(PUT)
    broken.fill(0xaa, 50, 70)
    const gap = await inspect(segment(broken, NEXT))
    expect([gap.next, gap.chained, gap.entry]).toEqual([8 + PUT.length, true, undefined])
    expect(Buffer.from(gap.claimedKey ?? []).equals(key)).toBe(true)
  })

  it('in the size leaves only the next place at which a good entry stands', async () => {
    const broken = Buffer.from(PUT)
    broken.writeUInt32LE(0xdeadbeef, ENTRY.size)
    const gap = await inspect(segment(broken, NEXT))
    expect([gap.next, gap.chained, gap.entry]).toEqual([8 + PUT.length, false, undefined])
  })

  it('and nothing good behind it reaches to the end of the file', async () => {
    for (const size of [1, 8, 9, 40, 300]) {
      const log = segment(noise(size, size))
      const gap = await inspect(log)
      expect([gap.next, gap.entry]).toEqual([log.length, undefined])
    }
  })
})
