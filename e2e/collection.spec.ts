/**
 * What the store waits for while garbage is collected. Chromium lets scripts ask for that when it is told so; in Firefox it comes when it comes.
 */
import { expect, test } from '@playwright/test'
import { type BrowserName, launchBrowser } from '../scripts/browsers.mjs'
import { collectionCases } from './pages/collection-case.js'
import { pagesURL } from './servers.js'

for (const { name: caseName } of collectionCases) {
  test(`storage: opfs: ${caseName}`, async ({ browserName }) => {
    const isChromium = browserName === 'chromium'
    const { context, close } = await launchBrowser(browserName as BrowserName, {
      args: isChromium ? ['--js-flags=--expose-gc'] : [],
    })
    try {
      const page = await context.newPage()
      await page.goto(`${pagesURL}/storage.html`)
      expect(await page.evaluate(() => 'gc' in globalThis)).toBe(isChromium)
      const request = { driver: 'opfs', caseName } as const
      expect(await page.evaluate((request) => window.runStorageCase(request), request)).toBe(undefined)
    } finally {
      await close()
    }
  })
}
