/**
 * The package `lodestore/exchange`: leaving and coming. It works on any open store: that of a page, and an engine in Node or in a worker.
 */

export { exportBorg, importBorg, openBorg } from './exchange/borg.js'
export { exportFiles, importFiles } from './exchange/files.js'
export type { Folder } from './exchange/folder.js'
export type { ExportReport, FilesReport, ImportReport, Skipped } from './exchange/report.js'
export { copyStore } from './exchange/store-folder.js'
export { exportStore, type ImportStoreOptions, importStore } from './exchange/store-tar.js'
