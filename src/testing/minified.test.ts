/**
 * The engine's cases once more, minified as Vite minifies the worker of an app: a minifier leaves out what it takes for needless, and it takes some calls
 * for it whose use was that they throw.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { afterAll, expect, test } from 'vitest'
import { engineCases } from './engine-cases.js'

const folder = mkdtempSync(join(tmpdir(), 'lodestore-minified-'))
afterAll(() => rmSync(folder, { recursive: true }))

await build({
  configFile: false,
  root: fileURLToPath(new URL('..', import.meta.url)),
  logLevel: 'error',
  build: {
    outDir: folder,
    modulePreload: false,
    rolldownOptions: {
      input: ['testing/engine-cases.ts', 'storage/memory.ts'].map((name) =>
        fileURLToPath(new URL(`../${name}`, import.meta.url)),
      ),
      preserveEntrySignatures: 'strict',
      output: { entryFileNames: '[name].js' },
    },
  },
})
const minified: typeof import('./engine-cases.js') = await import(join(folder, 'engine-cases.js'))
const { memoryStorage }: typeof import('../storage/memory.js') = await import(join(folder, 'memory.js'))

test.each(engineCases.map((one, index) => [one.name, index] as const))('%s', async (_name, index) => {
  const one = minified.engineCases[index]
  expect(one).toBeDefined()
  if (one) await minified.runEngineCase(one, memoryStorage())
})
