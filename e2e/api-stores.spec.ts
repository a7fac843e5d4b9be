/**
 * Stores through a page, on OPFS, in real browsers: what is stored survives a reload, stores are apart, tabs take turns, a worker's
 * death is noticed, and listing and deleting tell the truth.
 */
import { expect } from '@playwright/test'
import { openPage, test } from './api.js'

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
    // The page waits for the locks of both workers: it will get that of the one that ends.
    const watched = async () =>
      ((await navigator.locks.query()).pending ?? []).filter(({ name }) => name?.startsWith('lodestore worker')).length
    while ((await watched()) < 2) await new Promise((resume) => setTimeout(resume, 10))
    window.madeWorker?.terminate()
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
