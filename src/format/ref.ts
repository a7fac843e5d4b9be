/**
 * Names of contents, as bytes: a ref is a reserved entry found by the SHA-256 of its name. FORMAT.md, "Names".
 */

import { StoreError } from '../errors.js'
import { metaJson } from '../meta.js'
import { dataViewOf } from './data-view.js'
import { KEY_BYTES, RESERVED, reservedKey } from './key.js'

/** A ref: bytes of the name as u16, the name in UTF-8, the key of the content, then the meta as JSON in UTF-8, if there is any. */
export const REF = { nameBytes: 0, name: 2 } as const
export const REF_NAME_BYTES_MAX = 1024
export const META_BYTES_MAX = 64 * 1024
const NAMED_BYTES = 16

/**
 * With the flag u a pair is one character, so only half of one is a surrogate. Not `encodeURIComponent`, which throws for one: a minifier takes that call
 * for needless. Nor `isWellFormed`, which came later than what else is needed here.
 */
const HALF_OF_A_PAIR = /\p{Surrogate}/u

export interface RefEntry {
  name: string
  key: Uint8Array
  meta: unknown
}

/** Where the ref of a name stands. `digest` is the SHA-256 of the name in UTF-8; the ref itself says the whole name. */
export function refKey(digest: Uint8Array): Uint8Array<ArrayBuffer> {
  const key = reservedKey(RESERVED.ref)
  key.set(digest.subarray(0, NAMED_BYTES), KEY_BYTES - NAMED_BYTES)
  return key
}

/** The bytes of a name from outside. Throws BAD_NAME. */
export function refNameBytes(name: string): Uint8Array<ArrayBuffer> {
  if (typeof name !== 'string') throw new StoreError('BAD_NAME', `a name is a string, not ${typeof name}`)
  const bytes = new TextEncoder().encode(name)
  if (bytes.length === 0 || bytes.length > REF_NAME_BYTES_MAX) {
    throw new StoreError(
      'BAD_NAME',
      `a name has 1 to ${REF_NAME_BYTES_MAX} bytes of UTF-8, this one has ${bytes.length}`,
    )
  }
  if (HALF_OF_A_PAIR.test(name)) {
    throw new StoreError('BAD_NAME', 'a name is well-formed text, this one has half of a surrogate pair')
  }
  return bytes
}

/** Throws TOO_LARGE, and TypeError for a meta that JSON cannot say. */
export function encodeRef(name: Uint8Array, key: Uint8Array, meta: unknown): Uint8Array<ArrayBuffer> {
  const metaBytes = new TextEncoder().encode(metaJson(meta))
  if (metaBytes.length > META_BYTES_MAX) {
    throw new StoreError(
      'TOO_LARGE',
      `meta is at most ${META_BYTES_MAX} bytes of JSON, this has ${metaBytes.length}; store it as a blob`,
    )
  }
  const bytes = new Uint8Array(REF.name + name.length + KEY_BYTES + metaBytes.length)
  new DataView(bytes.buffer).setUint16(REF.nameBytes, name.length, true)
  bytes.set(name, REF.name)
  bytes.set(key, REF.name + name.length)
  bytes.set(metaBytes, REF.name + name.length + KEY_BYTES)
  return bytes
}

/** The ref in the value of a reserved entry, or undefined when it is none. */
export function decodeRef(value: Uint8Array): RefEntry | undefined {
  if (value.length < REF.name) return undefined
  const keyAt = REF.name + dataViewOf(value).getUint16(REF.nameBytes, true)
  const metaAt = keyAt + KEY_BYTES
  if (value.length < metaAt) return undefined
  const name = new TextDecoder('utf-8', { ignoreBOM: true }).decode(value.subarray(REF.name, keyAt))
  try {
    const json = new TextDecoder().decode(value.subarray(metaAt))
    return { name, key: value.slice(keyAt, metaAt), meta: json === '' ? undefined : JSON.parse(json) }
  } catch {
    return undefined // no JSON, so no ref
  }
}
