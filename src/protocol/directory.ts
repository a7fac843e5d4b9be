/**
 * Where the stores of an origin lie: in the directory `lodestore` of its private file system, each in a directory of its name.
 * Worker and page come by it here, so that both say in the same words why there is none.
 */

import { StoreError } from '../errors.js'

/** The directory of all stores; undefined when it is not there and is not to be made. UNSUPPORTED when there can be none. */
export async function storesDirectory(create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  let root: FileSystemDirectoryHandle
  try {
    // Old browsers and pages that are not secure lack it (TypeError); private windows refuse it, by SecurityError in Firefox and
    // UnknownError in Safari.
    root = await navigator.storage.getDirectory()
  } catch (cause) {
    const needs = 'a browser of 2023 or later, a page from https or localhost, and no private window'
    throw new StoreError('UNSUPPORTED', `there is no private file system here (${cause}); it takes ${needs}`, { cause })
  }
  return root.getDirectoryHandle('lodestore', { create }).catch((cause) => {
    if (cause.name === 'NotFoundError') return undefined
    throw directoryError('the directory of the stores', cause)
  })
}

/** Where no byte is free, Chromium makes no directory either. */
export function directoryError(what: string, cause: unknown): StoreError {
  const isFull = Object(cause).name === 'QuotaExceededError'
  return new StoreError(isFull ? 'QUOTA' : 'IO', `${what} cannot be opened: ${cause}`, { cause })
}
