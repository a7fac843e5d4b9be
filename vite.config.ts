/**
 * Vite for the demo (`npm start` builds and serves it) and Vitest for the unit tests. The demo imports `lodestore` as any
 * app would: through the package's own exports, so it needs `npm run build` first. Workers are bundled in
 * Vite's default form (IIFE), which is what consumers get and what a top-level await would break.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const project = fileURLToPath(new URL('.', import.meta.url))

export default defineConfig({
  root: 'demo',
  base: './',
  build: {
    outDir: `${project}build/site`,
    emptyOutDir: true,
    target: 'es2022',
    rolldownOptions: {
      input: [`${project}demo/index.html`, `${project}demo/bench.html`, `${project}demo/worker/service-worker.ts`],
      output: {
        // A service worker is looked for under the same name each time, and answers only for what lies beside it.
        entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
      // On a slow machine it would warn that Vite's own plugins take their time.
      checks: { pluginTimings: false },
    },
  },
  server: { port: 5173, fs: { allow: [project] } },
  preview: { port: 5173 },
  test: {
    // All cores: by itself Vitest leaves one for whoever watches.
    maxWorkers: '100%',
    root: project,
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/testing/expect-patterns.ts'],
    // Far more than any of them takes alone: a machine may have much else to do.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: 'build/reports/unit.json' },
    // Every branch of what decides about bytes on the disk is taken by a test that looks at what came of it.
    coverage: {
      provider: 'v8',
      include: ['src/{format,log,store}/*.ts'],
      reporter: ['text'],
      reportsDirectory: 'build/coverage',
      thresholds: { branches: 100 },
    },
  },
})
