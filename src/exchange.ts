/**
 * The package `lodestore/exchange`: leaving and coming. It works on engines, in Node and in a worker of one's own.
 */

export { exportBorg, importBorg, openBorg } from './exchange/borg.js'
export type { ExportReport, ImportReport, Skipped } from './exchange/report.js'
export { exportStore, type ImportStoreOptions, importStore } from './exchange/store-tar.js'
