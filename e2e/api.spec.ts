/**
 * The public API through a page, on OPFS, in real browsers: what is stored survives a reload, stores are apart, tabs take turns, a worker's
 * death is noticed, and listing and deleting tell the truth. Every test has an origin's storage of its own (a browser context).
 */
import { test as base, expect, type Page } from '@playwright/test'
import { pagesURL } from './servers.js'

const test = base.extend<{ app: Page }>({
  app: async ({ page }, use) => {
    await openPage(page)
    await use(page)
  },
})

async function openPage(page: Page): Promise<Page> {
  await page.goto(`${pagesURL}/api.html`)
  await page.waitForFunction(() => window.lodestore !== undefined)
  return page
}

test('what is stored is there after a reload, byte for byte', async ({ app }) => {
  const keys = await app.evaluate(async () => {
    const store = await window.lodestore.openStore('photos')
    const large = new Uint8Array(3_000_000).map((_, i) => (i * 7) ^ (i >> 8))
    return store.putMany(['hello', large, new Blob(['a blob']), new Uint8Array(0)])
  })
  await openPage(app)
  const found = await app.evaluate(async (keys) => {
    const store = await window.lodestore.openStore('photos')
    const values = await store.getMany(keys)
    const text = (i: number) => new TextDecoder().decode(values[i])
    const good = values[1]?.every((byte, i) => byte === (((i * 7) ^ (i >> 8)) & 255))
    return [store.recovery.created, text(0), good, values[1]?.length, text(2), text(3)]
  }, keys)
  expect(found).toEqual([false, 'hello', true, 3_000_000, 'a blob', ''])
})

test('two stores at once are apart', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore } = window.lodestore
    const [one, two] = await Promise.all([openStore('one'), openStore('two')])
    const [key] = await Promise.all([one.put('of one'), two.put('of two')])
    return [one.id !== two.id, await one.has(key), await two.has(key), (await two.stats()).count]
  })
  expect(found).toEqual([true, true, false, 1])
})

test('the second to open a store waits, is LOCKED after three seconds, and gets it when the first has closed', async ({
  app,
  context,
}) => {
  await app.evaluate(async () => {
    const store = await window.lodestore.openStore('photos')
    await store.put('of the first')
    Object.assign(window, { store })
  })
  const other = await openPage(await context.newPage())
  const [code, waited] = await other.evaluate(async () => {
    const start = performance.now()
    return [await window.failure(window.lodestore.openStore('photos')), performance.now() - start] as const
  })
  expect(code).toBe('LOCKED')
  expect(waited).toBeGreaterThan(2900)

  const opening = other.evaluate(async () => {
    const store = await window.lodestore.openStore('photos')
    return (await store.stats()).count
  })
  await app.waitForTimeout(300)
  await app.evaluate(() => (window as unknown as { store: { close(): Promise<void> } }).store.close())
  expect(await opening).toBe(1)
})

test('a store is free as soon as the tab that had it open is closed', async ({ app, context }) => {
  const other = await openPage(await context.newPage())
  await other.evaluate(async () => {
    const store = await window.lodestore.openStore('photos')
    await store.put('x')
    void store.putMany(Array.from({ length: 1000 }, (_, i) => `${i}`.repeat(1000)))
  })
  await other.close()
  expect(await app.evaluate(async () => (await window.lodestore.openStore('photos')).has('ab'.repeat(32)))).toBe(false)
})

test('waiting for a store ends with its signal', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore } = window.lodestore
    await openStore('photos')
    const controller = new AbortController()
    setTimeout(() => controller.abort('enough'), 200)
    const error = await openStore('photos', { signal: controller.signal }).catch((error) => error)
    return [error.code, error.name, error.cause]
  })
  // Without the signal it would have been LOCKED.
  expect(found).toEqual(['ABORTED', 'AbortError', 'enough'])
})

test('closing and opening again, ten times in a row', async ({ app }) => {
  const count = await app.evaluate(async () => {
    for (let i = 0; i < 10; i++) {
      const store = await window.lodestore.openStore('photos')
      await store.put(`${i}`)
      await store.close()
    }
    const store = await window.lodestore.openStore('photos')
    return (await store.stats()).count
  })
  expect(count).toBe(10)
})

test('a worker that is ended without a word rejects what is pending, and the store opens again', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore } = window.lodestore
    const store = await openStore('photos', { worker: window.makeWorker })
    const key = await store.put('before')
    // Never answered: another transaction is open.
    const tx = await store.begin()
    const waiting = [store.begin(), store.put('waiting')]
    await new Promise((resolve) => setTimeout(resolve, 50))
    window.madeWorker?.terminate()
    const codes = await Promise.all([...waiting, store.get(key), tx.put('x')].map((each) => window.failure(each)))
    await store.close()
    const again = await openStore('photos')
    return [codes, await window.failure(store.get(key)), await again.has(key), (await again.stats()).count]
  })
  expect(found).toEqual([Array(4).fill('WORKER_DIED'), 'WORKER_DIED', true, 1])
})

test('a worker that ends while the store is being opened is noticed too', async ({ app }) => {
  const code = await app.evaluate(async () => {
    const { openStore } = window.lodestore
    await openStore('photos')
    const opening = window.failure(openStore('photos', { worker: window.makeWorker }))
    setTimeout(() => window.madeWorker?.terminate(), 1000)
    return opening
  })
  expect(code).toBe('WORKER_DIED')
})

test('a worker whose script cannot be loaded is WORKER_DIED', async ({ app }) => {
  const code = await app.evaluate(() => {
    const worker = () => new Worker('/e2e/pages/there-is-none.js', { type: 'module' })
    return window.failure(window.lodestore.openStore('photos', { worker }))
  })
  expect(code).toBe('WORKER_DIED')
})

for (const [what, change, reason] of [
  [
    'a private window',
    'StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException("not here", "SecurityError"))',
    'SecurityError',
  ],
  ['no private file system', 'delete StorageManager.prototype.getDirectory', 'TypeError'],
  ['no synchronous access', 'delete FileSystemFileHandle.prototype.createSyncAccessHandle', 'synchronous'],
] as const) {
  test(`${what} is UNSUPPORTED, and says why; a store in memory works all the same`, async ({ app }) => {
    const found = await app.evaluate(async (change) => {
      const { openStore } = window.lodestore
      const imports = [
        `data:text/javascript,${encodeURIComponent(change)}`,
        new URL('/dist/worker/worker.js', location.href),
      ].map((url) => `import ${JSON.stringify(url)}`)
      const script = URL.createObjectURL(new Blob([imports.join('\n')], { type: 'text/javascript' }))
      const worker = () => new Worker(script, { type: 'module' })
      const error = await openStore('photos', { worker }).catch((error) => error)
      const store = await openStore('photos', { worker, storage: 'memory' })
      return [error.code, error.message, await store.has(await store.put('x'))]
    }, change)
    expect(found).toEqual(['UNSUPPORTED', expect.stringContaining(reason), true])
  })
}

test('a store that is not there is NOT_FOUND unless it may be made, and nothing is left of the question', async ({
  app,
}) => {
  const found = await app.evaluate(async () => {
    const { openStore, deleteStore } = window.lodestore
    const codes = [
      await window.failure(openStore('none', { create: false })),
      await window.failure(deleteStore('none')),
      await window.failure(openStore('a/b')),
    ]
    const root = await navigator.storage.getDirectory()
    const names: string[] = []
    for await (const name of root.keys()) names.push(name)
    return [...codes, names]
  })
  expect(found).toEqual(['NOT_FOUND', 'NOT_FOUND', 'BAD_NAME', []])
})

test('a listing says of each store its name, id, age and size, also when IndexedDB has forgotten or is broken', async ({
  app,
}) => {
  const found = await app.evaluate(async () => {
    const { openStore, listStores } = window.lodestore
    const start = Date.now() - 1000
    const empty = await listStores()
    const [b, a] = await Promise.all([openStore('b'), openStore('a')])
    await a.put(new Uint8Array(100_000))
    const listed = await listStores()
    // What is to be found, whatever the hints say.
    const right = (stores: typeof listed) =>
      stores.map(({ name, id, created, bytes }) => [
        name,
        id === (name === 'a' ? a : b).id,
        Number(created) >= start && Number(created) <= Date.now(),
        bytes > (name === 'a' ? 100_000 : 0),
      ])
    // A hint on another store of that name, and one on none.
    const open = indexedDB.open('lodestore')
    await new Promise((resolve) => Object.assign(open, { onsuccess: resolve }))
    const hints = new Map(['a', 'b', 'gone'].map((name) => [name, { id: 'wrong', created: 1 }]))
    const write = (value: unknown) => {
      const tx = open.result.transaction('hints', 'readwrite')
      tx.objectStore('hints').put(value, 'stores')
      return new Promise((resolve) => Object.assign(tx, { oncomplete: resolve }))
    }
    await write(hints)
    const second = await listStores()
    await write('nonsense')
    const third = await listStores()
    const read = open.result.transaction('hints').objectStore('hints').get('stores')
    await new Promise((resolve) => Object.assign(read, { onsuccess: resolve }))
    // Kept by the hint alone: nothing else knows it.
    const known: Map<string, { created: number }> = read.result
    await write(known.set('a', { ...known.get('a'), created: 86_400_000 }))
    const fourth = await listStores()
    return {
      listings: [empty, right(listed), right(second), right(third)],
      known: [...known.keys()],
      believed: fourth[0]?.created?.getTime(),
    }
  })
  const right = [
    ['a', true, true, true],
    ['b', true, true, true],
  ]
  expect(found).toEqual({ listings: [[], right, right, right], known: ['a', 'b'], believed: 86_400_000 })
})

test('where IndexedDB throws, stores are opened, listed and deleted all the same', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore, listStores, deleteStore } = window.lodestore
    const refuse = () => {
      throw new DOMException('no', 'SecurityError')
    }
    Object.defineProperty(window, 'indexedDB', { get: refuse })
    const store = await openStore('photos')
    const [listed] = await listStores()
    await store.close()
    await deleteStore('photos')
    return [listed?.id === store.id, listed?.created instanceof Date, await listStores()]
  })
  expect(found).toEqual([true, true, []])
})

test('foreign files and directories beside the stores are not listed', async ({ app }) => {
  const names = await app.evaluate(async () => {
    const store = await window.lodestore.openStore('photos')
    await store.close()
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('lodestore')
    await root.getDirectoryHandle('empty', { create: true })
    await root.getDirectoryHandle('a b', { create: true })
    await root.getFileHandle('file', { create: true })
    return (await window.lodestore.listStores()).map(({ name }) => name)
  })
  expect(names).toEqual(['photos'])
})

test('deleting an open store is LOCKED and does no harm; a closed one leaves nothing behind', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore, deleteStore, listStores } = window.lodestore
    const store = await openStore('photos')
    const key = await store.put(new Uint8Array(50_000))
    const locked = await window.failure(deleteStore('photos'))
    const unharmed = (await store.get(key))?.length
    await store.close()
    const again = await openStore('photos', { create: false })
    const damaged = again.recovery.damaged
    const still = await again.has(key)
    await again.close()
    await deleteStore('photos')
    const root = await (await navigator.storage.getDirectory()).getDirectoryHandle('lodestore')
    const left: string[] = []
    for await (const name of root.keys()) left.push(name)
    const gone = await window.failure(deleteStore('photos'))
    const anew = await openStore('photos')
    return {
      locked,
      unharmed,
      damaged,
      still,
      left,
      gone,
      anew: [anew.recovery.created, anew.id !== store.id],
      list: (await listStores()).length,
    }
  })
  expect(found).toEqual({
    locked: 'LOCKED',
    unharmed: 50_000,
    damaged: [],
    still: true,
    left: [],
    gone: 'NOT_FOUND',
    anew: [true, true],
    list: 1,
  })
})

test('a store that an engine of somebody else has open is LOCKED, for opening and for deleting', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore, deleteStore } = window.lodestore
    await (await openStore('photos')).close()
    const script = `
      import { openEngine, opfsStorage } from ${JSON.stringify(new URL('/dist/engine.js', location.href))}
      const root = await navigator.storage.getDirectory()
      const directory = await (await root.getDirectoryHandle('lodestore')).getDirectoryHandle('photos')
      globalThis.engine = await openEngine(opfsStorage(directory))
      postMessage('open')
    `
    const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), { type: 'module' })
    await new Promise((resolve) => Object.assign(worker, { onmessage: resolve }))
    const codes = [await window.failure(openStore('photos')), await window.failure(deleteStore('photos'))]
    worker.terminate()
    const store = await openStore('photos', { create: false })
    return [...codes, store.recovery.damaged]
  })
  expect(found).toEqual(['LOCKED', 'LOCKED', []])
})

test('memory that cannot be handed over fails its own call only', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const store = await window.lodestore.openStore('photos')
    const memory = new WebAssembly.Memory({ initial: 1 })
    const beside = store.put('beside')
    const refused = await window.failure(store.put(memory.buffer, { transfer: true }))
    return [
      refused !== 'resolved',
      (await beside).length,
      memory.buffer.byteLength,
      (await store.put(memory.buffer)).length,
    ]
  })
  expect(found).toEqual([true, 64, 65536, 64])
})

test('a store in memory leaves no trace', async ({ app }) => {
  const found = await app.evaluate(async () => {
    const { openStore, listStores } = window.lodestore
    const store = await openStore('photos', { storage: 'memory' })
    const key = await store.put('x')
    const other = await openStore('photos', { storage: 'memory' })
    return [await store.has(key), await other.has(key), await listStores()]
  })
  expect(found).toEqual([true, false, []])
})

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
