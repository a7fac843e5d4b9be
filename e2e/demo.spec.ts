/**
 * The demo, used as a person would: dropping and choosing files and folders, reloading, opening, downloading, deleting,
 * compacting, verifying, cancelling, and a second tab. Its other side, who can use it and where, is in demo-access.spec.ts.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  confirmDelete,
  drop,
  dropMany,
  dropSized,
  expect,
  grid,
  inOwnBrowser,
  names,
  openAndRead,
  PICTURE,
  ready,
  row,
  status,
  test,
  textFile,
  watchErrors,
} from './demo.js'
import { demoURL } from './servers.js'

test('files that are dropped are listed, are still there after a reload, and open byte for byte', async ({ demo }) => {
  const text = textFile('grüße.txt', 'Grüße, 世界\n'.repeat(1000))
  await drop(demo, [text, PICTURE])
  await expect(status(demo)).toHaveText('2 files stored.')
  await expect(names(demo)).toHaveText(['dot.png', 'grüße.txt'])
  const key = createHash('sha256').update(text.bytes).digest('hex')
  await expect(row(demo, 'grüße.txt')).toContainText(key.slice(0, 8))
  await expect(row(demo, 'grüße.txt')).toContainText('text/plain')

  await demo.reload()
  await ready(demo)
  await expect(status(demo)).toHaveText('The store is open: 2 files, all still here.')
  for (const file of [text, PICTURE]) {
    expect(await openAndRead(demo, file.name)).toEqual(file.bytes)
  }
})

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
  await expect(names(demo)).toHaveText(['album/a.txt', 'album/deep/b.txt', 'album/deep/deeper/c.txt'])
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
  await expect(names(demo)).toHaveText(['album/a.txt', 'album/deep/b.txt', 'album/deep/deeper/c.txt'])
})

test('files of any size are stored, small ones beside them', async ({ demo }) => {
  await dropSized(demo, { 'small.txt': 5, 'huge.iso': 50_000_000, 'larger.bin': 20_971_480 })
  await expect(status(demo)).toHaveText('3 files stored.')
  await expect(names(demo)).toHaveText(['huge.iso', 'larger.bin', 'small.txt'])
  await expect(demo.locator('#problems')).toBeHidden()
})

test('what is deleted stays until it is collected, which says first how much it is; verifying then finds all well', async ({
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
  await expect(status(demo)).toHaveText('Deleted part-1.bin. Collect gives the space back.')
  await demo.getByRole('searchbox').fill('')
  for (const number of [2, 3, 4]) {
    await row(demo, `part-${number}.bin`)
      .getByRole('button', { name: `Delete part-${number}.bin` })
      .click()
    await confirmDelete(demo)
    await expect(status(demo)).toHaveText(`Deleted part-${number}.bin. Collect gives the space back.`)
    await expect(row(demo, `part-${number}.bin`)).toHaveCount(0)
  }
  await expect(names(demo)).toHaveText(['part-0.bin', 'part-5.bin'])
  await expect(demo.locator('#live-bytes')).toHaveText(/^3(\.\d+)? MB$/)
  await expect(demo.getByRole('img', { name: /segment.* dead/ })).toBeVisible()

  await demo.getByRole('button', { name: 'Collect' }).click()
  await expect(status(demo)).toHaveText('4 contents (2 MB) without a name.')
  await expect(demo.getByRole('dialog', { name: 'Free 4 contents?' })).toContainText('2 MB')
  await demo.keyboard.press('Escape')
  await expect(demo.locator('#blob-count')).toHaveText('6')
  await demo.getByRole('button', { name: 'Collect' }).click()
  await demo.getByRole('dialog').getByRole('button', { name: 'Free' }).click()
  await expect(status(demo)).toHaveText(/^4 contents \(2 MB\) freed, 2(\.\d+)? MB of the disk given back\.$/)
  await expect(demo.locator('#live-bytes')).toHaveText(/^1(\.\d+)? MB$/)
  await demo.getByRole('button', { name: 'Collect' }).click()
  await expect(status(demo)).toHaveText('There is nothing to collect: every content in the store has a name.')
  await demo.getByRole('button', { name: 'Compact' }).click()
  await expect(status(demo)).toHaveText(/^There is nothing worth compacting: /)

  await demo.reload()
  await ready(demo)
  await demo.getByRole('button', { name: 'Verify' }).click()
  await expect(status(demo)).toHaveText(/^All is well: .* read, and nothing is wrong\.$/)
  await expect(names(demo)).toHaveText(['part-0.bin', 'part-5.bin'])
  expect(await openAndRead(demo, 'part-5.bin')).toEqual(files[5]?.bytes)
})

test('a question that follows another at once gets its own answer', async ({ demo }) => {
  await drop(demo, [textFile('first.txt', 'first'), textFile('second.txt', 'second')])
  await expect(status(demo)).toHaveText('2 files stored.')
  await row(demo, 'first.txt').getByRole('button', { name: 'Delete first.txt' }).click()
  await expect(demo.getByRole('dialog', { name: 'Delete first.txt?' })).toBeVisible()
  await demo.evaluate(() => {
    document.querySelector('dialog')?.close()
    document.querySelector<HTMLButtonElement>('[aria-label="Delete second.txt"]')?.click()
  })
  await expect(demo.getByRole('dialog', { name: 'Delete second.txt?' })).toBeVisible()
  await confirmDelete(demo)
  await expect(names(demo)).toHaveText(['first.txt'])
})

test('one content under two names is stored once, and can be collected when its last name is deleted', async ({
  demo,
}) => {
  await drop(demo, [textFile('one.txt', 'the same text'), textFile('two.txt', 'the same text')])
  await expect(status(demo)).toHaveText('2 files stored.')
  await expect(demo.locator('#blob-count')).toHaveText('1')
  await row(demo, 'one.txt').getByRole('button', { name: 'Delete one.txt' }).click()
  await confirmDelete(demo)
  await expect(demo.locator('#list-count')).toHaveText('1')
  await demo.getByRole('button', { name: 'Collect' }).click()
  await expect(status(demo)).toHaveText(/^There is nothing to collect/)
  await row(demo, 'two.txt').getByRole('button', { name: 'Delete two.txt' }).click()
  await confirmDelete(demo)
  await demo.getByRole('button', { name: 'Collect' }).click()
  await demo.getByRole('dialog', { name: 'Free 1 content?' }).getByRole('button', { name: 'Free' }).click()
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
  await expect(names(demo)).toHaveText(['plan.txt'])
  const key = createHash('sha256').update('the third plan').digest('hex')
  await expect(row(demo, 'plan.txt')).toContainText(key.slice(0, 8))

  // Its content may stay under another name.
  await drop(demo, [textFile('plan.txt', 'the last plan'), textFile('old plan.txt', 'the third plan')])
  await expect(names(demo)).toHaveText(['old plan.txt', 'plan.txt'])
  expect((await openAndRead(demo, 'old plan.txt')).toString()).toBe('the third plan')
})

test('cancelling keeps what was committed, names and bytes alike, and nothing of the rest', async ({ demo }) => {
  // In the midst of it: as soon as some are listed, and the rest are on their way.
  await demo.evaluate(() => {
    const count = document.getElementById('list-count') as HTMLElement
    const observer = new MutationObserver(() => {
      if (count.textContent === '0') return
      observer.disconnect()
      document.getElementById('task-cancel')?.click()
    })
    observer.observe(count, { childList: true, characterData: true, subtree: true })
  })
  await dropMany(demo, 5_000)
  await expect(status(demo)).toHaveText(/^Stopped\. [\d,]+ files stored\.$/)
  await expect(demo.getByRole('button', { name: 'Verify' })).toBeEnabled()
  const kept = Number((await status(demo).textContent())?.match(/[\d,]+/)?.[0].replace(',', '') ?? 0)
  expect(kept).toBeLessThan(5_000)
  await expect(demo.locator('#list-count')).toHaveText(kept.toLocaleString('en'))
  await demo.reload()
  await ready(demo)
  await expect(demo.locator('#list-count')).toHaveText(kept.toLocaleString('en'))
  await expect(demo.locator('#blob-count')).toHaveText(kept.toLocaleString('en'))
})

test('a full disk is explained, takes nothing away, and room is made by deleting', async ({ browserName }) => {
  const firefoxUserPrefs = { 'dom.quotaManager.temporaryStorage.fixedLimit': 24_000 }
  await inOwnBrowser(browserName, { firefoxUserPrefs }, async (page) => {
    if (browserName === 'chromium') {
      const session = await page.context().newCDPSession(page)
      const { origin } = new URL(demoURL)
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 24_000_000 })
    }
    await dropSized(page, { 'kept.txt': 1_000_000 })
    await expect(status(page)).toHaveText('1 file stored.')
    await dropSized(page, Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`${at}.txt`, 1_000_001 + at])))
    await expect(status(page)).toHaveText(/^The browser gives this page no more room\. Delete files here.* stored\.$/)
    // Alone in the list: the others move its rows about when the frame after this draws them.
    await page.getByLabel('Filter by name or type').fill('kept.txt')
    await expect(names(page)).toHaveText(['kept.txt'])
    expect((await openAndRead(page, 'kept.txt')).length).toBe(1_000_000)
    await page.getByLabel('Filter by name or type').fill('')

    await page.getByRole('button', { name: 'Delete all…' }).click()
    await confirmDelete(page)
    await expect(status(page)).toHaveText(/^Deleted /)
    await page.getByRole('button', { name: 'Collect' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Free' }).click()
    await expect(status(page)).toHaveText(/given back/)
    await dropSized(page, { 'after.txt': 5_000_000 })
    await expect(status(page)).toHaveText('1 file stored.')
  })
})

test('who opens it in a private window is told what to do', async ({ page }) => {
  const errors = watchErrors(page)
  // As a private window answers.
  const refuse = `StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'));`
  await page.route(/worker/, async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, body: refuse + (await response.text()) })
  })
  await page.goto(demoURL)
  await expect(page.getByRole('alert')).toContainText('This browser cannot keep a store here.')
  await expect(page.getByRole('alert')).toContainText('Use an ordinary (not a private) window')
  await expect(page.getByRole('button', { name: 'Try again' })).toBeFocused()
  await expect(page.locator('#work')).toBeHidden()
  expect(errors).toEqual([])
})

test('a second tab is told in words that the store is open elsewhere, and opens it once it is free', async ({
  demo,
}) => {
  await drop(demo, [textFile('shared.txt', 'shared')])
  await expect(status(demo)).toHaveText('1 file stored.')
  const second = await demo.context().newPage()
  await second.goto(demoURL)
  await expect(second.getByRole('alert')).toContainText('The store is open in another tab or window.')
  await demo.close()
  await second.getByRole('button', { name: 'Try again' }).click()
  await ready(second)
  await expect(names(second)).toHaveText(['shared.txt'])
})

test('a name that is damaged on the disk does not lock anybody out: verifying finds it, repairing keeps the others', async ({
  demo,
}) => {
  await drop(demo, [textFile('a broken name.txt', 'one'), textFile('whole.txt', 'two')])
  await expect(status(demo)).toHaveText('2 files stored.')
  // The page that measures has no store open, so the files can be changed from there.
  await demo.goto(`${demoURL}bench.html`)
  expect(await demo.evaluate(damageName, 'a broken name.txt')).toBe(1)
  await demo.goto(demoURL)
  await ready(demo)
  await expect(demo.locator('#problems')).toBeVisible()
  await demo.getByRole('button', { name: 'Verify' }).click()
  await expect(status(demo)).toHaveText(/found wrong in .*: see Problems\. Repair keeps all that is good\.$/)
  await demo.getByRole('button', { name: 'Repair' }).click()
  await expect(status(demo)).toHaveText(/^Repaired: /)
  await expect(names(demo)).toHaveText(['whole.txt'])
  expect((await openAndRead(demo, 'whole.txt')).toString()).toBe('two')
})

test('the link in the footer leads to the README', async ({ demo }) => {
  const href = await demo.getByRole('link', { name: /README/ }).getAttribute('href')
  const answer = await demo.request.get(new URL(href ?? '', demoURL).href)
  expect(await answer.text()).toBe(readFileSync('README.md', 'utf8'))
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

/** Runs in a page of the origin: changes one byte of the name wherever it lies in the log; answers with how often it did. */
async function damageName(name: string): Promise<number> {
  // The page before may not be gone yet, and has the files as long as it has the store's lock.
  await navigator.locks.request('lodestore store demo', () => undefined)
  const root = await navigator.storage.getDirectory()
  const data = await (await (await root.getDirectoryHandle('lodestore')).getDirectoryHandle('demo')).getDirectoryHandle(
    'data',
  )
  let count = 0
  for await (const folder of data.values()) {
    if (folder.kind !== 'directory') continue
    for await (const file of folder.values()) {
      if (file.kind !== 'file') continue
      // One character a byte, so that places in the text are places in the file.
      const text = new TextDecoder('latin1').decode(await (await file.getFile()).arrayBuffer())
      const at = text.indexOf(name)
      if (at < 0) continue
      const writer = await file.createWritable({ keepExistingData: true })
      await writer.write({ type: 'write', position: at, data: 'A' })
      await writer.close()
      count += 1
    }
  }
  return count
}
