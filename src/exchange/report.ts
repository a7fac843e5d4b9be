/** What an import and an export say when they are through, and the error for what was handed in and is not what it should be. */

import { StoreError } from '../errors.js'
import type { Key } from '../types.js'

/** Something that was not taken along, and why. */
export interface Skipped {
  message: string
  name?: string
  key?: Key
  file?: string
  segment?: number
  offset?: number
}

export interface ImportReport {
  /** Contents that are in the store now, those that were there before included, and their bytes. */
  contents: number
  bytes: number
  /** Names of contents. One that was there already says now what the import says. */
  names: number
  skipped: Skipped[]
}

/** What was written into a folder. */
export interface FilesReport {
  files: number
  bytes: number
  skipped: Skipped[]
}

export interface ExportReport {
  /** Objects in the repository, and the bytes of their values. */
  objects: number
  bytes: number
  skipped: Skipped[]
}

export function formatError(message: string, file?: string, cause?: unknown): StoreError {
  return new StoreError('FORMAT', message, { where: file === undefined ? undefined : { file }, cause })
}
