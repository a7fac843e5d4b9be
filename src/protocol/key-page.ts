/**
 * A page of keys as bytes: records of 40, the key and the value's size (f64, little endian). A page of objects would cost
 * several times as much to send. Written by the host, read by the page's side.
 */

import { dataViewOf } from '../format/data-view.js'
import { hexBytes, KEY_BYTES, keyHex } from '../format/key.js'
import type { KeyEntry } from '../types.js'

const RECORD_BYTES = KEY_BYTES + 8

/** Entries in a page: enough that the message does not count, few enough that the first ones come soon. */
export const PAGE_ENTRIES_MAX = 4096

export function encodeKeys(entries: readonly KeyEntry[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(entries.length * RECORD_BYTES)
  const view = new DataView(bytes.buffer)
  entries.forEach(({ key, size }, index) => {
    const at = index * RECORD_BYTES
    bytes.set(hexBytes(key), at)
    view.setFloat64(at + KEY_BYTES, size, true)
  })
  return bytes
}

export function* decodeKeys(bytes: Uint8Array): Generator<KeyEntry> {
  const view = dataViewOf(bytes)
  for (let at = 0; at < bytes.length; at += RECORD_BYTES) {
    yield { key: keyHex(bytes, at), size: view.getFloat64(at + KEY_BYTES, true) }
  }
}
