/**
 * The browser tests: every spec in e2e/ in Chromium and in Firefox. A browser that is missing is an error here, before any
 * test (`node scripts/browsers.mjs` gets it). Nothing is retried: a test that fails now and then is a fault to find.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { defineConfig } from '@playwright/test'
import { browserNames, launchOptions } from './scripts/browsers.mjs'

async function freePort(): Promise<string> {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return String(port)
}

// Workers read this file again and have to come to the same ports.
process.env.E2E_PAGES_PORT ??= await freePort()
process.env.E2E_DEMO_PORT ??= await freePort()
const { pagesURL, demoURL } = await import('./e2e/servers.js')

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'build/e2e-results',
  fullyParallel: true,
  workers: 2,
  // Twice the usual: opening a hundred files in Firefox took 25 s on a machine that had other things to do.
  timeout: 60_000,
  forbidOnly: true,
  reporter: [['dot'], ['json', { outputFile: 'build/reports/e2e.json' }]],
  projects: browserNames.map((name) => ({
    name,
    use: { browserName: name, launchOptions: launchOptions(name) },
  })),
  webServer: [
    {
      command: `npx vite --config e2e/vite.config.ts --port ${process.env.E2E_PAGES_PORT}`,
      url: `${pagesURL}/storage.html`,
    },
    { command: `npx vite preview --strictPort --port ${process.env.E2E_DEMO_PORT}`, url: demoURL },
  ],
})
