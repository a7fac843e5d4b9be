/** What a store whose config is lost takes the word of: the newest segment header that this version wrote, and nothing else. */

import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ENTRY, encodeSegmentHeader, MAGIC, NO_SEGMENT, segmentHeaderKey, TAG } from '../format/entry.js'
import { keyHex } from '../format/key.js'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { fails } from '../testing/check.js'
import { filePaths, writeFile } from '../testing/observed-storage.js'
import { openEngine } from './engine.js'

const id = noise(32, 1)

/** A segment with one PUT in it, whose checksum is good. */
function segment(key: Uint8Array, value: Uint8Array): Uint8Array {
  const entry = Buffer.concat([Buffer.alloc(ENTRY.headerBytes), key, value])
  entry.writeUInt32LE(entry.length, ENTRY.size)
  entry[ENTRY.tag] = TAG.put
  entry.writeUInt32LE(crc32(entry.subarray(ENTRY.size)), ENTRY.crc)
  return Buffer.concat([Buffer.from(MAGIC), entry])
}

function header(segment: number, version = 1): Uint8Array {
  return encodeSegmentHeader({
    segment,
    previous: NO_SEGMENT,
    previousEnd: 0,
    segmentsPerDir: 10_000,
    segmentBytesMax: 4096,
    version,
    isFresh: false,
    tellsChosenKeys: true,
    transaction: 0,
    id,
  })
}

const GOOD = segment(segmentHeaderKey(0), header(0))

const SILENT: [string, Uint8Array][] = [
  ['nothing but the magic', GOOD.subarray(0, 8)],
  ['a header cut by a byte', GOOD.subarray(0, -1)],
  ['a header with a flipped bit', Buffer.from(GOOD).fill(9, 60, 61)],
  ['a header of a later version', segment(segmentHeaderKey(1), header(1, 2))],
  ['a value as long as a header, under a key of its own', segment(noise(32, 2), noise(64, 3))],
]

describe('a segment that begins with', () => {
  it.each(SILENT)(
    '%s says nothing of the config: without it the directory is FORMAT, and left alone',
    async (_, bytes) => {
      const storage = memoryStorage()
      await writeFile(storage, 'data/0/1', bytes)
      expect((await fails(() => openEngine(storage), 'FORMAT', 'open')).where).toEqual({ file: 'config' })
      expect((await filePaths(storage)).filter((path) => path !== 'README')).toEqual(['data/0/1'])
    },
  )

  it.each(SILENT)('%s leaves the word to the segment before it', async (_, bytes) => {
    const storage = memoryStorage()
    await writeFile(storage, 'data/0/0', GOOD)
    await writeFile(storage, 'data/0/1', bytes)
    const store = await openEngine(storage)
    expect(store.id).toBe(keyHex(id))
    expect(store.recovery.damaged.map(({ kind }) => kind)).toContain('config')
  })
})
