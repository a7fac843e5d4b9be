/**
 * The conformance suite of src/testing in a real browser: every case on OPFS and in memory, one test each. All
 * tests of a worker share one page; the cases are apart by directory and by worker (pages/storage.ts).
 */
import { test as base, type Page } from '@playwright/test'
import { conformanceCases } from '../src/testing/conformance.js'
import { pagesURL } from './servers.js'

const test = base.extend<object, { storagePage: Page }>({
  storagePage: [
    async ({ browser }, use) => {
      const page = await browser.newPage()
      await page.goto(`${pagesURL}/storage.html`)
      await use(page)
      await page.close()
    },
    { scope: 'worker' },
  ],
})

for (const driver of ['opfs', 'memory'] as const) {
  test.describe(`storage: ${driver}`, () => {
    for (const { name: caseName } of conformanceCases) {
      test(caseName, async ({ storagePage }) => {
        const failure = await storagePage.evaluate((request) => window.runStorageCase(request), { driver, caseName })
        if (failure !== undefined) throw new Error(failure)
      })
    }
  })
}
