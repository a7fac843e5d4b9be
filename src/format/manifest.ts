/**
 * Contents in chunks, as bytes. A large content is cut (FORMAT.md, "Chunks"); each chunk is a PUT under its own SHA-256,
 * and a manifest, a reserved entry found by the content's key, lists them. Until the last chunk is there, upload parts list what is.
 */

import { dataViewOf } from './data-view.js'
import { KEY_BYTES, RESERVED, reservedKey, sameKey } from './key.js'

/** A chunk in a list: its key, and its size as u32. */
export const CHUNK = { key: 0, size: KEY_BYTES, bytes: KEY_BYTES + 4 } as const

export interface Chunk {
  key: Uint8Array
  size: number
}

/** A manifest: the content's key, its size as u64, then its chunks in order. */
export const MANIFEST = { key: 0, size: KEY_BYTES, chunks: KEY_BYTES + 8 } as const
/** How many bytes of the content's key stand in the manifest's. */
const NAMED_BYTES = 16

export interface Manifest {
  key: Uint8Array
  size: number
  chunks: Chunk[]
}

/** Where the manifest of a content stands. Two contents would need the same 128 bits to share one; the manifest itself names the whole key. */
export function manifestKey(key: Uint8Array): Uint8Array<ArrayBuffer> {
  const name = reservedKey(RESERVED.manifest)
  name.set(key.subarray(0, NAMED_BYTES), KEY_BYTES - NAMED_BYTES)
  return name
}

export function encodeManifest({ key, size, chunks }: Manifest): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(MANIFEST.chunks + chunks.length * CHUNK.bytes)
  bytes.set(key, MANIFEST.key)
  new DataView(bytes.buffer).setBigUint64(MANIFEST.size, BigInt(size), true)
  encodeChunks(chunks, bytes, MANIFEST.chunks)
  return bytes
}

/** The manifest in the value of a reserved entry, or undefined when it is none of this content. */
export function decodeManifest(value: Uint8Array, key: Uint8Array): Manifest | undefined {
  if (value.length < MANIFEST.chunks || !sameKey(value, MANIFEST.key, key, 0)) return undefined
  const chunks = decodeChunks(value, MANIFEST.chunks)
  const size = Number(dataViewOf(value).getBigUint64(MANIFEST.size, true))
  if (chunks?.reduce((sum, chunk) => sum + chunk.size, 0) !== size) return undefined
  return { key: value.slice(MANIFEST.key, MANIFEST.key + KEY_BYTES), size, chunks }
}

/** The content's key in the value of a manifest; undefined when it is too short for one. */
export function manifestContent(value: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  return value.length < MANIFEST.chunks
    ? undefined
    : new Uint8Array(value.slice(MANIFEST.key, MANIFEST.key + KEY_BYTES))
}

/** An upload part: what is known of the content, the state of its SHA-256 after this part, then the chunks that came with it. */
export const UPLOAD_PART = { expected: 0, size: 32, flags: 40, state: 44, chunks: 148 } as const
const RESUMABLE = 1
export const UPLOAD_ID_BYTES = 12

export interface UploadPart {
  /** The content's key and size, where they are known beforehand: then the upload may be resumed by anybody who knows the key. */
  expected: { key: Uint8Array; size: number } | undefined
  /** 104 bytes. */
  state: Uint8Array
  chunks: Chunk[]
}

/** Where part `number` of an upload stands. `id` is 12 bytes: the first of the expected key, or random ones. */
export function uploadPartKey(id: Uint8Array, number: number): Uint8Array<ArrayBuffer> {
  const name = reservedKey(RESERVED.uploadPart)
  name.set(id.subarray(0, UPLOAD_ID_BYTES), NAMED_BYTES)
  new DataView(name.buffer).setUint32(NAMED_BYTES + UPLOAD_ID_BYTES, number, true)
  return name
}

/** The number in such a key. */
export function uploadPartNumber(name: Uint8Array): number {
  return dataViewOf(name).getUint32(NAMED_BYTES + UPLOAD_ID_BYTES, true)
}

export function encodeUploadPart({ expected, state, chunks }: UploadPart): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(UPLOAD_PART.chunks + chunks.length * CHUNK.bytes)
  const view = new DataView(bytes.buffer)
  if (expected) {
    bytes.set(expected.key, UPLOAD_PART.expected)
    view.setBigUint64(UPLOAD_PART.size, BigInt(expected.size), true)
    view.setUint32(UPLOAD_PART.flags, RESUMABLE, true)
  }
  bytes.set(state, UPLOAD_PART.state)
  encodeChunks(chunks, bytes, UPLOAD_PART.chunks)
  return bytes
}

/** The part in the value of a reserved entry, or undefined when it is none. */
export function decodeUploadPart(value: Uint8Array): UploadPart | undefined {
  if (value.length < UPLOAD_PART.chunks) return undefined
  const chunks = decodeChunks(value, UPLOAD_PART.chunks)
  if (chunks === undefined) return undefined
  const view = dataViewOf(value)
  const isResumable = view.getUint32(UPLOAD_PART.flags, true) === RESUMABLE
  const key = value.slice(UPLOAD_PART.expected, UPLOAD_PART.expected + KEY_BYTES)
  const size = Number(view.getBigUint64(UPLOAD_PART.size, true))
  return {
    expected: isResumable ? { key, size } : undefined,
    state: value.slice(UPLOAD_PART.state, UPLOAD_PART.chunks),
    chunks,
  }
}

function encodeChunks(chunks: readonly Chunk[], target: Uint8Array<ArrayBuffer>, from: number): void {
  const view = dataViewOf(target)
  chunks.forEach(({ key, size }, i) => {
    target.set(key, from + i * CHUNK.bytes + CHUNK.key)
    view.setUint32(from + i * CHUNK.bytes + CHUNK.size, size, true)
  })
}

/** Undefined when the list does not end with a whole chunk. */
function decodeChunks(source: Uint8Array, from: number): Chunk[] | undefined {
  const count = (source.length - from) / CHUNK.bytes
  if (!Number.isInteger(count)) return undefined
  const view = dataViewOf(source)
  return Array.from({ length: count }, (_, i) => {
    const at = from + i * CHUNK.bytes
    return { key: source.slice(at, at + KEY_BYTES), size: view.getUint32(at + CHUNK.size, true) }
  })
}
