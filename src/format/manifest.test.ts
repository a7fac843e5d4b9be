/** Lists of chunks and names: what was written is read back, and what is none is told from it. */

import { describe, expect, it } from 'vitest'
import { CHUNK_SIZES, checkChunkSizes } from './chunks.js'
import {
  type Chunk,
  decodeManifest,
  decodeUploadPart,
  encodeManifest,
  encodeUploadPart,
  manifestContent,
  manifestKey,
  uploadPartKey,
} from './manifest.js'
import { decodeRef, encodeRef, REF, refKey, refNameBytes } from './ref.js'

const key = (seed: number) => Uint8Array.from({ length: 32 }, (_, i) => seed * 37 + i)
const chunks: Chunk[] = [
  { key: key(1), size: 100 },
  { key: key(2), size: 0xffffffff },
]
const size = 100 + 0xffffffff

it('the usual sizes of chunks are taken', () => {
  expect(() => checkChunkSizes(CHUNK_SIZES)).not.toThrow()
})

describe('a manifest', () => {
  const manifest = { key: key(9), size, chunks }
  const bytes = encodeManifest(manifest)

  it('is read back as it was written, and says whose it is', () => {
    expect(decodeManifest(bytes, key(9))).toEqual(manifest)
    expect(manifestContent(bytes)).toEqual(key(9))
    expect(manifestKey(key(9)).subarray(16)).toEqual(key(9).subarray(0, 16))
  })

  it.each([
    ["another content's", bytes, key(8)],
    ['cut in its header', bytes.slice(0, 39), key(9)],
    ['cut in a chunk', bytes.slice(0, -1), key(9)],
    ['cut behind a chunk, so that the sizes do not add up', bytes.slice(0, -36), key(9)],
  ])('that is %s is none', (_, value, content) => {
    expect(decodeManifest(value, content)).toBeUndefined()
  })

  it('too short to name a content names none', () => {
    expect(manifestContent(bytes.slice(0, 39))).toBeUndefined()
  })
})

describe('an upload part', () => {
  const state = new Uint8Array(104).fill(7)

  it.each([undefined, { key: key(3), size: 2 ** 40 }])('is read back as it was written, expected: %o', (expected) => {
    const part = { expected, state, chunks }
    expect(decodeUploadPart(encodeUploadPart(part))).toEqual(part)
  })

  it('cut anywhere is none, or one of fewer chunks', () => {
    const bytes = encodeUploadPart({ expected: undefined, state, chunks })
    for (let cut = 0; cut < bytes.length; cut++) {
      const read = decodeUploadPart(bytes.slice(0, cut))
      expect(read?.chunks.length, `${cut} bytes`).toBe(cut < 148 || (cut - 148) % 36 > 0 ? undefined : (cut - 148) / 36)
    }
  })

  it('stands under the first bytes of its id, and its number', () => {
    expect([...uploadPartKey(key(4), 0x01020304).subarray(16)]).toEqual([...key(4).subarray(0, 12), 4, 3, 2, 1])
  })
})

describe('a ref', () => {
  it.each([undefined, null, 'text', { deep: [1, { er: true }] }])('is read back with the meta %j', (meta) => {
    const name = refNameBytes('a \uFEFF name')
    expect(decodeRef(encodeRef(name, key(5), meta))).toEqual({ name: 'a \uFEFF name', key: key(5), meta })
  })

  it('cut in its name, or with a meta that is no JSON, is none', () => {
    const bytes = encodeRef(refNameBytes('name'), key(5), 'meta')
    for (let cut = 0; cut < REF.name + 4 + 32; cut++) expect(decodeRef(bytes.slice(0, cut)), `${cut}`).toBeUndefined()
    expect(decodeRef(bytes.slice(0, -1))).toBeUndefined()
  })

  it('stands under the first bytes of a digest', () => {
    expect(refKey(key(6)).subarray(16)).toEqual(key(6).subarray(0, 16))
  })
})
