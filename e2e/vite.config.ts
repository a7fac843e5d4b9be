/**
 * The server of the pages in e2e/pages: TypeScript as it stands, and `lodestore` as built in dist/. It watches nothing, so
 * that an edit during a run does not reload a page under test.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  cacheDir: 'build/vite-e2e',
  appType: 'mpa',
  server: { strictPort: true, watch: null, hmr: false },
  // Found late, a dependency would be bundled then and the page reloaded.
  optimizeDeps: { noDiscovery: true, include: ['idb-keyval'] },
})
