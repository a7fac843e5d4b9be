/**
 * What a page may store, on its way into a message. Bytes are copied here and now, so that the caller may change them right
 * after the call; with `transfer` they are moved. Called by store, transaction and upload.
 */

import { StoreError } from '../errors.js'
import { kindOf } from '../flow.js'
import type { Packer } from '../protocol/bytes.js'
import type { WireData } from '../protocol/messages.js'
import type { Data, KeyLike } from '../types.js'

/** True for what is there as a whole. */
export function isData(source: unknown): source is Data {
  return typeof source === 'string' || /^(Blob|File|ArrayBuffer|Uint8Array)$/.test(kindOf(source))
}

/** Throws TypeError, naming what came, when it is no `Data`. */
export function packData(packer: Pick<Packer, 'copy' | 'move'>, data: Data, transfer = false): WireData {
  if (typeof data === 'string') return packer.move(new TextEncoder().encode(data))
  const kind = kindOf(data)
  if (kind === 'Blob' || kind === 'File') return data as Blob
  if (!isData(data)) {
    throw new TypeError(`data has to be a Uint8Array, an ArrayBuffer, a Blob or a string, not ${kind}`)
  }
  const { buffer = data as ArrayBuffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>
  // Throws if the buffer was handed over before: it looks empty then, and would be stored as that.
  const bytes = new Uint8Array(buffer, byteOffset, byteLength)
  // A part of a larger buffer is copied all the same: the rest may be somebody else's.
  if (!transfer || byteLength < buffer.byteLength) return packer.copy(bytes)
  // Moved now, not with the message: a buffer that cannot be moved fails this call, not all calls of the message.
  return packer.move(new Uint8Array(structuredClone(buffer, { transfer: [buffer] })))
}

/** A key that can travel. Whether it is a good one the engine says. */
export function packKey(key: KeyLike): KeyLike {
  if (typeof key === 'string') return key
  // A view would be cloned with the whole of its buffer.
  if (kindOf(key) === 'Uint8Array') return new Uint8Array(key)
  throw new StoreError('BAD_KEY', `a key is 64 lowercase hex digits or 32 bytes, not ${kindOf(key)}`)
}
