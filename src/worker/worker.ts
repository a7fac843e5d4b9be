/**
 * The script of the dedicated worker that `openStore` starts, and the package `lodestore/worker`. The first message says which store: it
 * is opened here, and served until the page closes it. No top-level await: bundlers make classic scripts of workers.
 */

import { abortError, StoreError } from '../errors.js'
import { checkStoreName } from '../format/names.js'
import { directoryError, storesDirectory } from '../protocol/directory.js'
import { deadline, whenFree } from '../protocol/locks.js'
import { CONNECTION_ID, type Reply } from '../protocol/messages.js'
import { memoryStorage } from '../storage/memory.js'
import { opfsStorage } from '../storage/opfs.js'
import { EngineCore, openAs } from '../store/core.js'
import { defined } from './defined.js'
import { serve } from './host.js'

const scope = self as unknown as DedicatedWorkerGlobalScope

const closed = serve(scope, (request, signal) => {
  announceLife()
  const { storage, create, maxSegmentSize, chunkSizes, durability } = request
  const name = checkStoreName(request.name)
  const options = { ...defined({ create, maxSegmentSize, chunkSizes, durability }), name, signal }
  if (storage === 'memory') return openAs(EngineCore, memoryStorage(), options)
  const end = deadline(name)
  signal.addEventListener('abort', () => end.abort(abortError(signal)))
  const attempt = async () => openAs(EngineCore, opfsStorage(await storeDirectory(name, create)), options)
  return whenFree(name, attempt, { end: end.signal, until: closed })
})

// An answer to what could not be read is not possible; an error event on the page is, and ends the connection.
scope.onmessageerror = () => {
  throw new Error('a message from the page could not be read')
}

/** Holds a Web Lock that nobody else asks for but the page, which gets it when this worker is gone, however it went. */
function announceLife(): void {
  const lock = `lodestore worker ${crypto.getRandomValues(new Uint32Array(4)).join('-')}`
  const reply: Reply = { type: 'alive', id: CONNECTION_ID, lock }
  const held = navigator.locks?.request(lock, () => {
    scope.postMessage({ items: [reply], buffers: [], slices: [] })
    return new Promise(() => {})
  })
  // Refused where there is no private file system either, which says so itself.
  held?.catch(() => {})
}

/** The directory of the store. With `create` false an absent one is NOT_FOUND. */
async function storeDirectory(name: string, create = true): Promise<FileSystemDirectoryHandle> {
  const stores = await storesDirectory(create)
  if (!('createSyncAccessHandle' in FileSystemFileHandle.prototype)) {
    const needs = 'Chrome or Edge 108, Firefox 111 or Safari 16.4'
    throw new StoreError('UNSUPPORTED', `this browser has no synchronous access to files; it takes ${needs}, or later`)
  }
  try {
    if (stores) return await stores.getDirectoryHandle(name, { create })
  } catch (cause) {
    if (!(cause instanceof DOMException) || cause.name !== 'NotFoundError') {
      throw directoryError(`the directory of the store "${name}"`, cause)
    }
  }
  throw new StoreError('NOT_FOUND', `there is no store "${name}" here; open it without "create: false" to make it`)
}
