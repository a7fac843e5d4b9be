/**
 * Paths and errors that all drivers share. A path never leaves the storage's directory: every driver takes its
 * parts from `pathParts`, which is where '..', absolute and empty names end. The errors say the same thing in the
 * same words whatever the platform called it.
 */
import { assert, StoreError } from '../errors.js'

/** The codes a driver can throw: the contract's list. */
export type StorageErrorCode = 'NOT_FOUND' | 'LOCKED' | 'QUOTA' | 'UNSUPPORTED' | 'IO'

/** Why a call failed. IN_THE_WAY is a directory where a file is meant, or a file where a directory is; to the outside it is IO. */
export type StorageFailure = StorageErrorCode | 'IN_THE_WAY'

/** The names a path is made of; none for '' (the root). */
export function pathParts(path: string): string[] {
  if (path === '') return []
  const parts = path.split('/')
  // A backslash is a separator on Windows, a NUL ends a path in C: neither is ever part of a store's own names.
  assert(
    parts.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part)),
    `"${path}" is a relative path of plain names`,
  )
  return parts
}

/** A path to a file or directory, which the root is not: the names of its directories, and its own. */
export function splitPath(path: string): { directories: string[]; name: string } {
  const directories = pathParts(path)
  const name = directories.pop()
  assert(name !== undefined, 'the root of a storage is neither opened nor removed')
  return { directories, name }
}

/** The error of a failed call. `action` is the verb: "open", "write to". */
export function storageError(failure: StorageFailure, action: string, path: string, cause?: unknown): StoreError {
  const reason = cause === undefined ? '' : ` (${cause})`
  const message = `cannot ${action} "${path}"${reason}: ${ADVICE[failure]}`
  return new StoreError(failure === 'IN_THE_WAY' ? 'IO' : failure, message, { where: { file: path }, cause })
}

/** The error of an opening that failed. What is to be there already and is no file is not there. */
export function openError(failure: StorageFailure, path: string, create: boolean, cause?: unknown): StoreError {
  return storageError(failure === 'IN_THE_WAY' && !create ? 'NOT_FOUND' : failure, 'open', path, cause)
}

const ADVICE: { readonly [failure in StorageFailure]: string } = {
  NOT_FOUND: 'there is nothing of that name; check the name, or create it first',
  IN_THE_WAY:
    'there is a directory where a file belongs, or a file where a directory does; move it away, then try again',
  LOCKED: 'it is open elsewhere; close the other tab, worker or program that uses this store, then try again',
  QUOTA: 'no room is left; delete and compact, or free space on the device, then try again',
  UNSUPPORTED:
    'files cannot be used here; use a dedicated worker in Chrome or Edge 108, Firefox 111, Safari 16.4 or later, and no private window',
  IO: 'the system refused; try again, and if it stays so, close and reopen the store',
}
