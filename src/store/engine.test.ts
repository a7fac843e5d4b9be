/** The engine's cases on the storages that run in Node: memory, and a folder of the temporary directory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { nodeStorage } from '../storage/node.js'
import { engineCases, runEngineCase } from '../testing/engine-cases.js'

// A case on the folder waits for the disk a few hundred times; on a busy machine each time takes long.
const timeout = 60_000

describe('the engine in memory', { timeout }, () => {
  for (const one of engineCases) it(one.name, async () => await runEngineCase(one, memoryStorage()))
})

describe('the engine on a folder', { timeout }, () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lodestore-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  for (const [index, one] of engineCases.entries()) {
    it(one.name, async () => await runEngineCase(one, nodeStorage(join(folder, `case ${index}`))))
  }
})
