/** Encoding and decoding of what is not the log itself: config, head, checkpoint header, segment header and list, keys, file names. */

import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fails } from '../testing/check.js'
import {
  CHECKPOINT,
  type CheckpointHeader,
  checkpointBytes,
  decodeCheckpointHeader,
  encodeCheckpointHeader,
} from './checkpoint.js'
import { CHUNK_SIZES, checkChunkSizes } from './chunks.js'
import {
  checkSegmentBytesMax,
  decodeConfig,
  differByOneBit,
  encodeConfig,
  isTornConfig,
  SEGMENT_BYTES_MAX_LIMIT,
  saysOtherVersion,
} from './config.js'
import {
  decodeSegmentHeader,
  decodeSegmentList,
  encodeSegmentHeader,
  encodeSegmentList,
  SEGMENT_LIST_KEY,
  segmentHeaderKey,
} from './entry.js'
import { decodeHeadSlot, encodeHeadSlot, HEAD } from './head.js'
import { hexBytes, keyHex, parseKey, RESERVED, reservedKind, sameKey } from './key.js'
import { checkpointFile, checkpointNumber, decimal, segmentPath } from './paths.js'

const crc = (bytes: Uint8Array) => crc32(bytes)
const id = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
const otherId = id.slice().fill(1, 31)
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const u53 = fc.maxSafeNat()

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

describe('the config', () => {
  const config = { segmentsPerDir: 10_000, segmentBytesMax: 16_777_216, chunkSizes: CHUNK_SIZES, id: keyHex(id) }
  const unusual = { ...config, chunkSizes: { min: 64, average: 256, max: 400 } }

  it('is read back as it was written', () => {
    const text = encodeConfig(config)
    expect(text).toBe(
      `[store]\nversion = 1\nsegments_per_dir = 10000\nmax_segment_size = 16777216\nid = ${keyHex(id)}\n`,
    )
    expect(decodeConfig(text)).toEqual(config)
  })

  it('says the sizes of chunks where they are not the usual ones', () => {
    expect(encodeConfig(unusual)).toContain('\nchunks = 64 256 400\n')
    expect(decodeConfig(encodeConfig(unusual))).toEqual(unusual)
  })

  it.each([
    [63, 256, 400],
    [64, 250, 400],
    [300, 256, 400],
    [64, 512, 400],
    [64, 256, 8 * 1024 * 1024 + 1],
    [64.5, 256, 400],
  ])('takes no chunks of %d, %d and %d bytes', async (min, average, max) => {
    expect(() => checkChunkSizes({ min, average, max })).toThrow(TypeError)
    const text = encodeConfig({ ...config, chunkSizes: { min, average, max } })
    await fails(() => decodeConfig(text), 'FORMAT', text)
  })

  it.each([config, unusual])('torn anywhere, with zeros behind or without, is told from a whole one', (config) => {
    const text = encodeConfig(config)
    for (let size = 0; size < text.length - 1; size++) {
      expect(isTornConfig(text.slice(0, size)), `${size} characters`).toBe(true)
      expect(isTornConfig(text.slice(0, size).padEnd(text.length, '\0')), `${size} characters and zeros`).toBe(true)
    }
    for (const other of ['[repository]\nversion = 1\n', text.replace('1', '2'), 'hello', '[store]\nversion = 12']) {
      expect(isTornConfig(other), other).toBe(false)
    }
  })

  it.each([
    ['of version 3, one bit from 1', 'version = 3', true, true],
    ['of version 2, two bits from 1', 'version = 2', true, false],
    ['of version 11, longer by a digit', 'version = 11', true, false],
    ['with a flipped bit in the name of the version', 'versiof = 1', false, true],
    ['as it was written', 'version = 1', false, false],
  ])('%s is told from a damaged one', (_, line, other, oneBit) => {
    const text = encodeConfig(config)
    const changed = text.replace('version = 1', line)
    expect([saysOtherVersion(changed), differByOneBit(changed, text)]).toEqual([other, oneBit])
  })

  it.each([1024, 4096, SEGMENT_BYTES_MAX_LIMIT])('takes segments of %i bytes', (bytes) => {
    expect(() => checkSegmentBytesMax(bytes)).not.toThrow()
    expect(decodeConfig(encodeConfig({ ...config, segmentBytesMax: bytes })).segmentBytesMax).toBe(bytes)
  })

  it.each([1023, 0, -1, 1024.5, SEGMENT_BYTES_MAX_LIMIT + 1, Number.NaN])('takes no segments of %d bytes', (bytes) => {
    expect(() => checkSegmentBytesMax(bytes)).toThrow(TypeError)
  })

  it.each([
    ['segments_per_dir', '0'],
    ['segments_per_dir', '4294967296'],
    ['segments_per_dir', '-1'],
    ['segments_per_dir', '1e3'],
    ['max_segment_size', '0'],
    ['max_segment_size', String(0xffffffff)],
    ['max_segment_size', ''],
    ['id', 'abc'],
    ['id', undefined],
    ['id', keyHex(id).toUpperCase().replace('0', 'A')],
    ['version', '2'],
    ['version', ''],
  ])('with %s = %s is FORMAT', async (name, value) => {
    const line = value === undefined ? '' : `${name} = ${value}`
    const text = encodeConfig(config).replace(new RegExp(`${name} = .*`), line)
    const error = await fails(() => decodeConfig(text), 'FORMAT', text)
    expect(error.where).toEqual({ file: 'config' })
    expect(error.message).toContain(name === 'max_segment_size' || name === 'segments_per_dir' ? `${name} = ` : name)
  })
})

describe('a slot of the head', () => {
  const slot = encodeHeadSlot({ transaction: 5, segment: 6, offset: 7 }, id, crc)

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(u53, u32, u32, (transaction, segment, offset) => {
        const head = { transaction, segment, offset }
        expect(decodeHeadSlot(encodeHeadSlot(head, id, crc), id, crc)).toEqual(head)
      }),
    )
  })

  it('with any bit flipped, cut short, of another store, or never written says nothing', () => {
    for (let bit = 0; bit < slot.length * 8; bit++) expect(decodeHeadSlot(flipped(slot, bit), id, crc)).toBeUndefined()
    expect(decodeHeadSlot(slot.subarray(0, -1), id, crc)).toBeUndefined()
    expect(decodeHeadSlot(slot, otherId, crc)).toBeUndefined()
    expect(decodeHeadSlot(new Uint8Array(HEAD.slotBytes), id, crc)).toBeUndefined()
  })
})

describe('the header of a checkpoint', () => {
  const header: CheckpointHeader = {
    transaction: 2 ** 40,
    segment: 3,
    offset: 4,
    keys: { count: 5, crc: 6 },
    shadows: { count: 7, crc: 8 },
    segments: { count: 9, crc: 0xffffffff },
    list: { segment: 1, offset: 2, size: 49 },
  }
  const bytes = encodeCheckpointHeader(header, id, crc)
  const size = checkpointBytes(header)

  it('is read back as it was written, and says how long the file is', () => {
    expect(decodeCheckpointHeader(bytes, size, id, crc)).toEqual({ kind: 'header', header })
    expect(size).toBe(128 + 12 * 44 + 9 * 12)
  })

  it('with any bit flipped, of another store, or in a file of another length is corrupt', () => {
    const corrupt = { kind: 'corrupt' }
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(decodeCheckpointHeader(flipped(bytes, bit), size, id, crc), `bit ${bit}`).toEqual(corrupt)
    }
    expect(decodeCheckpointHeader(bytes, size, otherId, crc)).toEqual(corrupt)
    for (const other of [size - 1, size + 1, 128])
      expect(decodeCheckpointHeader(bytes, other, id, crc)).toEqual(corrupt)
  })

  it('of another version is corrupt, even with the right checksum', () => {
    const other = bytes.slice()
    const view = new DataView(other.buffer)
    view.setUint32(CHECKPOINT.version, 2, true)
    view.setUint32(CHECKPOINT.crc, crc32(other.subarray(CHECKPOINT.version)), true)
    expect(decodeCheckpointHeader(other, size, id, crc)).toEqual({ kind: 'corrupt' })
  })

  it('that was never written, or is cut, is none', () => {
    expect(decodeCheckpointHeader(new Uint8Array(128), size, id, crc)).toEqual({ kind: 'none' })
    expect(decodeCheckpointHeader(bytes.subarray(0, 127), size, id, crc)).toEqual({ kind: 'none' })
    expect(decodeCheckpointHeader(new Uint8Array(), 0, id, crc)).toEqual({ kind: 'none' })
  })
})

describe('the entries that describe the log', () => {
  it('the segment header is read back as it was written', () => {
    const u16 = fc.integer({ min: 0, max: 0xffff })
    const headers = fc.record({
      segment: u32,
      previous: u32,
      previousEnd: u32,
      segmentsPerDir: u32,
      segmentBytesMax: u32,
      version: u16,
      isFresh: fc.boolean(),
      tellsChosenKeys: fc.boolean(),
      transaction: u53,
      id: fc.constant(id),
    })
    fc.assert(
      fc.property(headers, (header) => {
        expect(decodeSegmentHeader(encodeSegmentHeader(header))).toEqual(header)
      }),
    )
  })

  it.each([0, 63, 65])('a segment header of %i bytes is none', (size) => {
    expect(decodeSegmentHeader(new Uint8Array(size))).toBeUndefined()
  })

  it('the segment list is read back as it was written, from any place in a buffer', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.array(fc.tuple(fc.nat(1000), u32)), fc.nat(7), (segment, segments, shift) => {
        const list = { segment, staying: segments.map(([number]) => number), ends: segments.map(([, end]) => end) }
        const bytes = encodeSegmentList(list)
        const buffer = new Uint8Array(bytes.length + shift)
        buffer.set(bytes, shift)
        expect(decodeSegmentList(buffer.subarray(shift))).toEqual(list)
      }),
    )
  })

  it('a segment list of an earlier writer has no ends; one with more or fewer ends than segments is none', () => {
    const words = (...numbers: number[]) => new Uint8Array(Uint32Array.from(numbers).buffer)
    expect(decodeSegmentList(words(7, 1, 2))).toEqual({ segment: 7, staying: [1, 2], ends: [] })
    expect(decodeSegmentList(words(7, 1, 2, 0xffffffff, 50))).toBeUndefined()
    expect(decodeSegmentList(words(7, 1, 0xffffffff, 50, 60))).toBeUndefined()
  })

  it.each([0, 3, 5, 7])('a segment list of %i bytes is none', (size) => {
    expect(decodeSegmentList(new Uint8Array(size))).toBeUndefined()
  })

  it('have the reserved keys of FORMAT.md', () => {
    expect(keyHex(segmentHeaderKey(0x01020304))).toBe(`${'00'.repeat(15)}01${'04030201'}${'00'.repeat(12)}`)
    expect(keyHex(SEGMENT_LIST_KEY)).toBe(`${'00'.repeat(15)}02${'00'.repeat(16)}`)
    expect(reservedKind(segmentHeaderKey(7))).toBe(RESERVED.segmentHeader)
    expect(reservedKind(SEGMENT_LIST_KEY)).toBe(RESERVED.segmentList)
  })
})

describe('keys', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })

  it('are the same as bytes and as hex, and never the array of the caller', () => {
    fc.assert(
      fc.property(bytes, (key) => {
        fc.pre(reservedKind(key) === undefined)
        const hex = Buffer.from(key).toString('hex')
        expect(keyHex(key)).toBe(hex)
        expect(hexBytes(hex)).toEqual(key)
        expect(parseKey(hex)).toEqual(key)
        expect(parseKey(key)).toEqual(key)
        expect(parseKey(key)).not.toBe(key)
        expect(sameKey(parseKey(key), 0, key, 0)).toBe(true)
      }),
    )
  })

  it.each([
    [80, ''],
    [81, '... (81 characters)'],
  ])('of %i characters are quoted, but never in great length', async (length, more) => {
    const error = await fails(() => parseKey('k'.repeat(length)), 'BAD_KEY', `${length} characters`)
    expect(error.message).toBe(
      `a key is 64 lowercase hex digits or 32 bytes, not "${'k'.repeat(80)}"${more}; for names there is refs`,
    )
  })

  it('are refused with any other character in the place of any digit', () => {
    const hex = '0123456789abcdef'.repeat(4)
    const others = [...Array(300).keys(), 0x1_00_61].map((code) => String.fromCodePoint(code))
    const texts = others
      .filter((other) => !'0123456789abcdef'.includes(other))
      .flatMap((other) => Array.from({ length: 64 }, (_, at) => hex.slice(0, at) + other + hex.slice(at + 1)))
    for (const text of ['', hex.slice(1), `${hex}0`, ...texts]) {
      expect(() => parseKey(text), JSON.stringify(text)).toThrow('64 lowercase hex digits')
    }
  })

  it('are reserved when their first 15 bytes are zero, and only then', () => {
    for (let at = 0; at < 32; at++) {
      const key = new Uint8Array(32)
      key[at] = 1
      expect(reservedKind(key), `a one at ${at}`).toBe(at < 15 ? undefined : at === 15 ? 1 : 0)
      expect(sameKey(key, 0, new Uint8Array(32), 0)).toBe(false)
    }
  })
})

describe('names of files', () => {
  it.each([
    [0, 10_000, 'data/0/0'],
    [9_999, 10_000, 'data/0/9999'],
    [10_000, 10_000, 'data/1/10000'],
    [7, 2, 'data/3/7'],
  ])('segment %i of %i a directory is %s', (segment, segmentsPerDir, path) => {
    expect(segmentPath(segment, segmentsPerDir)).toBe(path)
  })

  it.each(['0', '7', '10000', '4294967294'])('%s is a number', (name) => {
    expect(decimal(name)).toBe(Number(name))
    expect(checkpointNumber(`index.${name}`)).toBe(Number(name))
    expect(checkpointFile(Number(name))).toBe(`index.${name}`)
  })

  const foreign = [
    '',
    '00',
    '07',
    '-1',
    '+1',
    '1.0',
    '1e3',
    ' 1',
    '1 ',
    '0x1',
    '4294967295',
    '99999999999',
    'tmp',
    '１',
  ]
  it.each(foreign)('"%s" is somebody else\'s', (name) => {
    expect(decimal(name)).toBeUndefined()
    expect(checkpointNumber(`index.${name}`)).toBeUndefined()
    expect(checkpointNumber(name)).toBeUndefined()
  })
})
