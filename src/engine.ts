/**
 * The package `lodestore/engine`: the store without a page, for a worker of one's own (or a server, with a storage that fits).
 * The same calls as on a page, and no messages in between.
 */

export type { Place, StoreErrorCode } from './errors.js'
export { isStoreError, STORE_ERROR_CODES, StoreError } from './errors.js'
export type { Kernel } from './kernel/kernel.js'
export { createKernel } from './kernel/kernel.js'
export { memoryStorage } from './storage/memory.js'
export { opfsStorage } from './storage/opfs.js'
export type { Storage, StorageFile } from './storage/storage.js'
export { type Engine, type OpenEngineOptions, openEngine } from './store/engine.js'
export type * from './types.js'
