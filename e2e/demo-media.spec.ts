/**
 * The demo with what does not fit into a line of text: sound that is played and searched through the service worker, pictures with thumbnails, large
 * files with progress and cancel, archives out and in.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Locator, Page } from '@playwright/test'
import {
  confirmDelete,
  drop,
  dropSized,
  expect,
  inOwnBrowser,
  names,
  openAndRead,
  openDemo,
  PICTURE,
  ready,
  row,
  status,
  type TestFile,
  test,
  textFile,
  watchErrors,
} from './demo.js'
import { demoURL } from './servers.js'

const SONG = { ...sound(30), name: 'song.wav' }
const SONG_KEY = createHash('sha256').update(SONG.bytes).digest('hex')
/** Ten seconds red, ten seconds blue, without sound; fixtures/README.md says how it was made. */
const FILM = {
  name: 'film.webm',
  type: 'video/webm',
  bytes: readFileSync(new URL('fixtures/red-then-blue.webm', import.meta.url)),
}
const SONG_URL = `blob/${SONG_KEY}?name=song.wav`

test('sound is played through the service worker, which answers a jump to its end with the part from there', async ({
  demo,
}) => {
  await storeServed(demo, SONG)
  await openInPlayer(demo, SONG.name)
  expect(await seek(demo.locator('#player audio'), 29)).toEqual({ duration: 30, time: 29, url: demoURL + SONG_URL })
  await rangesOnly(demo)
  await demo.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
  await expect(demo.locator('#player audio')).toHaveCount(0)
  await expect(row(demo, SONG.name)).toBeVisible()
})

test('sound that finds no loudspeaker, as Firefox says it, is played without sound from where it was', async ({
  demo,
}) => {
  await storeServed(demo, SONG)
  await openInPlayer(demo, SONG.name)
  const audio = demo.locator('#player audio')
  await seek(audio, 20)
  await audio.evaluate((element: HTMLAudioElement) => {
    // Where there really is none, Firefox may have said so already.
    element.muted = false
    const error = { code: MediaError.MEDIA_ERR_DECODE, message: 'OnMediaSinkAudioError' }
    Object.defineProperty(element, 'error', { value: error, configurable: true })
    element.dispatchEvent(new Event('error'))
    Reflect.deleteProperty(element, 'error')
  })
  await expect(demo.getByRole('dialog')).toContainText('The browser finds no loudspeaker: it plays without sound.')
  await expect.poll(() => audio.evaluate((element: HTMLAudioElement) => element.readyState)).toBeGreaterThan(1)
  const found = await audio.evaluate(({ muted, currentTime }: HTMLAudioElement) => ({ muted, place: currentTime }))
  expect(found.muted).toBe(true)
  expect(found.place).toBeGreaterThanOrEqual(20)
  expect(await seek(audio, 5)).toMatchObject({ time: 5 })
})

test('a film is played through the service worker, and shows at each place what belongs there', async ({ demo }) => {
  await storeServed(demo, FILM)
  await openInPlayer(demo, FILM.name)
  const video = demo.locator('#player video')
  const url = `${demoURL}blob/${createHash('sha256').update(FILM.bytes).digest('hex')}?name=${FILM.name}`
  for (const { time, color } of [
    { time: 15, color: 'blue' },
    { time: 5, color: 'red' },
    { time: 19, color: 'blue' },
  ]) {
    expect(await seek(video, time)).toEqual({ duration: 20, time, url })
    expect(await video.evaluate(colorOf), `at ${time} s`).toBe(color)
  }
  await rangesOnly(demo)
})

/** Stores the file and waits until the service worker serves it; what it asks the page for is noted from then on. */
async function storeServed(demo: Page, file: TestFile): Promise<void> {
  await drop(demo, [file])
  await expect(status(demo)).toHaveText('1 file stored.')
  await served(demo)
  await demo.evaluate(() => {
    const asked: string[] = []
    Object.assign(window, { asked })
    navigator.serviceWorker.addEventListener('message', ({ data }) => {
      asked.push(new Map<string, string>(data.headers).get('range') ?? 'no range')
    })
  })
}

async function openInPlayer(demo: Page, name: string): Promise<void> {
  await row(demo, name)
    .getByRole('button', { name: `${name}: open` })
    .click()
  await expect(demo.getByRole('dialog', { name })).toBeVisible()
}

/** Stops where it plays and jumps to `time`, in seconds; answers when the browser is there. */
async function seek(media: Locator, time: number): Promise<{ duration: number; time: number; url: string }> {
  return await media.evaluate(async (media: HTMLMediaElement, time) => {
    // It may be opened again meanwhile, without sound: then the jump is made again, at the new beginning.
    await new Promise<void>((resolve) => {
      const jump = () => {
        media.pause()
        media.currentTime = time
      }
      media.addEventListener('loadedmetadata', jump)
      media.addEventListener('seeked', () => {
        if (media.currentTime !== time) return
        media.removeEventListener('loadedmetadata', jump)
        resolve()
      })
      if (media.readyState >= HTMLMediaElement.HAVE_METADATA) jump()
    })
    return { duration: Math.round(media.duration * 10) / 10, time: media.currentTime, url: media.currentSrc }
  }, time)
}

/** The service worker was asked for parts and nothing else. */
async function rangesOnly(demo: Page): Promise<void> {
  const asked = await demo.evaluate(() => (window as unknown as { asked: string[] }).asked)
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.filter((range) => !/^bytes=\d+-\d*$/.test(range))).toEqual([])
}

/** Runs in the page: the colour in the middle of the picture that a film shows. */
function colorOf(video: HTMLVideoElement): 'red' | 'blue' | 'another' {
  const canvas = new OffscreenCanvas(1, 1)
  const context = canvas.getContext('2d')
  context?.drawImage(video, 0, 0, 1, 1)
  const [red = 0, green = 0, blue = 0] = context?.getImageData(0, 0, 1, 1).data ?? []
  if (red > 200 && green < 60 && blue < 60) return 'red'
  return blue > 200 && red < 60 && green < 60 ? 'blue' : 'another'
}

for (const { name, range, status: expected, from, to } of [
  { name: 'the whole', range: undefined, status: 200, from: 0, to: SONG.bytes.length },
  { name: 'a part in the middle', range: 'bytes=1000000-1000999', status: 206, from: 1_000_000, to: 1_001_000 },
  { name: 'its end', range: 'bytes=-44', status: 206, from: SONG.bytes.length - 44, to: SONG.bytes.length },
  { name: 'nothing behind its end', range: 'bytes=99999999-', status: 416, from: 0, to: 0 },
]) {
  // Not the `demo` of other tests: a browser may put an answer of 416 into the console.
  test(`the service worker gives ${name} of a content, byte for byte`, async ({ page }) => {
    await openDemo(page)
    await drop(page, [SONG])
    await expect(status(page)).toHaveText('1 file stored.')
    await served(page)
    const found = await page.evaluate(fetchAndHash, { url: SONG_URL, range })
    const part = SONG.bytes.subarray(from, to)
    expect(found).toEqual({
      status: expected,
      type: expected === 416 ? null : 'audio/wav',
      hash: createHash('sha256').update(part).digest('hex'),
    })
  })
}

test('what could run is served as bytes only, and what is not there is 404', async ({ page }) => {
  const evil = { name: 'evil.html', type: 'text/html', bytes: Buffer.from('<script>parent.ran = true</script>') }
  await openDemo(page)
  await drop(page, [evil])
  await expect(status(page)).toHaveText('1 file stored.')
  await served(page)
  const key = createHash('sha256').update(evil.bytes).digest('hex')
  const typeOf = (url: string) => page.evaluate(fetchAndHash, { url, range: undefined }).then(({ type }) => type)
  expect(await typeOf(`blob/${key}?name=evil.html`)).toBe('text/plain;charset=utf-8')
  expect(await typeOf(`blob/${key}?name=other.png`)).toBe('application/octet-stream')
  const guessed = await page.evaluate(async (url) => {
    return (await fetch(url)).headers.get('x-content-type-options')
  }, `blob/${key}?name=evil.html`)
  expect(guessed).toBe('nosniff')
  const absent = await page.evaluate(fetchAndHash, { url: `blob/${'0f'.repeat(32)}`, range: undefined })
  expect(absent.status).toBe(404)
})

test('when no page has the store open, the service worker says so with 503', async ({ demo }) => {
  await drop(demo, [textFile('words.txt', 'words')])
  await expect(status(demo)).toHaveText('1 file stored.')
  await served(demo)
  const url = `${demoURL}blob/${createHash('sha256').update('words').digest('hex')}?name=words.txt`
  // A tab with what the service worker serves is no page that could have the store.
  const other = await demo.context().newPage()
  await other.goto(url)
  await expect(other.getByText('words')).toBeVisible()
  await demo.close()
  const answer = await other.evaluate(async (url) => {
    const response = await fetch(url)
    return { status: response.status, text: await response.text() }
  }, url)
  expect(answer).toEqual({ status: 503, text: 'No page has the store open: open it and try again.' })
})

test('without a service worker sound is played all the same, from a Blob', async ({ page }) => {
  const errors = watchErrors(page)
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'serviceWorker'))
  await page.goto(demoURL)
  await ready(page)
  await drop(page, [SONG])
  await row(page, SONG.name).getByRole('button', { name: 'song.wav: open' }).click()
  const audio = page.locator('#player audio')
  await expect(audio).toHaveAttribute('src', /^blob:/)
  await expect.poll(() => audio.evaluate((element: HTMLAudioElement) => element.duration)).toBeCloseTo(30, 1)
  expect(errors).toEqual([])
})

test('what is called a sound and is none says that it cannot be played', async ({ demo }) => {
  await drop(demo, [{ name: 'noise.wav', type: 'audio/wav', bytes: Buffer.from('this is a text') }])
  await expect(status(demo)).toHaveText('1 file stored.')
  await row(demo, 'noise.wav').getByRole('button', { name: 'noise.wav: open' }).click()
  await expect(demo.getByRole('dialog')).toContainText('This browser cannot play it.')
})

test('a picture has a thumbnail in the list, what is no picture its ending; a broken one does no harm', async ({
  demo,
}) => {
  const broken = { name: 'broken.jpg', type: 'image/jpeg', bytes: Buffer.from('no picture') }
  await drop(demo, [PICTURE, broken, textFile('words.txt', 'words')])
  await expect(status(demo)).toHaveText('3 files stored.')
  const thumbnail = row(demo, PICTURE.name).locator('img')
  await expect(thumbnail).toBeVisible()
  await expect.poll(() => thumbnail.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(72)
  await expect(row(demo, 'broken.jpg').locator('img')).toBeHidden()
  const ending = row(demo, 'words.txt').locator('.thumbnail')
  await expect(ending).toHaveAttribute('data-ending', 'txt')
  await expect(row(demo, 'words.txt').locator('img')).toBeHidden()
})

test('a large file shows how far it is; cancelled, nothing of it is kept, and it can be added again', async ({
  demo,
}) => {
  await demo.evaluate(() => {
    const bar = document.getElementById('task-bar') as HTMLProgressElement
    const observer = new MutationObserver(() => {
      if (!(bar.value > 0.05)) return
      observer.disconnect()
      document.getElementById('task-cancel')?.click()
    })
    observer.observe(bar, { attributes: true })
  })
  await dropSized(demo, { 'huge.iso': 400_000_000 })
  await expect(status(demo)).toHaveText('Stopped. Nothing new stored.')
  await expect(demo.locator('#list-count')).toHaveText('0')
  await expect(demo.locator('#blob-count')).toHaveText('0')
  // What had come of it is taken away after that, and the figures follow: less than the smallest chunk is left, a tombstone for
  // each of as many chunks as had come.
  await expect(demo.locator('#live-bytes')).toHaveText(/^(\d+ B|\d{1,2}(\.\d+)? kB)$/)
  await dropSized(demo, { 'huge.iso': 50_000_000 })
  await expect(status(demo)).toHaveText('1 file stored.')
  await expect(names(demo)).toHaveText(['huge.iso'])
})

test('an archive of everything goes out as a download and comes in again elsewhere, names and bytes', async ({
  browserName,
}, testInfo) => {
  const downloadsPath = testInfo.outputPath('downloads')
  const text = textFile('letters/grüße.txt', 'Grüße')
  let archive = ''
  await inOwnBrowser(browserName, { downloadsPath }, async (page) => {
    // The dialog for files cannot be answered by a test.
    await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
    await drop(page, [text, SONG])
    await expect(status(page)).toHaveText('2 files stored.')
    const downloading = browserName === 'chromium' ? page.waitForEvent('download') : undefined
    await page.getByRole('button', { name: 'Export' }).click()
    await expect(status(page)).toHaveText(/^Everything is in the archive\. .*\.tar was handed to the browser/)
    const name = /lodestore-demo-\S+\.tar/.exec((await status(page).textContent()) ?? '')?.[0] ?? ''
    archive = testInfo.outputPath('archive.tar')
    if (downloading) await (await downloading).saveAs(archive)
    else archive = `${downloadsPath}/${name}`
    // The page has its store back.
    await expect(names(page)).toHaveText(['letters/grüße.txt', 'song.wav'])
  })
  await expect.poll(() => sizeOf(archive)).toBeGreaterThan(SONG.bytes.length)
  await inOwnBrowser(browserName, {}, async (page) => {
    await drop(page, [textFile('mine.txt', 'mine')])
    await expect(status(page)).toHaveText('1 file stored.')
    await page.locator('#archive-input').setInputFiles(archive)
    await expect(status(page)).toHaveText(/^2 names and 2 contents \(.* MB\) taken in\.$/)
    await expect(names(page)).toHaveText(['letters/grüße.txt', 'mine.txt', 'song.wav'])
    await expect(row(page, 'song.wav')).toContainText(SONG_KEY.slice(0, 8))
    expect(await openAndRead(page, 'letters/grüße.txt')).toEqual(text.bytes)
    await page.reload()
    await ready(page)
    await expect(status(page)).toHaveText('The store is open: 3 files, all still here.')
    await page.getByRole('button', { name: 'Verify' }).click()
    await expect(status(page)).toHaveText(/^All is well/)
  })
})

test('an archive goes into the file that was chosen; cancelled, it is not there, and the store is', async ({
  demo,
}) => {
  await drop(demo, [SONG])
  await expect(status(demo)).toHaveText('1 file stored.')
  // The dialog, answered with a file in a place that a test can read.
  await demo.evaluate(() => {
    let isFirst = true
    const showSaveFilePicker = async () => {
      const file = await (await navigator.storage.getDirectory()).getFileHandle('chosen.tar', { create: true })
      // Cancelled before the first byte goes there.
      const createWritable = () => {
        document.getElementById('task-cancel')?.click()
        return FileSystemFileHandle.prototype.createWritable.call(file)
      }
      if (isFirst) Object.assign(file, { createWritable })
      isFirst = false
      return file
    }
    Object.assign(window, { showSaveFilePicker })
  })
  const chosenBytes = () =>
    demo.evaluate(async () => {
      const file = await (await navigator.storage.getDirectory()).getFileHandle('chosen.tar')
      return (await file.getFile()).size
    })
  await demo.getByRole('button', { name: 'Export' }).click()
  await expect(status(demo)).toHaveText('Stopped. There is no archive.')
  expect(await chosenBytes()).toBe(0)
  await expect(names(demo)).toHaveText(['song.wav'])
  await demo.getByRole('button', { name: 'Export' }).click()
  await expect(status(demo)).toHaveText('Everything is in the archive. It is in chosen.tar.')
  expect(await chosenBytes()).toBeGreaterThan(SONG.bytes.length)
})

test('what is no archive is refused in words, and leaves everything as it was', async ({ demo }) => {
  await drop(demo, [textFile('mine.txt', 'mine')])
  await expect(status(demo)).toHaveText('1 file stored.')
  const files = { name: 'photo.tar', mimeType: 'application/x-tar', buffer: Buffer.alloc(20_000, 7) }
  await demo.locator('#archive-input').setInputFiles(files)
  await expect(status(demo)).toHaveText(
    /^It could not be taken in: this is no whole tar archive .* nothing was changed\. Choose a \.tar file that Export has made\.$/,
  )
  await expect(names(demo)).toHaveText(['mine.txt'])
  await row(demo, 'mine.txt').getByRole('button', { name: 'Delete mine.txt' }).click()
  await confirmDelete(demo)
  await expect(status(demo)).toHaveText('Deleted mine.txt. Collect gives the space back.')
})

/** Waits until the service worker has the page in its care. */
async function served(page: Page): Promise<void> {
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
}

/** Runs in the page. */
async function fetchAndHash({ url, range }: { url: string; range: string | undefined }) {
  const response = await fetch(url, range === undefined ? {} : { headers: { Range: range } })
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()))
  const hash = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return { status: response.status, type: response.headers.get('content-type'), hash }
}

function sizeOf(path: string): number {
  try {
    return readFileSync(path).length
  } catch {
    return 0
  }
}

/** A tone of so many seconds, as WAV: every browser plays that. */
function sound(seconds: number): Omit<TestFile, 'name'> {
  const [rate, channels, sampleBytes] = [44_100, 2, 2]
  const dataBytes = seconds * rate * channels * sampleBytes
  const bytes = Buffer.alloc(44 + dataBytes)
  bytes.write('RIFF', 0)
  bytes.writeUInt32LE(36 + dataBytes, 4)
  bytes.write('WAVEfmt ', 8)
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(channels, 22)
  bytes.writeUInt32LE(rate, 24)
  bytes.writeUInt32LE(rate * channels * sampleBytes, 28)
  bytes.writeUInt16LE(channels * sampleBytes, 32)
  bytes.writeUInt16LE(8 * sampleBytes, 34)
  bytes.write('data', 36)
  bytes.writeUInt32LE(dataBytes, 40)
  for (let at = 44; at < bytes.length; at += channels * sampleBytes) {
    const value = Math.round(8000 * Math.sin(at / 160))
    bytes.writeInt16LE(value, at)
    bytes.writeInt16LE(value, at + sampleBytes)
  }
  return { type: 'audio/wav', bytes }
}
