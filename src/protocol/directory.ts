/**
 * Where the stores of an origin lie: in the directory `lodestore` of its private file system, each in a directory of its name.
 * Worker and page come by it here, so that both say in the same words why there is none.
 */

import { StoreError } from '../errors.js'

/** The directory of all stores. Undefined when it is not there and is not to be made; UNSUPPORTED when there can be none. */
export async function storesDirectory(create: true): Promise<FileSystemDirectoryHandle>
export async function storesDirectory(create: boolean): Promise<FileSystemDirectoryHandle | undefined>
export async function storesDirectory(create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  const root = await originDirectory()
  return root.getDirectoryHandle('lodestore', { create }).catch((cause) => {
    if (!create && cause.name === 'NotFoundError') return undefined
    throw new StoreError('IO', `the directory "lodestore" could not be opened: ${cause.message}`, { cause })
  })
}

async function originDirectory(): Promise<FileSystemDirectoryHandle> {
  // Both are missing on pages that are not secure, and in old browsers.
  const storage = globalThis.navigator?.storage
  if (!storage?.getDirectory) {
    throw new StoreError(
      'UNSUPPORTED',
      'there is no private file system here: it takes Chrome or Edge 108, Firefox 111 or Safari 16.4, and a page from https or localhost',
    )
  }
  try {
    return await storage.getDirectory()
  } catch (cause) {
    // SecurityError in Firefox, UnknownError in Safari.
    const why = `the browser gives this page no private file system (${cause}); in a private window, use a normal one`
    throw new StoreError('UNSUPPORTED', why, { cause })
  }
}
