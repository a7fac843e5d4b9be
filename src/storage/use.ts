/**
 * What is done with any storage, whatever its driver.
 */

import { isStoreError } from '../errors.js'
import type { Storage, StorageFile } from './storage.js'

/** Opens a file, has it used, and closes it, however that ends. */
export async function withFile<T>(
  storage: Storage,
  path: string,
  options: { create?: boolean },
  use: (file: StorageFile) => T | Promise<T>,
): Promise<T> {
  const file = await storage.open(path, options)
  try {
    return await use(file)
  } finally {
    file.close()
  }
}

/** What a call on a storage gives; undefined when what it is about is not there. */
export async function unlessAbsent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (!isStoreError(error, 'NOT_FOUND')) throw error
    return undefined
  }
}
