/**
 * What a person does with the demo, as verbs for its specs: opening it, dropping files on it, opening a file. The `demo` of a test is a
 * page with a store of its own, which may not leave an error in the console.
 */
import { test as base, expect as baseExpect, type Page } from '@playwright/test'
import { launchBrowser } from '../scripts/browsers.mjs'
import { demoURL } from './servers.js'

/** A busy machine takes its time; what is expected comes all the same. */
export const expect = baseExpect.configure({ timeout: 40_000 })

export interface TestFile {
  name: string
  type: string
  bytes: Buffer
}

export const test = base.extend<{ demo: Page }>({
  demo: async ({ page }, use) => {
    const errors = watchErrors(page)
    await openDemo(page)
    await use(page)
    expect(errors).toEqual([])
  },
})

/**
 * What Firefox 153 says, without an address, whenever it cancels a service worker's answer that it does not want to the end (after a jump in a film, or
 * when the player is closed), whatever the answer is made of: a Blob and an array too. An answer that failed is reported with its address.
 */
const CANCELLED_ANSWER =
  /Failed to load ‘’\. A ServiceWorker intercepted the request and encountered an unexpected error\.$/

/** What was an error or a warning in the console, and what was thrown and not caught. */
export function watchErrors(page: Page): string[] {
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  page.on('pageerror', (error) => {
    if (!CANCELLED_ANSWER.test(error.message)) errors.push(String(error))
  })
  return errors
}

/** For what can only be chosen when a browser is launched. */
export async function inOwnBrowser(
  name: string,
  options: Parameters<typeof launchBrowser>[1],
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const { context, close } = await launchBrowser(name as 'chromium' | 'firefox', options)
  try {
    const page = await context.newPage()
    const errors = watchErrors(page)
    await openDemo(page)
    await use(page)
    expect(errors).toEqual([])
  } finally {
    await close()
  }
}

export async function openDemo(page: Page): Promise<void> {
  await page.goto(demoURL)
  await ready(page)
}

export const ready = (page: Page) => expect(page.getByRole('button', { name: 'Choose files' })).toBeEnabled()
export const status = (page: Page) => page.locator('#task-text')
export const grid = (page: Page) => page.getByRole('grid', { name: /Files/ })
export const row = (page: Page, name: string) => grid(page).getByRole('row').filter({ hasText: name })
/** The names in sight, in the order of the list. */
export const names = (page: Page) => grid(page).locator('td.name')

/** Drops files on the page by a real DataTransfer, as far as a script can make one: it knows files, but no folders. */
export async function drop(page: Page, files: TestFile[]): Promise<void> {
  const plain = files.map(({ name, type, bytes }) => ({ name, type, base64: bytes.toString('base64') }))
  const transfer = await page.evaluateHandle((files) => {
    const transfer = new DataTransfer()
    for (const { name, type, base64 } of files) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      transfer.items.add(new File([bytes], name, { type }))
    }
    return transfer
  }, plain)
  await page.locator('#add').dispatchEvent('dragover', { dataTransfer: transfer })
  await expect(page.locator('#add')).toHaveClass(/over/)
  await page.locator('#add').dispatchEvent('drop', { dataTransfer: transfer })
  await expect(page.locator('#add')).not.toHaveClass(/over/)
}

/** Drops `count` small files that the page makes itself, all different. */
export async function dropMany(page: Page, count: number): Promise<void> {
  const sizes = Array.from({ length: count }, (_, number) => [`note-${number}.txt`, 500 + number])
  await dropSized(page, Object.fromEntries(sizes))
}

/** Drops files of these sizes, which the page makes itself: for what would take long to send there. */
export async function dropSized(page: Page, sizes: { [name: string]: number }): Promise<void> {
  await page.evaluate((sizes) => {
    const dataTransfer = new DataTransfer()
    for (const [name, size] of Object.entries(sizes)) {
      dataTransfer.items.add(new File([new Uint8Array(size).fill(65)], name, { type: 'text/plain' }))
    }
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  }, sizes)
}

export async function confirmDelete(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
}

export function textFile(name: string, text: string): TestFile {
  return { name, type: 'text/plain', bytes: Buffer.from(text) }
}

export const PICTURE: TestFile = {
  name: 'dot.png',
  type: 'image/png',
  bytes: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
}

/** Opens a file in its tab, and answers with the bytes that the tab shows. */
export async function openAndRead(page: Page, name: string): Promise<Buffer> {
  const opening = page.waitForEvent('popup')
  await row(page, name)
    .getByRole('button', { name: `${name}: open` })
    .click()
  return readTab(page, await opening)
}

/** The bytes that a tab opened by the page shows; closes it. */
export async function readTab(page: Page, tab: Page): Promise<Buffer> {
  await tab.waitForURL(/^blob:/)
  const bytes = await bytesAt(page, tab.url())
  await tab.close()
  return bytes
}

/** What an object URL of the page stands for. */
async function bytesAt(page: Page, url: string): Promise<Buffer> {
  const base64 = await page.evaluate(async (url) => {
    const blob = await (await fetch(url)).blob()
    return new Promise<string>((resolve) => {
      const reader = new FileReader()
      reader.onload = () => resolve(String(reader.result).replace(/^.*,/, ''))
      reader.readAsDataURL(blob)
    })
  }, url)
  return Buffer.from(base64, 'base64')
}

/** Runs in the page: texts whose contrast with what lies behind them is below 4.5 (WCAG AA), but for disabled buttons. */
export function faintTexts(): string[] {
  const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (color: string) => {
    const [red = 0, green = 0, blue = 0] = channels(color).map((channel) => {
      const share = channel / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const ground = (element: Element | null): string => {
    if (!element) return 'rgb(255, 255, 255)'
    const color = getComputedStyle(element).backgroundColor
    return channels(color)[3] === 0 ? ground(element.parentElement) : color
  }
  const faint: string[] = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    const text = node.textContent?.trim()
    if (!element?.checkVisibility() || !text || element.closest(':disabled, noscript, script')) continue
    const [first = 0, second = 0] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort(
      (a, b) => b - a,
    )
    const contrast = (first + 0.05) / (second + 0.05)
    if (contrast < 4.5) faint.push(`${text}: ${contrast.toFixed(2)}`)
  }
  return faint
}
