/**
 * Errors across the wire. A StoreError arrives with its code, message, place and cause; another error with its
 * name and message (and TypeError as a TypeError); a cause that is no error arrives cloned if it can be
 * cloned, and as its text if not. Nothing is flattened, and nothing in an error can keep it from being sent.
 */

import { type Place, StoreError, type StoreErrorCode } from '../errors.js'

export interface WireError {
  name: string
  message: string
  stack: string | undefined
  /** Set for a StoreError. */
  code?: StoreErrorCode
  where?: Place | undefined
  cause?: { error: WireError } | { value: unknown }
}

/** Causes of causes beyond this depth stay behind: a chain can be a ring. */
const CAUSE_DEPTH_MAX = 8

const NATIVE: { readonly [name: string]: ErrorConstructor } = { TypeError, RangeError, SyntaxError }

export function encodeError(error: unknown, depth = 0): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: textOf(error), stack: undefined }
  const wire: WireError = { name: String(error.name), message: String(error.message), stack: error.stack }
  if (error instanceof StoreError) {
    wire.code = error.code
    wire.where = error.where
  }
  if (error.cause !== undefined && depth < CAUSE_DEPTH_MAX) wire.cause = encodeCause(error.cause, depth + 1)
  return wire
}

function encodeCause(cause: unknown, depth: number): { error: WireError } | { value: unknown } {
  if (cause instanceof Error) return { error: encodeError(cause, depth) }
  try {
    return { value: structuredClone(cause) }
  } catch {
    return { error: encodeError(cause) }
  }
}

/** The text of anything, even of what refuses to be turned into text. */
function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

export function decodeError({ name, message, code, where, stack, cause: wire }: WireError): Error {
  const cause = wire && ('error' in wire ? decodeError(wire.error) : wire.value)
  const options = cause === undefined ? {} : { cause }
  const error = code
    ? new StoreError(code, message, { where, ...options })
    : new (NATIVE[name] ?? Error)(message, options)
  // The other side's stack says where it went wrong; this side's would only show that a message came.
  return Object.assign(error, { name, stack })
}
