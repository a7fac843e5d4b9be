// @ts-check
/**
 * Prints what the package weighs in a consumer's app, minified and gzipped: the page's side (idb-keyval with it) and the worker with
 * its WASM. It bundles dist/ as Vite does for anybody, so that what is counted is what is shipped. Run at every build.
 */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

const GOALS = { page: 5_000, worker: 25_000 }

const result = await build({
  configFile: false,
  root: fileURLToPath(new URL('..', import.meta.url)),
  logLevel: 'error',
  build: {
    write: false,
    modulePreload: false,
    rolldownOptions: { input: 'dist/client/index.js', preserveEntrySignatures: 'strict' },
  },
})

for (const { output } of [result].flat().filter((one) => 'output' in one)) {
  for (const file of output) {
    const part = file.type === 'chunk' ? 'page' : 'worker'
    const bytes = Buffer.from(file.type === 'chunk' ? file.code : file.source)
    const size = gzipSync(bytes, { level: 9 }).length
    const verdict = size > GOALS[part] ? 'OVER the goal of' : 'goal'
    console.log(`size: ${part} ${kilo(size)} gzipped (${verdict} ${kilo(GOALS[part])}), ${kilo(bytes.length)} minified`)
  }
}

/** @param {number} bytes */
function kilo(bytes) {
  return `${(bytes / 1000).toFixed(2)} kB`
}
