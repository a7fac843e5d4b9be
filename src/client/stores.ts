/**
 * The stores of this origin as a whole, by the asynchronous side of OPFS, with no worker: listing reads each one's
 * config and adds up its files; deleting takes its turn as opening does. Exported by the package.
 */

import { StoreError } from '../errors.js'
import { checkStoreName, isStoreName } from '../format/names.js'
import { CONFIG_FILE, README_FILE } from '../format/paths.js'
import { storesDirectory } from '../protocol/directory.js'
import { lockedError, whenFree } from '../protocol/locks.js'
import type { StoreInfo } from '../types.js'
import { forget, reconcile } from './catalogue.js'

/** The id in a config. All of it is read by the engine; here a page of a few kB is what counts. */
const STORE_ID = /^\[store\]$[^[]*^id *= *([0-9a-f]{64}) *$/m

/** Every store of this origin, by name. A directory without a config that says its id is none. */
export async function listStores(): Promise<StoreInfo[]> {
  const found: Promise<StoreInfo | undefined>[] = []
  for await (const handle of (await storesDirectory(false))?.values() ?? []) {
    if (handle.kind === 'directory' && isStoreName(handle.name)) found.push(infoOf(handle))
  }
  const stores = (await Promise.all(found)).filter((store) => store !== undefined)
  stores.sort((a, b) => (a.name < b.name ? -1 : 1))
  await reconcile(stores)
  return stores
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
    // The handle on README is the lock: if somebody holds it, this fails while everything is still there.
    await store?.removeEntry(README_FILE).catch(ignoreNotFound)
    await stores?.removeEntry(name, { recursive: true })
    if (stores) return
  } catch (cause) {
    const { name: kind } = cause as Error
    // The second is WebKit's name for it.
    if (kind === 'NoModificationAllowedError' || kind === 'InvalidStateError') throw lockedError(name, cause)
    ignoreNotFound(cause as Error)
  }
  throw new StoreError('NOT_FOUND', `there is no store "${name}" to delete`)
}

async function infoOf(directory: FileSystemDirectoryHandle): Promise<StoreInfo | undefined> {
  try {
    const config = await (await directory.getFileHandle(CONFIG_FILE)).getFile()
    const id = STORE_ID.exec(await config.text())?.[1]
    // Config is written once, when the store is made.
    return id === undefined
      ? id
      : { name: directory.name, id, created: new Date(config.lastModified), bytes: await bytesIn(directory) }
  } catch {
    return undefined
  }
}

/** An open store may remove a file while it is being measured. */
async function bytesIn(handle: FileSystemDirectoryHandle | FileSystemFileHandle): Promise<number> {
  if (handle.kind === 'file') return (await handle.getFile().catch(ignoreNotFound))?.size ?? 0
  const parts: Promise<number>[] = []
  for await (const part of handle.values()) parts.push(bytesIn(part as typeof handle))
  return (await Promise.all(parts)).reduce((sum, bytes) => sum + bytes, 0)
}

function ignoreNotFound(error: Error): undefined {
  if (error.name !== 'NotFoundError') throw error
}
