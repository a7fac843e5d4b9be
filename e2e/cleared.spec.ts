/**
 * The browser clears the data of an origin while a store of it is open, in a profile that is kept, where Chromium's handles then behave otherwise. Firefox
 * cannot be asked for that from here: there the same calls are made with the data in place.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import type { Store } from 'lodestore'
import { type BrowserName, launchBrowser } from '../scripts/browsers.mjs'
import { openPage } from './api.js'

test('when the data of an open store is cleared, what follows fails and the close ends', async ({ browserName }) => {
  const isChromium = browserName === 'chromium'
  const profile = await mkdtemp(join(tmpdir(), 'lodestore-'))
  const { context, close } = await launchBrowser(browserName as BrowserName, { profile })
  try {
    const page = await openPage(await context.newPage())
    await page.evaluate(async () => {
      const store = await window.openStore('photos', { maxSegmentSize: 100_000 })
      await store.put(window.large(90_000))
      Object.assign(window, { store })
    })
    if (isChromium) {
      const session = await context.newCDPSession(page)
      const { origin } = new URL(page.url())
      await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'file_systems' })
    }
    const found = await page.evaluate(async () => {
      const { store, failure, large, openStore } = window as typeof window & { store: Store }
      // The first may still fit in the file that is open.
      await failure(store.put(large(200_000)))
      const codes = [await failure(store.put('next')), await failure(store.close())]
      const other = await openStore('other')
      return [...codes, await failure(other.put('works'))]
    })
    expect(found).toEqual(isChromium ? ['IO', 'IO', 'resolved'] : ['resolved', 'resolved', 'resolved'])
  } finally {
    await close()
    await rm(profile, { recursive: true })
  }
})
