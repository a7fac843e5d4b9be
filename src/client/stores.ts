/**
 * The stores of this origin as a whole, by the asynchronous side of OPFS, with no worker: listing reads each one's
 * config and adds up its files; deleting takes its turn as opening does. Exported by the package.
 */

import { StoreError } from '../errors.js'
import { decodeConfig } from '../format/config.js'
import { checkStoreName, isStoreName } from '../format/names.js'
import { CONFIG_FILE, README_FILE } from '../format/paths.js'
import { storesDirectory } from '../protocol/directory.js'
import { lockedError, whenFree } from '../protocol/locks.js'
import type { StoreInfo } from '../types.js'
import { forget, reconcile } from './catalogue.js'

/** Every store of this origin, by name. A directory without a readable config is none. */
export async function listStores(): Promise<StoreInfo[]> {
  const found: Promise<StoreInfo | undefined>[] = []
  for await (const handle of (await storesDirectory(false))?.values() ?? []) {
    if (handle.kind === 'directory' && isStoreName(handle.name)) found.push(infoOf(handle))
  }
  const stores = (await Promise.all(found)).filter((store) => store !== undefined)
  await reconcile(stores)
  return stores.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/**
 * Removes the store `name` and all that is in it. NOT_FOUND if there is none; LOCKED if it is open and stays so for three
 * seconds. When it was interrupted, calling it again finishes it.
 */
export async function deleteStore(name: string): Promise<void> {
  checkStoreName(name)
  await whenFree(name, () => remove(name))
  await forget(name)
}

async function remove(name: string): Promise<void> {
  try {
    const stores = await storesDirectory(false)
    const store = await stores?.getDirectoryHandle(name)
    if (!stores || !store) throw notFound(name)
    // The handle on README is the lock: if somebody holds it, this fails while everything is still there.
    await store.removeEntry(README_FILE).catch(ignoreNotFound)
    await stores.removeEntry(name, { recursive: true })
  } catch (error) {
    throw translate(name, error)
  }
}

function translate(name: string, cause: unknown): unknown {
  switch (cause instanceof DOMException && cause.name) {
    case 'NoModificationAllowedError': // Chromium, Firefox
    case 'InvalidStateError': // WebKit
      return lockedError(name, cause)
    case 'NotFoundError':
      return notFound(name, cause)
    default:
      return cause
  }
}

function notFound(name: string, cause?: unknown): StoreError {
  return new StoreError('NOT_FOUND', `there is no store "${name}" here`, { cause })
}

async function infoOf(directory: FileSystemDirectoryHandle): Promise<StoreInfo | undefined> {
  try {
    const config = await (await directory.getFileHandle(CONFIG_FILE)).getFile()
    const { id } = decodeConfig(await config.text())
    // Config is written once, when the store is made.
    return { name: directory.name, id, created: new Date(config.lastModified), bytes: await bytesIn(directory) }
  } catch {
    return undefined
  }
}

async function bytesIn(directory: FileSystemDirectoryHandle): Promise<number> {
  const sizes: Promise<number>[] = []
  for await (const handle of directory.values()) {
    sizes.push(
      handle.kind === 'directory'
        ? bytesIn(handle as FileSystemDirectoryHandle)
        : sizeOf(handle as FileSystemFileHandle),
    )
  }
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/** An open store may remove a file while it is being listed. */
async function sizeOf(file: FileSystemFileHandle): Promise<number> {
  return (await file.getFile().catch(ignoreNotFound))?.size ?? 0
}

function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof DOMException) || error.name !== 'NotFoundError') throw error
}
