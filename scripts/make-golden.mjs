/**
 * node scripts/make-golden.mjs
 *
 * Makes the golden stores that are not there yet (src/testing/golden-recipes.ts says how) in src/testing/golden/: a folder each, and what
 * opening it has to find beside it. What is there is never touched: a version of the format that changes adds recipes with
 * names of its own, and reads the old stores as before.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const project = fileURLToPath(new URL('..', import.meta.url))
const golden = join(project, 'src/testing/golden')
const outDir = join(project, 'build/golden')

await build({
  root: project,
  configFile: false,
  logLevel: 'warn',
  build: { ssr: join(project, 'src/testing/golden-recipes.ts'), outDir, emptyOutDir: true, minify: false },
})
const { makeGolden, recipes } = await import(pathToFileURL(join(outDir, 'golden-recipes.js')).href)
for (const recipe of recipes) {
  const folder = join(golden, recipe.name)
  if (existsSync(folder)) continue
  const { files, expected } = await makeGolden(recipe)
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
  writeFileSync(`${folder}.json`, `${JSON.stringify(expected, undefined, 2)}\n`)
  process.stdout.write(`${recipe.name}: ${[...files.keys()].join(' ')}\n`)
}
