/** The conformance suite on all drivers: memory, a folder of the temporary directory, and the OPFS driver on a simulated OPFS (on real ones: e2e/storage.spec.ts). */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { conformanceCases } from '../testing/conformance.js'
import { SimulatedDisk } from '../testing/simulated-disk.js'
import { simulatedDirectory } from '../testing/simulated-opfs.js'
import { memoryStorage } from './memory.js'
import { nodeStorage } from './node.js'
import { opfsStorage } from './opfs.js'

describe('the storage in memory', () => {
  it.each(conformanceCases)('$name', async ({ run }) => {
    const storage = memoryStorage()
    await run({ storage, reopen: async () => storage })
  })
})

describe('the storage on a folder', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lodestore-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each(conformanceCases.map((one, index) => ({ ...one, index })))('$name', async ({ run, index }) => {
    const path = join(folder, `case ${index}`)
    await run({ storage: nodeStorage(path), reopen: async () => nodeStorage(path) })
  })
})

describe('the storage on a simulated OPFS', () => {
  it.each(conformanceCases)('$name', async ({ run }) => {
    const directory = simulatedDirectory(new SimulatedDisk())
    await run({ storage: opfsStorage(directory), reopen: async () => opfsStorage(directory) })
  })
})
