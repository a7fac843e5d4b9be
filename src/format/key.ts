/**
 * Keys: 32 bytes in the log, 64 lowercase hex digits in the API. Keys whose first 15 bytes are zero are the
 * store's own; byte 15 says which kind. Called wherever a key comes in or goes out.
 */

import { StoreError } from '../errors.js'
import type { Key, KeyLike } from '../types.js'

export const KEY_BYTES = 32

/** Kinds of the store's own entries: byte 15 of a key that begins with 15 zero bytes. FORMAT.md, "Reserved keys". */
export const RESERVED = { segmentHeader: 1, segmentList: 2, chosenKeys: 3, manifest: 4, uploadPart: 5, ref: 6 } as const
const RESERVED_ZEROS = 15

const NO_DIGIT = 0xff
/** What a hex digit is worth, by its character code; NO_DIGIT for every other character. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code))
  return digit < 0 ? NO_DIGIT : digit
})
const DIGIT_CODES = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const codes: number[] = new Array(KEY_BYTES * 2).fill(0)

/** The hex form of the 32 bytes from `at`. Made in one go: a string put together from pieces is dozens of objects for the collector. */
export function keyHex(bytes: Uint8Array, at = 0): Key {
  for (let i = 0; i < KEY_BYTES; i++) {
    const byte = bytes[at + i] as number
    codes[i * 2] = DIGIT_CODES[byte >> 4] as number
    codes[i * 2 + 1] = DIGIT_CODES[byte & 15] as number
  }
  return String.fromCharCode(...codes)
}

/** The 32 bytes of 64 lowercase hex digits that are known to be good. */
export function hexBytes(hex: Key): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(KEY_BYTES)
  decodeHex(hex, bytes)
  return bytes
}

/** Writes the 32 bytes to `at`. False unless `hex` is 64 lowercase hex digits. By table: ten times as fast as a regular expression and `parseInt`. */
function decodeHex(hex: string, bytes: Uint8Array, at = 0): boolean {
  if (hex.length !== KEY_BYTES * 2) return false
  let seen = 0
  for (let i = 0; i < KEY_BYTES; i++) {
    const high = DIGITS[hex.charCodeAt(i * 2)] ?? NO_DIGIT
    const low = DIGITS[hex.charCodeAt(i * 2 + 1)] ?? NO_DIGIT
    seen |= high | low
    bytes[at + i] = (high << 4) | low
  }
  return seen < 16
}

/** The bytes of a key from outside. Throws BAD_KEY when it is none, or reserved. Never returns the caller's own array. */
export function parseKey(key: KeyLike): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(KEY_BYTES)
  parseInto(bytes, 0, key)
  return bytes
}

/** The bytes of many, 32 for each, one after the other. */
export function parseKeys(keys: Iterable<KeyLike>): Uint8Array<ArrayBuffer> {
  const list = Array.from(keys)
  const bytes = new Uint8Array(list.length * KEY_BYTES)
  for (const [i, key] of list.entries()) parseInto(bytes, i * KEY_BYTES, key)
  return bytes
}

/** Keys as one block, 32 bytes for each. */
export function joinKeys(keys: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(keys.length * KEY_BYTES)
  for (const [i, key] of keys.entries()) block.set(key, i * KEY_BYTES)
  return block
}

function parseInto(bytes: Uint8Array, at: number, key: KeyLike): void {
  if (typeof key === 'string') {
    if (!decodeHex(key, bytes, at)) {
      throw new StoreError(
        'BAD_KEY',
        `a key is 64 lowercase hex digits or 32 bytes, not ${quote(key)}; for names there is refs`,
      )
    }
  } else if (key instanceof Uint8Array) {
    if (key.length !== KEY_BYTES) {
      throw new StoreError('BAD_KEY', `a key is 32 bytes, not ${key.length}`)
    }
    bytes.set(key, at)
  } else {
    throw new StoreError('BAD_KEY', `a key is 64 lowercase hex digits or 32 bytes, not ${typeof key}`)
  }
  if (!isUserKey(bytes, at)) {
    throw new StoreError('BAD_KEY', "keys whose first 15 bytes are zero are the store's own; choose another", {
      where: { key: keyHex(bytes, at) },
    })
  }
}

/** True when the key at `at` is a user's. */
export function isUserKey(bytes: Uint8Array, at = 0): boolean {
  return reservedKind(bytes, at) === undefined
}

/** Which of the store's own entries the key at `at` names; undefined for a user's key. */
export function reservedKind(bytes: Uint8Array, at = 0): number | undefined {
  for (let i = at; i < at + RESERVED_ZEROS; i++) if (bytes[i] !== 0) return undefined
  return bytes[at + RESERVED_ZEROS]
}

/** A key of the store's own: 15 zeros, the kind, and a number in the next four bytes (little endian). */
export function reservedKey(kind: number, number = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(KEY_BYTES)
  bytes[RESERVED_ZEROS] = kind
  new DataView(bytes.buffer).setUint32(RESERVED_ZEROS + 1, number, true)
  return bytes
}

/** Compares 32 bytes: keys, and ids of stores, which are as long. */
export function sameKey(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; i < KEY_BYTES; i++) if (a[aAt + i] !== b[bAt + i]) return false
  return true
}

function quote(text: string): string {
  return text.length > 80 ? `${JSON.stringify(text.slice(0, 80))}... (${text.length} characters)` : JSON.stringify(text)
}
