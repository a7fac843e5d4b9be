/**
 * Contents through a page, on OPFS, in real browsers: streams and Files in and out, parts of them, an ingest that goes on after a reload, answers to
 * requests, and Blobs that the browser reads from the disk.
 */
import { expect } from '@playwright/test'
import { openPage, test } from './api.js'

test('40 MiB go in as a stream and come out as one, with progress, and the source waits for the store', async ({
  app,
}) => {
  const found = await app.evaluate(async () => {
    const { large, sha256, openStore } = window
    const bytes = large(40 * 1024 * 1024)
    const name = await sha256(bytes)
    const store = await openStore('photos')
    let at = 0
    const source = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (at === bytes.length) return controller.close()
          controller.enqueue(bytes.subarray(at, at + 320 * 1024))
          at += 320 * 1024
        },
      },
      { highWaterMark: 0 },
    )
    const dones: number[] = []
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      dones.push(done)
      if (total !== Infinity) dones.push(-1)
    }
    // While a transaction has its turn nothing is written: the store takes what it can hold, and then the source waits.
    const tx = await store.begin()
    const putting = store.put(source, { expected: name, onProgress })
    for (let seen = -1; seen !== at || at === 0; ) {
      seen = at
      for (let i = 0; i < 100; i++) await store.has(name)
    }
    const waitsAt = at
    await tx.rollback()
    const key = await putting
    const isRising = dones.every((done, i) => done > (dones[i - 1] ?? 0))
    const out = await new Response(await store.stream(key)).arrayBuffer()
    return [
      key === name,
      dones.at(-1),
      isRising,
      (await sha256(new Uint8Array(out))) === name,
      waitsAt < 16 * 1024 * 1024,
    ]
  })
  expect(found).toEqual([true, 40 * 1024 * 1024, true, true, true])
})

test('a File goes in by reference, and parts of it come out', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { large, sha256, openStore } = window
    const bytes = large(9_000_000)
    const store = await openStore('photos')
    const key = await store.put(new File([bytes], 'film.mp4'))
    const parts: boolean[] = []
    for (const [offset, length] of [
      [0, 10],
      [3_999_990, 2_000_000],
      [8_999_999, 100],
    ] as const) {
      const part = await store.get(key, { offset, length })
      const wanted = bytes.slice(offset, offset + length)
      parts.push(part?.length === wanted.length && (await sha256(part)) === (await sha256(wanted)))
    }
    return [key === (await sha256(bytes)), parts, await window.failure(store.get(key, { offset: 9_000_001 }))]
  })
  expect(found).toEqual([true, [true, true, true], 'RANGE'])
})

test('a stream fills the buffers of its reader, and gives pieces to one that brings none', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { large, sha256, openStore } = window
    const bytes = large(9_000_000)
    const store = await openStore('photos')
    const key = await store.put(bytes)
    const whole = new Uint8Array(bytes.length)
    let at = 0
    const reader = (await store.stream(key))?.getReader({ mode: 'byob' })
    for (let buffer = new ArrayBuffer(300_007); reader; ) {
      const { done, value } = await reader.read(new Uint8Array(buffer))
      if (done) break
      whole.set(value, at)
      at += value.length
      buffer = value.buffer
    }
    const part = new Response(await store.stream(key, { offset: 1_000_001 }))
    return [
      at,
      (await sha256(whole)) === key,
      (await sha256(new Uint8Array(await part.arrayBuffer()))) === (await sha256(bytes.slice(1_000_001))),
    ]
  })
  expect(found).toEqual([9_000_000, true, true])
})

test('a put that is aborted in the middle, or has other bytes than expected, leaves nothing', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { large, openStore, failure } = window
    const store = await openStore('photos')
    const controller = new AbortController()
    let isTold = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (stream) => stream.enqueue(large(500_000)),
      cancel() {
        isTold = true
      },
    })
    const onProgress = ({ done }: { done: number }) => done > 10_000_000 && controller.abort()
    const aborted = await failure(store.put(endless, { signal: controller.signal, onProgress }))
    const expected = 'ab'.repeat(32)
    const other = await failure(store.put(new Blob([large(9_000_000)]).stream(), { expected }))
    const mine = await store
      .put(
        (async function* () {
          yield large(9_000_000)
          throw new RangeError('the camera is gone')
        })(),
      )
      .catch((error) => error.name)
    // What was aborted is taken away in the worker, in turn: this comes behind it.
    await store.flush()
    for (let i = 0; i < 100 && (await store.stats()).bytes > 0; i++) await store.flush()
    const { count, bytes } = await store.stats()
    return [aborted, isTold, other, mine, count, bytes, (await store.check()).clean]
  })
  expect(found).toEqual(['ABORTED', true, 'MISMATCH', 'RangeError', 0, 0, true])
})

test('an ingest goes on after the page was loaded again', async ({ app }) => {
  const size = 12_000_000
  const offset = await app.evaluate(async (size) => {
    const { large, sha256, openStore } = window
    const bytes = large(size)
    const store = await openStore('photos')
    const ingest = await store.ingest(await sha256(bytes), { size })
    for (let at = 0; at < 8_000_000; at += 500_000) await ingest.write(bytes.subarray(at, at + 500_000))
    return ingest.offset
  }, size)
  expect(offset).toBe(8_000_000)
  await openPage(app)
  const found = await app.evaluate(async (size) => {
    const { large, sha256, openStore } = window
    const bytes = large(size)
    const name = await sha256(bytes)
    const store = await openStore('photos')
    const ingest = await store.ingest(name, { size })
    const { offset } = ingest
    const seen = await store.has(name)
    await ingest.write(bytes.subarray(offset))
    const key = await ingest.finish()
    const stored = await store.get(key)
    return [offset > 2_000_000 && offset <= 8_000_000, seen, key === name, stored && (await sha256(stored)) === name]
  }, size)
  expect(found).toEqual([true, false, true, true])
})

test('a response answers a range, also after the page was loaded again', async ({ app }) => {
  const key = await app.evaluate(async () => {
    const store = await window.openStore('photos')
    return store.put(new Blob([window.large(9_000_000)]).stream())
  })
  await openPage(app)
  const found = await app.evaluate(async (key) => {
    const { large, sha256, openStore } = window
    const store = await openStore('photos')
    const request = new Request('/film.mp4', { headers: { Range: 'bytes=4000000-7999999' } })
    const response = await store.response(key, request, { type: 'video/mp4' })
    const { status, headers } = response
    const body = new Uint8Array(await response.arrayBuffer())
    const names = ['Content-Range', 'Content-Length', 'Content-Type', 'ETag']
    const same = (await sha256(body)) === (await sha256(large(9_000_000).slice(4_000_000, 8_000_000)))
    return [status, names.map((name) => headers.get(name)), same]
  }, key)
  const headers = ['bytes 4000000-7999999/9000000', '4000000', 'video/mp4', `"${key}"`]
  expect(found).toEqual([206, headers, true])
})

test('a Blob of a small content, of one in the file being written and of a large one has its bytes and type', async ({
  app,
}) => {
  const found = await app.evaluate(async () => {
    const { large, sha256, openStore } = window
    const store = await openStore('photos', { maxSegmentSize: 2_000_000 })
    const film = large(9_000_000)
    const contents = [large(10), large(100_000), film]
    const keys: string[] = []
    for (const bytes of [film, large(100_000), large(10)]) keys.unshift(await store.put(bytes))
    const results: unknown[] = []
    for (const [i, key] of keys.entries()) {
      for (const verify of [false, true]) {
        const blob = await store.blob(key, { type: 'video/mp4', verify })
        const read = blob && new Uint8Array(await blob.arrayBuffer())
        const same = read && (await sha256(read)) === (await sha256(contents[i] as Uint8Array<ArrayBuffer>))
        const url = URL.createObjectURL(blob as Blob)
        const part = await (await fetch(url)).blob()
        results.push([blob?.size, blob?.type, same, part.size])
      }
    }
    return [results, await store.blob('ab'.repeat(32))]
  })
  const each = (size: number) => [size, 'video/mp4', true, size]
  const sizes = [10, 10, 100_000, 100_000, 9_000_000, 9_000_000]
  expect(found).toEqual([sizes.map(each), undefined])
})

test('a Blob stays readable while the store is appended to, its content deleted and the store compacted, and ends with the store', async ({
  app,
}) => {
  const found = await app.evaluate(async () => {
    const { large, sha256, openStore } = window
    const store = await openStore('photos', { maxSegmentSize: 1_000_000 })
    const bytes = large(9_000_000)
    const name = await store.put(bytes)
    const blob = (await store.blob(name, { type: 'image/svg+xml' })) as Blob
    const url = URL.createObjectURL(blob)
    const read = async (source: Blob | Response) => {
      const bytes = new Uint8Array(await source.arrayBuffer())
      return (await sha256(bytes)) === name
    }
    const readable: boolean[] = []
    const look = async () => readable.push(await read(blob), await read(await fetch(url)))
    await look()
    const fill = async (from: number) => {
      for (let i = from; i < from + 30; i++) await store.put(large(100_000).fill(i, 0, 1000))
    }
    await fill(0)
    await look()
    await store.delete(name)
    await store.compact({ threshold: 0 })
    await fill(100)
    await store.compact({ threshold: 0 })
    await look()
    const clean = (await store.check()).clean
    const filesNow = await files()
    await store.close()
    const filesThen = await files()
    const after = await blob.arrayBuffer().then(
      () => 'read',
      () => 'failed',
    )
    return [readable, clean, filesNow - filesThen > 3, after]

    async function files(): Promise<number> {
      const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('lodestore')
      const data = await (await root.getDirectoryHandle('photos')).getDirectoryHandle('data')
      let count = 0
      for await (const _ of (await data.getDirectoryHandle('0')).keys()) count++
      return count
    }
  })
  expect(found).toEqual([[true, true, true, true, true, true], true, true, 'failed'])
})

test('an image shows a content by the URL of its Blob', async ({ app }) => {
  const size = await app.evaluate(async () => {
    const store = await window.openStore('photos', { maxSegmentSize: 100_000 })
    const canvas = new OffscreenCanvas(200, 100)
    const context = canvas.getContext('2d') as OffscreenCanvasRenderingContext2D
    const noise = context.createImageData(200, 100)
    noise.data.set(window.large(80_000))
    context.putImageData(noise, 0, 0)
    const key = await store.put(await canvas.convertToBlob({ type: 'image/png' }))
    // Closes the file that the picture stands in.
    for (let i = 0; i < 3; i++) await store.put(window.large(90_000 + i))
    const image = new Image()
    image.src = URL.createObjectURL((await store.blob(key, { type: 'image/png' })) as Blob)
    await image.decode()
    return [image.naturalWidth, image.naturalHeight]
  })
  expect(size).toEqual([200, 100])
})

test('a Blob of a damaged content is CORRUPT when it is to be verified', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { large, openStore, failure } = window
    const options = { maxSegmentSize: 200_000 }
    let store = await openStore('photos', options)
    const key = await store.put(large(300_000))
    await store.put('the next file')
    await store.close()
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('lodestore')
    const data = await (await root.getDirectoryHandle('photos')).getDirectoryHandle('data')
    const segment = await (await data.getDirectoryHandle('0')).getFileHandle('0')
    const file = await segment.createWritable({ keepExistingData: true })
    store = await openStore('photos', options)
    await file.write({ type: 'write', position: 150_000, data: new Uint8Array([1, 2, 3]) })
    await file.close()
    const unread = await store.blob(key)
    return [unread?.size, await failure(store.blob(key, { verify: true })), await failure(store.blob(key))]
  })
  expect(found).toEqual([300_000, 'CORRUPT', 'CORRUPT'])
})
