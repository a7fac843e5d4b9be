/**
 * The worker of storage.ts: runs the named conformance case on a storage driver, in an empty directory of its own, and answers with the
 * failure as text, or undefined.
 */
import { memoryStorage } from '../../src/storage/memory.js'
import { opfsStorage } from '../../src/storage/opfs.js'
import type { Storage } from '../../src/storage/storage.js'
import { conformanceCases } from '../../src/testing/conformance.js'
import { collectionCases } from './collection-case.js'
import { quotaCase } from './quota-case.js'

export interface StorageRequest {
  driver: 'opfs' | 'memory'
  caseName: string
}

self.onmessage = async ({ data }: MessageEvent<StorageRequest>) => {
  try {
    await run(data)
    self.postMessage(undefined)
  } catch (error) {
    self.postMessage(error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error))
  }
}

async function run({ driver, caseName }: StorageRequest): Promise<void> {
  const found = [...conformanceCases, quotaCase, ...collectionCases].find(({ name }) => name === caseName)
  if (found === undefined) throw new Error(`there is no case "${caseName}"`)
  await found.run(driver === 'memory' ? inMemory() : await onDisk())
}

function inMemory() {
  const storage = memoryStorage()
  return { storage, reopen: async () => storage }
}

async function onDisk() {
  const root = await navigator.storage.getDirectory()
  const directory = await root.getDirectoryHandle(crypto.randomUUID(), { create: true })
  const reopen = async (): Promise<Storage> => opfsStorage(directory)
  return { storage: await reopen(), reopen }
}
