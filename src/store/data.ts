/**
 * From what a caller hands over to bytes: type and size are checked here, before anything is written.
 */

import { StoreError } from '../errors.js'
import { kindOf } from '../flow.js'
import { VALUE_BYTES_MAX } from '../format/entry.js'
import type { Data, Source } from '../types.js'

/** Of one unit of a JavaScript string. */
const UTF8_BYTES_MAX = 3

/** Bytes of the data if that can be told without reading it; an upper bound for a string. Throws TypeError and TOO_LARGE. */
export function dataBytes(data: Data): number {
  const size = sizeOf(data)
  if (size > VALUE_BYTES_MAX && typeof data !== 'string') throw tooLarge(size)
  return size
}

/** Bytes of a source that is there as a whole; an upper bound for a string; Infinity for one that flows. */
export function sourceBytes(source: Source): number {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return source.byteLength
  if (typeof source === 'string') return source.length * UTF8_BYTES_MAX
  return typeof Blob !== 'undefined' && source instanceof Blob ? source.size : Number.POSITIVE_INFINITY
}

/** The bytes of `data`; a promise for a Blob. They are the caller's own array where that was handed over. */
export function toBytes(data: Data): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
  dataBytes(data)
  if (typeof data === 'string') {
    const bytes = new TextEncoder().encode(data)
    if (bytes.length > VALUE_BYTES_MAX) throw tooLarge(bytes.length)
    return bytes
  }
  if (data instanceof ArrayBuffer) return toBytes(new Uint8Array(data))
  if (data instanceof Uint8Array) {
    const { buffer } = data
    // A SharedArrayBuffer may change while it is hashed and written, and the platform refuses to hash what can be resized: both are copied once.
    const isSteady = buffer instanceof ArrayBuffer && !('resizable' in buffer && buffer.resizable)
    return isSteady ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data)
  }
  return data.arrayBuffer().then((buffer) => {
    if (buffer.byteLength !== data.size) throw changedSize(buffer.byteLength, data.size)
    return new Uint8Array(buffer)
  }, unreadable)
}

/** For a Blob that gave another number of bytes than it says it has. */
export function changedSize(bytes: number, size: number): StoreError {
  return new StoreError('IO', `the Blob has ${bytes} of its ${size} bytes; if it is a file, choose it again`)
}

/** For a Blob whose reading failed: what the platform says of it tells nobody what to do. */
export function unreadable(cause: unknown): never {
  const message = `the Blob cannot be read (${cause}); if it is a file, it has changed or gone: choose it again`
  throw new StoreError('IO', message, { cause })
}

function sizeOf(data: Data): number {
  if (data instanceof Uint8Array || data instanceof ArrayBuffer) return data.byteLength
  if (typeof data === 'string') return data.length
  if (typeof Blob !== 'undefined' && data instanceof Blob) return data.size
  throw new TypeError(`data is a Uint8Array, an ArrayBuffer, a Blob or a string, not ${kindOf(data)}`)
}

function tooLarge(size: number): StoreError {
  const message = `a value is at most ${VALUE_BYTES_MAX} bytes, this one has ${size}; put it: that takes any size`
  return new StoreError('TOO_LARGE', message)
}
