/**
 * The demo for everybody: by keyboard alone, on a narrow screen, in light and in the dark, with thousands of files, without JavaScript.
 */
import { createHash } from 'node:crypto'
import type { Page } from '@playwright/test'
import { launchBrowser } from '../scripts/browsers.mjs'
import {
  drop,
  dropMany,
  expect,
  faintTexts,
  grid,
  inOwnBrowser,
  names,
  PICTURE,
  readTab,
  row,
  status,
  test,
  textFile,
} from './demo.js'
import { demoURL } from './servers.js'

test('thousands of files fill the list without moving the page, and only rows in sight are made', async ({ demo }) => {
  const places = () =>
    demo.evaluate(() =>
      [...document.querySelectorAll('main section, footer')].map((part) => part.getBoundingClientRect().top),
    )
  const before = await places()
  await dropMany(demo, 4_000)
  await expect(status(demo)).toHaveText('4,000 files stored.')
  expect(await places()).toEqual(before)
  await expect(demo.locator('#list-count')).toHaveText('4,000')
  expect(await grid(demo).locator('tbody tr').count()).toBeLessThan(60)
  await grid(demo).focus()
  await demo.keyboard.press('End')
  await expect(row(demo, 'note-3999.txt')).toBeVisible()
  await demo.getByRole('searchbox').fill('note-1234')
  await expect(names(demo)).toHaveText(['note-1234.txt'])
})

test('everything can be done by keyboard alone', async ({ demo }) => {
  const choosing = demo.waitForEvent('filechooser')
  await tabTo(demo, 'pick-files')
  await demo.keyboard.press('Enter')
  const chooser = await choosing
  await chooser.setFiles(
    ['first.txt', 'second.txt', 'third.txt'].map((name) => ({
      name,
      mimeType: 'text/plain',
      buffer: Buffer.from(name),
    })),
  )
  await expect(status(demo)).toHaveText('3 files stored.')

  await tabTo(demo, 'list')
  const active = () =>
    grid(demo).evaluate(
      (list) => document.getElementById(list.getAttribute('aria-activedescendant') ?? '')?.textContent,
    )
  await demo.keyboard.press('ArrowDown')
  await expect.poll(active).toBe('second.txt')
  const opening = demo.waitForEvent('popup')
  await demo.keyboard.press('Enter')
  expect((await readTab(demo, await opening)).toString()).toBe('second.txt')

  await demo.bringToFront()
  await demo.keyboard.press('Delete')
  await expect(demo.getByRole('dialog', { name: 'Delete second.txt?' })).toBeVisible()
  await demo.keyboard.press('Escape')
  await expect(demo.getByRole('dialog')).toBeHidden()
  await expect(grid(demo)).toBeFocused()
  for (let times = 0; times < 5; times += 1) await demo.keyboard.press('ArrowRight')
  await demo.keyboard.press('Enter')
  await expect(demo.getByRole('button', { name: 'Keep' })).toBeFocused()
  await demo.keyboard.press('Shift+Tab')
  await demo.keyboard.press('Enter')
  await expect(status(demo)).toHaveText('Deleted second.txt. Collect gives the space back.')
  await expect(names(demo)).toHaveText(['first.txt', 'third.txt'])

  // The row that took its place is the active one; two cells to the left is its key, and it can be pasted.
  await expect(grid(demo)).toBeFocused()
  for (const key of ['ArrowLeft', 'ArrowLeft', 'Enter']) await demo.keyboard.press(key)
  const key = createHash('sha256').update('third.txt').digest('hex')
  await expect(status(demo)).toHaveText(`Copied the key of third.txt: ${key}`)
  await tabTo(demo, 'filter', 'Shift+Tab')
  await demo.keyboard.press('ControlOrMeta+V')
  await expect(demo.getByRole('searchbox')).toHaveValue(key)
  await expect(names(demo)).toHaveCount(0)
  await demo.keyboard.press('ControlOrMeta+A')
  await demo.keyboard.press('Delete')
  await expect(names(demo)).toHaveText(['first.txt', 'third.txt'])

  await tabTo(demo, 'verify')
  await demo.keyboard.press('Enter')
  await expect(status(demo)).toHaveText(/^All is well/)
  await expect(demo.locator('#verify')).toBeFocused()
  await demo.keyboard.press('Tab')
  await demo.keyboard.press('Enter')
  await expect(demo.getByRole('dialog', { name: 'Free 1 content?' })).toBeVisible()
  await demo.keyboard.press('Shift+Tab')
  await demo.keyboard.press('Enter')
  await expect(status(demo)).toHaveText(/^1 content .* given back/)
  await expect(demo.locator('#collect')).toBeFocused()
  await tabTo(demo, 'readme')
})

/** Presses Tab (or Shift+Tab) until the element with this id has the focus, which has to be seen. */
async function tabTo(page: Page, id: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  for (let times = 0; times < 25; times += 1) {
    await page.keyboard.press(key)
    const { focused, ring } = await page.evaluate(() => {
      const focused = document.activeElement ?? document.body
      return { focused: focused.id, ring: getComputedStyle(focused).outlineStyle }
    })
    if (focused !== '') expect(ring, `the focus on #${focused} is seen`).not.toBe('none')
    if (focused === id) return
  }
  throw new Error(`Tab does not reach #${id}`)
}

/** Runs in the page: rows of the list whose lines do not stand in the middle, and endings that are wider than their place. */
function uneven(): string[] {
  return [...document.querySelectorAll('.rows .row')].flatMap((row) => {
    const box = (selector: string) => row.querySelector(selector)?.getBoundingClientRect() ?? new DOMRect()
    const { top, bottom } = row.getBoundingClientRect()
    const [above, below] = [box('.name').top - top, bottom - box('.key').bottom]
    const ending = row.querySelector('.thumbnail') ?? row
    const isCut = Number.parseFloat(getComputedStyle(ending, '::before').width) > ending.clientWidth
    return [
      ...(Math.abs(above - below) > 2 ? [`${above} px above and ${below} px below ${row.textContent}`] : []),
      ...(isCut ? [`the ending ${ending.getAttribute('data-ending')} is cut off`] : []),
    ]
  })
}

/** Runs in the page: figures of a task, number with unit, that stand on two lines when there is little room. */
function partedFigures(): string[] {
  const figures = document.getElementById('task-figures') ?? document.body
  const before = figures.style.inlineSize
  const walker = document.createTreeWalker(figures, NodeFilter.SHOW_TEXT)
  const parted = new Set<string>()
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const { 0: figure, index } of (node.textContent ?? '').matchAll(/[^·]*[^·\s]/g)) {
      const range = document.createRange()
      range.setStart(node, index + (figure.length - figure.trimStart().length))
      range.setEnd(node, index + figure.length)
      for (let pixels = 300; pixels > 150; pixels -= 3) {
        figures.style.inlineSize = `${pixels}px`
        if (new Set(Array.from(range.getClientRects(), ({ top }) => top)).size > 1) parted.add(figure)
      }
    }
  }
  figures.style.inlineSize = before
  return [...parted]
}

/** Runs in the page: pixels by which the list moves when the figures of a task are as long as they may become. */
function movedByFigures(): number {
  const figures = document.getElementById('task-figures') ?? document.body
  const top = () => document.getElementById('list')?.getBoundingClientRect().top ?? 0
  const texts = ['', '2,599 of 3,943 files · 167 MB of 548 MB · 13.4 MB/s']
  const [empty = 0, full = 0] = texts.map((text) => {
    figures.textContent = text
    return top()
  })
  return full - empty
}

for (const scheme of ['light', 'dark'] as const) {
  test(`at 360 px, ${scheme}: nothing is cut off, and every text stands out from its ground`, async ({
    browserName,
  }, testInfo) => {
    // Playwright's own emulation does not reach Firefox.
    const firefoxUserPrefs = { 'layout.css.prefers-color-scheme.content-override': scheme === 'dark' ? 0 : 1 }
    await inOwnBrowser(browserName, { firefoxUserPrefs }, async (page) => {
      await page.setViewportSize({ width: 360, height: 740 })
      if (browserName === 'chromium') await page.emulateMedia({ colorScheme: scheme })
      await drop(page, [textFile(`${'a long name '.repeat(12)}.txt`, 'long'), PICTURE, textFile('wide.webm', 's')])
      await expect(status(page)).toHaveText('3 files stored.')
      expect(await page.evaluate(uneven)).toEqual([])
      await expect(page.locator('#task-cancel')).toBeHidden()
      expect(await page.evaluate(partedFigures)).toEqual([])
      expect(await page.evaluate(movedByFigures)).toBe(0)
      expect(await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)).toBe(scheme === 'dark')
      const { scrollWidth, clientWidth } = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement
        return { scrollWidth, clientWidth }
      })
      expect(scrollWidth).toBe(clientWidth)
      for (const button of await page.getByRole('button').all()) {
        const box = await button.boundingBox()
        if (box) expect(box.x >= 0 && box.x + box.width <= 360, `${await button.textContent()} is in sight`).toBe(true)
      }
      expect(await page.evaluate(faintTexts)).toEqual([])
      await testInfo.attach(`360 px, ${scheme}`, {
        body: await page.screenshot({ fullPage: true }),
        contentType: 'image/png',
      })
    })
  })
}

test('without JavaScript the page says that it needs it', async ({ browserName }) => {
  const { context, close } = await launchBrowser(browserName as 'chromium' | 'firefox', {
    firefoxUserPrefs: { 'javascript.enabled': false },
  })
  try {
    const scriptless = await context.browser()?.newContext({ javaScriptEnabled: browserName === 'firefox' })
    const page = await scriptless?.newPage()
    await page?.goto(demoURL)
    expect(await page?.locator('noscript p').isVisible()).toBe(true)
  } finally {
    await close()
  }
})
