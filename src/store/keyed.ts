/** Contents and their keys: the SHA-256 of data that is there as a whole, and what is said when a content is not the expected one. */

import { StoreError } from '../errors.js'
import { keyHex, sameKey } from '../format/key.js'
import type { Data } from '../types.js'
import { toBytes } from './data.js'
import type { Hasher } from './hash.js'

export interface Keyed {
  key: Uint8Array<ArrayBuffer>
  bytes: Uint8Array<ArrayBuffer>
}

/** The key and bytes of data; a promise when it has to be read or is large. Throws MISMATCH. */
export function keyed(hasher: Hasher, data: Data, wanted: Uint8Array | undefined): Keyed | Promise<Keyed> {
  const bytes = toBytes(data)
  if (bytes instanceof Promise) return bytes.then((read) => keyed(hasher, read, wanted))
  const key = hasher.sha256(bytes)
  if (key instanceof Promise) return key.then((digest) => expectKey({ key: digest, bytes }, wanted))
  return expectKey({ key, bytes }, wanted)
}

/** The same content, if it is the wanted one. Throws MISMATCH. */
export function expectKey<T extends { key: Uint8Array }>(content: T, wanted: Uint8Array | undefined): T {
  if (wanted === undefined || sameKey(content.key, 0, wanted, 0)) return content
  throw mismatch(`its SHA-256 is ${keyHex(content.key)}, not ${keyHex(wanted)}`)
}

export function mismatch(why: string): StoreError {
  return new StoreError('MISMATCH', `the content is not the expected one: ${why}; nothing of it is kept`)
}
