/**
 * Reading contents: whole ones from their entry, large ones chunk by chunk, both in part as well. A part is checked like the whole: the
 * entries that it touches are read and checked in full.
 */

import { copyOf } from '../copy.js'
import { StoreError } from '../errors.js'
import { KEY_BYTES, keyHex, RESERVED, sameKey } from '../format/key.js'
import { type Chunk, decodeManifest, type Manifest, manifestContent, manifestKey } from '../format/manifest.js'
import type { Location } from '../kernel/kernel.js'
import { corrupt, type Take } from '../log/reader.js'
import { samePlace } from '../log/state.js'
import type { Piece, Range } from '../types.js'
import type { Context } from './context.js'
import { readCommitted, readValue, readValues, takeValue, unlessDamaged } from './read.js'

/** Where an entry is found: in the index, or as an open transaction sees it. */
export type Find = (key: Uint8Array) => Location | undefined

/** The content under `key`, or a part of it; undefined when it is not there. A promise where it has to be waited for. Throws CORRUPT, RANGE. */
export function readContent(
  context: Context,
  key: Uint8Array,
  find: Find,
  range: Range = {},
): Uint8Array<ArrayBuffer> | undefined | Promise<Uint8Array<ArrayBuffer> | undefined> {
  const whole = takeValue(
    context,
    key,
    () => find(key),
    (value) => {
      const { from, to } = bounds(range, value.length, key)
      return copyOf(value.subarray(from, to))
    },
  )
  if (whole instanceof Promise) return whole.then((found) => found ?? readChunks(context, key, find, range))
  return whole ?? readChunks(context, key, find, range)
}

async function readChunks(
  context: Context,
  key: Uint8Array,
  find: Find,
  range: Range,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const list = find(manifestKey(key))
  const manifest = await readManifest(context, key, () => find(manifestKey(key)))
  if (manifest === undefined) return undefined
  const { from, to } = bounds(range, manifest.size, key)
  const target = new Uint8Array(to - from)
  for (const { chunk, at } of chunksWithin(manifest, from, to)) {
    const start = Math.max(from - at, 0)
    const isThere = await takeChunk(context, chunk, find, (value) => {
      target.set(value.subarray(start, to - at), at + start - from)
      return true
    })
    if (isThere) continue
    if (hasMoved(key, find, list)) return await readContent(context, key, find, range)
    throw missingChunk(context, key, chunk)
  }
  return target
}

/** The list of the chunks stands elsewhere by now, or nowhere: the content was deleted or replaced while it was read, and its chunks went with it. */
function hasMoved(key: Uint8Array, find: Find, list: Location | undefined): boolean {
  const now = find(manifestKey(key))
  return !(now && list && samePlace(now, list))
}

/**
 * Bytes from `offset` on, at least one and as many as are cheap to read at once; none at the end. They are in `memory` if they fit. `size` is that
 * of the content.
 */
export async function readPiece(
  context: Context,
  key: Uint8Array,
  find: Find,
  offset: number,
  memory: Uint8Array<ArrayBuffer> = new Uint8Array(),
): Promise<Piece | undefined> {
  const whole = await takeValue(
    context,
    key,
    () => find(key),
    (value) => {
      const { from } = bounds({ offset }, value.length, key)
      return { bytes: copied(value.subarray(from), memory), size: value.length }
    },
  )
  if (whole) return whole
  const list = find(manifestKey(key))
  const manifest = await readManifest(context, key, () => find(manifestKey(key)))
  if (manifest === undefined) return undefined
  const { size } = manifest
  const { from } = bounds({ offset }, size, key)
  for (const { chunk, at } of chunksWithin(manifest, from, from + 1)) {
    const bytes = await takeChunk(context, chunk, find, (value) => copied(value.subarray(from - at), memory))
    if (bytes) return { bytes, size }
    if (hasMoved(key, find, list)) return await readPiece(context, key, find, offset, memory)
    throw missingChunk(context, key, chunk)
  }
  return { bytes: new Uint8Array(), size }
}

function copied(bytes: Uint8Array<ArrayBuffer>, memory: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.length > memory.length) return copyOf(bytes)
  memory.set(bytes)
  return memory.subarray(0, bytes.length)
}

/** True when the content is there, as committed. */
export function hasContent({ state }: Context, key: Uint8Array): boolean {
  return state.keys.has(key) || (state.ownCount(RESERVED.manifest) > 0 && state.keys.has(manifestKey(key)))
}

/** The values of many keys, in their order; 32 bytes each in `keys`. Those that are whole are copied by `copy`. */
export async function readContents(
  context: Context,
  keys: Uint8Array,
  copy?: Take<Uint8Array<ArrayBuffer>>,
): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
  const values = await readValues(context, keys, copy)
  const { state } = context
  if (state.ownCount(RESERVED.manifest) === 0) return values
  for (let i = 0; i < values.length; i++) {
    const key = keys.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES)
    values[i] ??= await readContent(context, key, (name) => state.keys.find(name))
  }
  return values
}

/** The manifest whose entry has this key; undefined when it cannot be read, or has gone since. */
export async function readListed(context: Context, name: Uint8Array): Promise<Manifest | undefined> {
  const value = await unlessDamaged(readCommitted(context, name))
  const key = value && manifestContent(value)
  return key && decodeManifest(value, key)
}

/** Undefined when the content is not in chunks. Throws CORRUPT when the list cannot be read. */
export async function readManifest(
  context: Context,
  key: Uint8Array,
  find: () => Location | undefined,
): Promise<Manifest | undefined> {
  const location = find()
  if (location === undefined) return undefined
  const place = `${location.segment}:${location.offset}`
  const known = context.manifests.get(place)
  // Another one may have stood there that was rolled back.
  if (known && sameKey(known.key, 0, key, 0)) return known
  const value = await readValue(context, manifestKey(key), find)
  if (value === undefined) return undefined
  const manifest = decodeManifest(value, key)
  if (manifest === undefined) throw corrupt('the list of its chunks is none', location, key, 0)
  context.manifests.set(place, manifest)
  return manifest
}

/** The chunks that hold bytes of [from, to), and where each begins in the content. */
function* chunksWithin({ chunks }: Manifest, from: number, to: number): Generator<{ chunk: Chunk; at: number }> {
  let at = 0
  for (const chunk of chunks) {
    if (at >= to) return
    if (at + chunk.size > from) yield { chunk, at }
    at += chunk.size
  }
}

/** Undefined when nothing stands where the chunk belongs, or something else. */
async function takeChunk<T>(
  context: Context,
  { key, size }: Chunk,
  find: Find,
  take: (value: Uint8Array<ArrayBuffer>) => T,
): Promise<T | undefined> {
  return await takeValue(
    context,
    key,
    () => find(key),
    (value) => (value.length === size ? take(value) : undefined),
  )
}

/** Nothing stands where a chunk of this content belongs, or what another program wrote there. */
export function missingChunk({ damagedKeys }: Context, content: Uint8Array, chunk: Chunk): StoreError {
  const key = keyHex(chunk.key)
  // So that the put does heal it.
  damagedKeys.add(key)
  const message = `a chunk of the content ${keyHex(content)} is missing; a new put of the same bytes heals it`
  return new StoreError('CORRUPT', message, { where: { key } })
}

function bounds(
  { offset = 0, length = Number.POSITIVE_INFINITY }: Range,
  size: number,
  key: Uint8Array,
): { from: number; to: number } {
  if (offset <= size) return { from: offset, to: Math.min(offset + length, size) }
  const message = `the content has ${size} bytes, so nothing begins at ${offset}`
  throw new StoreError('RANGE', message, { where: { key: keyHex(key) } })
}
