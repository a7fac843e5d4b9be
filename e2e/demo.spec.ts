/**
 * The demo, used as a person would: dropping and choosing files, reloading, opening, deleting, compacting, verifying; by
 * keyboard, on a narrow screen, in the dark. Every test has a store of its own (a browser context), and none may leave an error in the console.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test as base, expect, type Page } from '@playwright/test'
import { launchBrowser } from '../scripts/browsers.mjs'
import { demoURL } from './servers.js'

interface TestFile {
  name: string
  type: string
  bytes: Buffer
}

const test = base.extend<{ demo: Page }>({
  demo: async ({ page }, use) => {
    const errors = watchErrors(page)
    await openDemo(page)
    await use(page)
    expect(errors).toEqual([])
  },
})

function watchErrors(page: Page): string[] {
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  return errors
}

/** For what can only be chosen when a browser is launched. */
async function inOwnBrowser(
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

async function openDemo(page: Page): Promise<void> {
  await page.goto(demoURL)
  await ready(page)
}

const ready = (page: Page) => expect(page.getByRole('button', { name: 'Choose files' })).toBeEnabled()
const status = (page: Page) => page.locator('#task-text')
const grid = (page: Page) => page.getByRole('grid', { name: /Files/ })
const row = (page: Page, name: string) => grid(page).getByRole('row').filter({ hasText: name })
const names = (page: Page) => grid(page).locator('td.name').allTextContents()

/** Drops files on the page by a real DataTransfer, as far as a script can make one: it knows files, but no folders. */
async function drop(page: Page, files: TestFile[]): Promise<void> {
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
async function dropMany(page: Page, count: number): Promise<void> {
  await page.evaluate((count) => {
    const dataTransfer = new DataTransfer()
    for (let number = 0; number < count; number += 1) {
      dataTransfer.items.add(new File([`file ${number} `.repeat(50)], `note-${number}.txt`, { type: 'text/plain' }))
    }
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  }, count)
}

async function confirmDelete(page: Page): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
}

function textFile(name: string, text: string): TestFile {
  return { name, type: 'text/plain', bytes: Buffer.from(text) }
}

const PICTURE: TestFile = {
  name: 'dot.png',
  type: 'image/png',
  bytes: Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
}

test('files that are dropped are listed, are still there after a reload, and open byte for byte', async ({ demo }) => {
  const text = textFile('grüße.txt', 'Grüße, 世界\n'.repeat(1000))
  await drop(demo, [text, PICTURE])
  await expect(status(demo)).toHaveText('2 files stored.')
  expect(await names(demo)).toEqual(['dot.png', 'grüße.txt'])
  const key = createHash('sha256').update(text.bytes).digest('hex')
  await expect(row(demo, 'grüße.txt')).toContainText(key.slice(0, 8))
  await expect(row(demo, 'grüße.txt')).toContainText('text/plain')

  await demo.reload()
  await ready(demo)
  await expect(status(demo)).toHaveText('The store is open: 2 files, all still here.')
  for (const file of [text, PICTURE]) {
    const opening = demo.waitForEvent('popup')
    await row(demo, file.name)
      .getByRole('button', { name: `${file.name}: open` })
      .click()
    const tab = await opening
    await tab.waitForURL(/^blob:/)
    expect(await bytesAt(demo, tab.url())).toEqual(file.bytes)
    await tab.close()
  }
})

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

test('a download has the name and the bytes of the file', async ({ browserName }, testInfo) => {
  const downloadsPath = testInfo.outputPath('downloads')
  await inOwnBrowser(browserName, { downloadsPath }, async (page) => {
    const file = { name: 'data.bin', type: 'application/octet-stream', bytes: randomBytes(300_000) }
    await drop(page, [file])
    await expect(status(page)).toHaveText('1 file stored.')
    for (const button of ['Download data.bin', 'data.bin: open']) {
      const downloading = browserName === 'chromium' ? page.waitForEvent('download') : undefined
      await row(page, file.name).getByRole('button', { name: button }).click()
      const download = await downloading
      if (download) expect(download.suggestedFilename()).toBe('data.bin')
      // Firefox saves it, but Playwright does not hear of downloads of object URLs there.
      const path = download ? await download.path() : join(downloadsPath, 'data.bin')
      await expect.poll(() => existsSync(path) && readFileSync(path).equals(file.bytes)).toBe(true)
      rmSync(path)
    }
  })
})

test('a page or a drawing with a script in it opens as text and cannot run', async ({ demo }) => {
  await drop(demo, [
    { name: 'evil.html', type: 'text/html', bytes: Buffer.from('<script>opener; document.title = "ran"</script>') },
    { name: 'evil.svg', type: 'image/svg+xml', bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') },
  ])
  await expect(status(demo)).toHaveText('2 files stored.')
  for (const name of ['evil.html', 'evil.svg']) {
    const opening = demo.waitForEvent('popup')
    await row(demo, name)
      .getByRole('button', { name: `${name}: open` })
      .click()
    const tab = await opening
    await tab.waitForURL(/^blob:/)
    const type = await demo.evaluate(async (url) => (await fetch(url)).headers.get('content-type'), tab.url())
    expect(type).toContain('text/plain')
    await tab.close()
  }
})

test('a folder keeps its paths, files in folders in folders included', async ({ demo, browserName }, testInfo) => {
  const folder = makeFolder(testInfo.outputPath('album'))
  // Firefox does not let a test choose a folder: there the input is given what it would hold.
  if (browserName === 'chromium') await demo.locator('#folder-input').setInputFiles(folder)
  else await demo.evaluate(chooseFolderDouble)
  await expect(status(demo)).toHaveText('3 files stored.')
  expect(await names(demo)).toEqual(['album/a.txt', 'album/deep/b.txt', 'album/deep/deeper/c.txt'])
})

test('a folder that is dropped is walked to its depth', async ({ demo, browserName }, testInfo) => {
  const folder = makeFolder(testInfo.outputPath('album'))
  if (browserName === 'chromium') {
    // A drag from outside, with a true folder in it: only Chromium lets a test make one.
    const session = await demo.context().newCDPSession(demo)
    const box = await demo.locator('#add').boundingBox()
    const [x, y] = [(box?.x ?? 0) + 20, (box?.y ?? 0) + 20]
    const data = { items: [], files: [folder], dragOperationsMask: 1 }
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await session.send('Input.dispatchDragEvent', { type, x, y, data })
    }
  } else {
    await demo.evaluate(dropFolderDouble)
  }
  await expect(status(demo)).toHaveText('3 files stored.')
  expect(await names(demo)).toEqual(['album/a.txt', 'album/deep/b.txt', 'album/deep/deeper/c.txt'])
})

function makeFolder(folder: string): string {
  for (const path of ['a.txt', 'deep/b.txt', 'deep/deeper/c.txt']) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), `the text of ${path}`)
  }
  return folder
}

/** Runs in the page: the folder's input, as it is after a person has chosen the folder. */
function chooseFolderDouble(): void {
  const input = document.getElementById('folder-input')
  const files = ['a.txt', 'deep/b.txt', 'deep/deeper/c.txt'].map((path) => {
    const file = new File([`the text of ${path}`], path.split('/').at(-1) ?? '')
    return Object.defineProperty(file, 'webkitRelativePath', { value: `album/${path}` })
  })
  if (input) Object.defineProperty(input, 'files', { value: files })
  input?.dispatchEvent(new Event('change'))
}

/** Runs in the page: a drop whose item answers as a folder does, giving its children in two parts. */
function dropFolderDouble(): void {
  const file = (path: string) => ({
    isDirectory: false,
    fullPath: path,
    file: (done: (file: File) => void) => done(new File([`the text of ${path}`], path.split('/').at(-1) ?? '')),
  })
  const directory = (path: string, children: object[]) => ({
    isDirectory: true,
    fullPath: path,
    createReader: () => {
      const parts = [children.slice(0, 1), children.slice(1), []]
      return { readEntries: (done: (some: object[]) => void) => done(parts.shift() ?? []) }
    },
  })
  const deeper = directory('/album/deep/deeper', [file('/album/deep/deeper/c.txt')])
  const deep = directory('/album/deep', [deeper, file('/album/deep/b.txt')])
  const album = directory('/album', [file('/album/a.txt'), deep])
  const event = new Event('drop', { bubbles: true, cancelable: true })
  const items = [{ kind: 'file', webkitGetAsEntry: () => album }]
  Object.defineProperty(event, 'dataTransfer', { value: { types: ['Files'], items } })
  document.body.dispatchEvent(event)
}

test('a file that is too large is left out, said so, and the others are stored', async ({ demo }) => {
  const files = [
    textFile('small.txt', 'small'),
    { name: 'huge.iso', type: '', bytes: Buffer.alloc(20_971_480) },
    { name: 'largest.bin', type: '', bytes: Buffer.alloc(20_971_479, 7) },
  ]
  await demo
    .locator('#files-input')
    .setInputFiles(files.map(({ name, type, bytes }) => ({ name, mimeType: type, buffer: bytes })))
  await expect(status(demo)).toHaveText('2 files stored. 1 left out: see Problems.')
  await expect(demo.locator('#problems-list li')).toHaveText([/^huge\.iso: .*larger than 20,971,479 bytes/])
  expect(await names(demo)).toEqual(['largest.bin', 'small.txt'])
  await demo.getByRole('button', { name: 'Clear' }).click()
  await expect(demo.locator('#problems')).toBeHidden()
})

test('what is deleted leaves dead bytes, compacting gives them back, and verifying finds all well', async ({
  demo,
}) => {
  const files = Array.from({ length: 6 }, (_, number) => ({
    name: `part-${number}.bin`,
    type: 'text/plain',
    bytes: randomBytes(500_000),
  }))
  await drop(demo, files)
  await expect(status(demo)).toHaveText('6 files stored.')
  await expect(demo.locator('#live-bytes')).toHaveText(/^3(\.\d+)? MB$/)

  await row(demo, 'part-0.bin').getByRole('button', { name: 'Delete part-0.bin' }).click()
  await demo.getByRole('dialog').getByRole('button', { name: 'Keep' }).click()
  await expect(row(demo, 'part-0.bin')).toBeVisible()

  await demo.getByRole('searchbox').fill('part-1 bin')
  await expect(demo.locator('#list-count')).toHaveText('1 of 6')
  await demo.getByRole('button', { name: 'Delete these…' }).click()
  await confirmDelete(demo)
  await expect(status(demo)).toHaveText('Deleted part-1.bin. Compact gives the space back.')
  await demo.getByRole('searchbox').fill('')
  for (const number of [2, 3, 4]) {
    await row(demo, `part-${number}.bin`)
      .getByRole('button', { name: `Delete part-${number}.bin` })
      .click()
    await confirmDelete(demo)
    await expect(status(demo)).toHaveText(`Deleted part-${number}.bin. Compact gives the space back.`)
    await expect(row(demo, `part-${number}.bin`)).toHaveCount(0)
  }
  await expect(grid(demo).locator('td.name')).toHaveText(['part-0.bin', 'part-5.bin'])
  await expect(demo.locator('#dead-bytes')).toHaveText(/^2(\.\d+)? MB/)
  await expect(demo.getByRole('img', { name: /segment.* dead/ })).toBeVisible()

  await demo.getByRole('button', { name: 'Compact' }).click()
  await expect(status(demo)).toHaveText(/^2(\.\d+)? MB given back/)
  await expect(demo.locator('#dead-bytes')).toHaveText(/^[\d.]+ k?B/)

  await demo.reload()
  await ready(demo)
  await demo.getByRole('button', { name: 'Verify' }).click()
  await expect(status(demo)).toHaveText(/^All is well: .* read, and nothing is wrong\.$/)
  expect(await names(demo)).toEqual(['part-0.bin', 'part-5.bin'])
  expect(await openAndRead(demo, 'part-5.bin')).toEqual(files[5]?.bytes)
})

test('one content under two names is stored once, and stays until its last name is deleted', async ({ demo }) => {
  await drop(demo, [textFile('one.txt', 'the same text'), textFile('two.txt', 'the same text')])
  await expect(status(demo)).toHaveText('2 files stored.')
  // Two blobs: the text and a page of the catalogue.
  await expect(demo.locator('#blob-count')).toHaveText('2')
  await row(demo, 'one.txt').getByRole('button', { name: 'Delete one.txt' }).click()
  await confirmDelete(demo)
  await expect(demo.locator('#list-count')).toHaveText('1')
  await expect(demo.locator('#blob-count')).toHaveText('2')
  await row(demo, 'two.txt').getByRole('button', { name: 'Delete two.txt' }).click()
  await confirmDelete(demo)
  await expect(demo.locator('#blob-count')).toHaveText('0')
  await expect(grid(demo).locator('td')).toHaveCount(0)
})

test('a file that is added again takes the place of the one with its name', async ({ demo }) => {
  await drop(demo, [textFile('plan.txt', 'the first plan')])
  await expect(status(demo)).toHaveText('1 file stored.')
  await drop(demo, [textFile('plan.txt', 'the first plan')])
  await expect(status(demo)).toHaveText('Nothing new stored. 1 had been there already.')
  await drop(demo, [textFile('plan.txt', 'the second plan'), textFile('plan.txt', 'the third plan')])
  await expect(status(demo)).toHaveText('2 files stored.')
  expect(await names(demo)).toEqual(['plan.txt'])
  const key = createHash('sha256').update('the third plan').digest('hex')
  await expect(row(demo, 'plan.txt')).toContainText(key.slice(0, 8))
  await expect(demo.locator('#blob-count')).toHaveText('2')
})

test('cancelling keeps what was committed, names and bytes alike, and nothing of the rest', async ({ demo }) => {
  await dropMany(demo, 5_000)
  await expect(demo.locator('#task-figures')).toHaveText(/files/)
  await demo.evaluate(() => document.getElementById('task-cancel')?.click())
  await expect(status(demo)).toHaveText(/^Stopped\. [\d,]+ files? stored\.|^Stopped\. Nothing/)
  await expect(demo.getByRole('button', { name: 'Verify' })).toBeEnabled()
  const kept = Number((await status(demo).textContent())?.match(/[\d,]+/)?.[0].replace(',', '') ?? 0)
  expect(kept).toBeLessThan(5_000)
  const pages = Math.ceil(kept / 128)
  await demo.reload()
  await ready(demo)
  await expect(demo.locator('#list-count')).toHaveText(kept.toLocaleString('en'))
  await expect(demo.locator('#blob-count')).toHaveText((kept + pages).toLocaleString('en'))
})

test('thousands of files fill the list without moving the page, and only rows in sight are made', async ({ demo }) => {
  const places = () =>
    demo.evaluate(() =>
      [...document.querySelectorAll('main section, footer')].map((part) => part.getBoundingClientRect().top),
    )
  const before = await places()
  await dropMany(demo, 4_000)
  await expect(status(demo)).toHaveText('4,000 files stored.', { timeout: 60_000 })
  expect(await places()).toEqual(before)
  await expect(demo.locator('#list-count')).toHaveText('4,000')
  expect(await grid(demo).locator('tbody tr').count()).toBeLessThan(60)
  await grid(demo).focus()
  await demo.keyboard.press('End')
  await expect(row(demo, 'note-3999.txt')).toBeVisible()
  await demo.getByRole('searchbox').fill('note-1234')
  expect(await names(demo)).toEqual(['note-1234.txt'])
})

test('a second tab is told in words that the store is open elsewhere, and opens it once it is free', async ({
  demo,
}) => {
  await drop(demo, [textFile('shared.txt', 'shared')])
  await expect(status(demo)).toHaveText('1 file stored.')
  const second = await demo.context().newPage()
  await second.goto(demoURL)
  await expect(second.getByRole('alert')).toContainText('The store is open in another tab or window.', {
    timeout: 10_000,
  })
  await demo.close()
  await second.getByRole('button', { name: 'Try again' }).click()
  await ready(second)
  expect(await names(second)).toEqual(['shared.txt'])
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
  const tab = await opening
  await tab.waitForURL(/^blob:/)
  expect((await bytesAt(demo, tab.url())).toString()).toBe('second.txt')
  await tab.close()

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
  await expect(status(demo)).toHaveText('Deleted second.txt. Compact gives the space back.')
  expect(await names(demo)).toEqual(['first.txt', 'third.txt'])

  await tabTo(demo, 'verify')
  await demo.keyboard.press('Enter')
  await expect(status(demo)).toHaveText(/^All is well/)
  await expect(demo.locator('#verify')).toBeFocused()
  await demo.keyboard.press('Tab')
  await demo.keyboard.press('Enter')
  await expect(status(demo)).toHaveText(/given back|nothing worth compacting/)
  await tabTo(demo, 'readme')
})

/** Presses Tab until the element with this id has the focus, which has to be seen. */
async function tabTo(page: Page, id: string): Promise<void> {
  for (let times = 0; times < 25; times += 1) {
    await page.keyboard.press('Tab')
    const { focused, ring } = await page.evaluate(() => {
      const focused = document.activeElement ?? document.body
      return { focused: focused.id, ring: getComputedStyle(focused).outlineStyle }
    })
    if (focused !== '') expect(ring, `the focus on #${focused} is seen`).not.toBe('none')
    if (focused === id) return
  }
  throw new Error(`Tab does not reach #${id}`)
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
      await drop(page, [textFile(`${'a long name '.repeat(12)}.txt`, 'long'), PICTURE, textFile('short', 's')])
      await expect(status(page)).toHaveText('3 files stored.')
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

/** Runs in the page: texts whose contrast with what lies behind them is below 4.5 (WCAG AA), but for disabled buttons. */
function faintTexts(): string[] {
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

test('the link in the footer leads to the README', async ({ demo }) => {
  const href = await demo.getByRole('link', { name: /README/ }).getAttribute('href')
  const answer = await demo.request.get(new URL(href ?? '', demoURL).href)
  expect(await answer.text()).toBe(readFileSync('README.md', 'utf8'))
})

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
