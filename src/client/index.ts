/**
 * The package `lodestore`, as a page imports it: the stores of this origin, each held open by a worker of its own.
 * The engine without a page is `lodestore/engine`; on a folder, `lodestore/node`.
 */

export type { Place, StoreErrorCode } from '../errors.js'
export { isStoreError, STORE_ERROR_CODES, StoreError } from '../errors.js'
export type * from '../types.js'
export { openStore } from './open.js'
export { deleteStore, listStores } from './stores.js'
