/**
 * A storage driver at the quota, in browsers launched for it: Chromium's quota is set through its debugging protocol,
 * Firefox's by a preference. With a profile that is kept and with one that is not: Chromium's files are another implementation in each.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from '@playwright/test'
import { type BrowserName, launchBrowser } from '../scripts/browsers.mjs'
import { quotaCase } from './pages/quota-case.js'
import { pagesURL } from './servers.js'

const QUOTA_KIBIBYTES = 20 * 1024

for (const kept of [true, false]) {
  test(`storage: opfs, ${kept ? 'kept' : 'forgotten'} profile: ${quotaCase.name}`, async ({ browserName }) => {
    const profile = await mkdtemp(join(tmpdir(), 'lodestore-'))
    const { context, close } = await launchBrowser(browserName as BrowserName, {
      ...(kept ? { profile } : {}),
      firefoxUserPrefs: { 'dom.quotaManager.temporaryStorage.fixedLimit': QUOTA_KIBIBYTES },
    })
    try {
      const page = await context.newPage()
      await page.goto(`${pagesURL}/storage.html`)
      if (browserName === 'chromium') {
        const session = await context.newCDPSession(page)
        const origin = new URL(pagesURL).origin
        await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: QUOTA_KIBIBYTES * 1024 })
      }
      const request = { driver: 'opfs', caseName: quotaCase.name } as const
      const failure = await page.evaluate((request) => window.runStorageCase(request), request)
      if (failure !== undefined) throw new Error(failure)
    } finally {
      await close()
      await rm(profile, { recursive: true })
    }
  })
}
