/**
 * The one error class of lodestore. Everything that can go wrong in operation (a full disk, a second tab,
 * a damaged entry, a wrong argument) is a `StoreError`; what cannot happen is an assertion (`assert`).
 * Both sides of the message port use this class, so that code, place and cause survive the crossing.
 */

/** Every code an error can have. The README lists what each one means and what to do about it. */
export const STORE_ERROR_CODES = [
  'LOCKED',
  'NOT_FOUND',
  'CLOSED',
  'QUOTA',
  'CORRUPT',
  'TOO_LARGE',
  'BAD_KEY',
  'BAD_NAME',
  'BAD_MESSAGE',
  'UNSUPPORTED',
  'ABORTED',
  'FORMAT',
  'IN_USE',
  'MISMATCH',
  'RANGE',
  'IO',
  'TX_CLOSED',
  'WORKER_DIED',
] as const

export type StoreErrorCode = (typeof STORE_ERROR_CODES)[number]

/** Where in the store something went wrong. `offset` counts bytes from the start of the segment's file. */
export interface Place {
  key?: string
  segment?: number
  offset?: number
  /** Path of the file inside the store's directory, for files that are no segments. */
  file?: string
}

export interface StoreErrorOptions {
  where?: Place | undefined
  cause?: unknown
}

/** An error with a closed set of codes, the place it is about, and what caused it. Its `name` is QuotaExceededError for QUOTA, AbortError for ABORTED. */
export class StoreError extends Error {
  /** Among others LOCKED (open in another tab), QUOTA (the disk is full), UNSUPPORTED (a private window). The message says what to do; the README lists all. */
  readonly code: StoreErrorCode
  readonly where: Place | undefined

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.where = options.where
    this.name = NAMES[code] ?? 'StoreError'
  }
}

// Web developers already test for these two names: a full disk and an abort answer to them.
const NAMES: { readonly [code in StoreErrorCode]?: string } = {
  QUOTA: 'QuotaExceededError',
  ABORTED: 'AbortError',
}

/** True for a `StoreError`, of one code if one is given. */
export function isStoreError(error: unknown, code?: StoreErrorCode): error is StoreError {
  return error instanceof StoreError && (code === undefined || error.code === code)
}

/** The error of an aborted call; `cause` is the signal's reason. */
export function abortError(signal: AbortSignal): StoreError {
  return new StoreError('ABORTED', 'the call was aborted by its signal', { cause: signal.reason })
}

/** The error of every call on a store that has been closed. */
export function closedError(): StoreError {
  return new StoreError('CLOSED', 'the store is closed; open it again')
}

/** Throws the abort error if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

/** States what cannot be otherwise. A failure is a bug in lodestore, never a condition of the user's machine. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Error(`lodestore: broken invariant: ${what}`)
}
