/** The page of the tests of the public API (e2e/api-*.spec.ts). Every test has an origin's storage of its own (a browser context). */
import { test as base, type Page } from '@playwright/test'
import { pagesURL } from './servers.js'

export const test = base.extend<{ app: Page }>({
  app: async ({ page }, use) => {
    await openPage(page)
    await use(page)
  },
})

export async function openPage(page: Page): Promise<Page> {
  await page.goto(`${pagesURL}/api.html`)
  await page.waitForFunction(() => window.lodestore !== undefined)
  return page
}
