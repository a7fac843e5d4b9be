/**
 * Names of stores. A name becomes the name of a directory and of a lock, so it is checked before either is
 * touched, on both sides of the message port: what a page sends is not believed by the worker.
 */

import { StoreError } from '../errors.js'

/** 1 to 128 of ASCII letters, digits, '.', '_' and '-', but not '.' or '..': safe as a directory's name everywhere. */
export function isStoreName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9._-]{1,128}$/.test(name) && name !== '.' && name !== '..'
}

/** The name itself, or BAD_NAME. */
export function checkStoreName(name: unknown): string {
  if (isStoreName(name)) return name
  const rule = "a store's name is 1 to 128 letters, digits, '.', '_' or '-', and not '.' or '..'"
  throw new StoreError('BAD_NAME', `${rule}; this is none: ${String(name).slice(0, 140)}`)
}
