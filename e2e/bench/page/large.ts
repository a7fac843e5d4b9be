/**
 * What large contents cost, on the page: a File in and out, a second version of it, a small part of a large blob, and collecting among many. The bytes
 * lie in a file that the worker has written (worker/large.ts), beside whose own speed these figures stand.
 */
import { deleteStore, isStoreError, type Key, openStore, type Store } from 'lodestore'
import { LARGE } from '../scenarios.js'
import { fillRandom, randomNumbers } from '../shared/data.js'
import { fileOf } from '../shared/directory.js'
import { LARGE_FILE, type LargeCall } from '../shared/keeper.js'

const STORE_NAME = 'lodestore-bench-large'
const MEBIBYTE = 1024 * 1024
const VALUE_BYTES = 1024
/** Of a reader that brings its own memory. */
const BUFFER_BYTES = MEBIBYTE
/** Of the second version, in so many places. */
const CHANGED_SHARE = 0.01
const CHANGED_PLACES = 10
const TOGETHER = 10_000
const COLLECTED_BYTES = 32

export class LargeBench {
  readonly #scale: number
  #store: Store | undefined
  #file: Key | undefined
  #part: Key | undefined
  #small: Key[] = []

  constructor(scale: number) {
    this.#scale = scale
  }

  /** A store with nothing in it. */
  async open(): Promise<void> {
    await this.remove()
    this.#store = await openStore(STORE_NAME)
  }

  async remove(): Promise<void> {
    await this.#store?.close()
    this.#store = undefined
    await deleteStore(STORE_NAME).catch((error) => {
      if (!isStoreError(error, 'NOT_FOUND')) throw error
    })
  }

  /** Milliseconds; for `version`, mebibytes that the log has grown by. In the order of LARGE_CALLS: later ones need what earlier ones have stored. */
  async run(call: Exclude<LargeCall, 'rawWrite' | 'sha256'>): Promise<number> {
    const store = this.#store
    if (!store) throw new Error('the store is not open')
    switch (call) {
      case 'fileIn': {
        const file = await fileOf(LARGE_FILE)
        return timed(async () => {
          this.#file = await store.put(file)
        })
      }
      case 'fileInto': {
        const { size } = await fileOf(LARGE_FILE)
        return timed(async () => {
          const reader = (await streamOf(store, this.#file)).getReader({ mode: 'byob' })
          let bytes = 0
          let buffer = new ArrayBuffer(BUFFER_BYTES)
          for (;;) {
            const { done, value } = await reader.read(new Uint8Array(buffer))
            if (done) break
            bytes += value.length
            buffer = value.buffer
          }
          if (bytes !== size) throw new Error(`${bytes} bytes of ${size} came back`)
        })
      }
      case 'fileOut': {
        const { size } = await fileOf(LARGE_FILE)
        return timed(async () => {
          let bytes = 0
          for await (const piece of await streamOf(store, this.#file)) bytes += piece.length
          if (bytes !== size) throw new Error(`${bytes} bytes of ${size} came back`)
        })
      }
      case 'rangeFirst': {
        const file = await fileOf(LARGE_FILE)
        this.#part = await store.put(file.slice(0, Math.floor(file.size / 2)))
        return this.#readParts(store)
      }
      // The same ones once more: now the system has them in memory, as it has the small ones.
      case 'rangeOfLarge':
        return this.#readParts(store)
      case 'wholeSmall': {
        const next = randomNumbers(2)
        this.#small = await store.putMany(values(next, LARGE.reads, VALUE_BYTES))
        return timed(async () => {
          for (const key of this.#small) check(await store.get(key))
        })
      }
      case 'version':
        return this.#version(store)
      case 'collectLook':
        return this.#collectLook(store)
      case 'collectAll':
        return timed(() => store.gc({ grace: 0, keep: this.#kept() }))
    }
  }

  async #readParts(store: Store): Promise<number> {
    const key = this.#part
    if (key === undefined) throw new Error('the part was not stored')
    const { size } = await fileOf(LARGE_FILE)
    const next = randomNumbers(1)
    const offsets = Array.from({ length: LARGE.reads }, () => next() % (Math.floor(size / 2) - VALUE_BYTES))
    return timed(async () => {
      for (const offset of offsets) check(await store.get(key, { offset, length: VALUE_BYTES }))
    })
  }

  async #version(store: Store): Promise<number> {
    const bytes = new Uint8Array(Math.max(8 * MEBIBYTE, Math.round(LARGE.versionBytes * this.#scale)))
    fillRandom(bytes, randomNumbers(3))
    await store.put(new Blob([bytes]))
    const run = Math.floor((bytes.length * CHANGED_SHARE) / CHANGED_PLACES / 4) * 4
    for (let place = 0; place < CHANGED_PLACES; place++) {
      const at = Math.floor(((place + 0.5) * bytes.length) / CHANGED_PLACES)
      const changed = new Uint8Array(run)
      fillRandom(changed, randomNumbers(4 + place))
      bytes.set(changed, at)
    }
    const { logBytes } = await store.stats()
    await store.put(new Blob([bytes]))
    return ((await store.stats()).logBytes - logBytes) / MEBIBYTE
  }

  async #collectLook(store: Store): Promise<number> {
    const count = Math.max(1000, Math.round(LARGE.collected * this.#scale))
    const next = randomNumbers(5)
    for (let done = 0; done < count; done += TOGETHER) {
      await store.putMany(values(next, Math.min(TOGETHER, count - done), COLLECTED_BYTES), { durability: 'relaxed' })
    }
    return timed(async () => {
      const { count: found } = await store.gc({ grace: 0, keep: this.#kept(), dryRun: true })
      if (found < count) throw new Error(`${found} contents of ${count} were found`)
    })
  }

  /** So that only the many small ones are deleted, and no disk is waited for that has gigabytes to free. */
  #kept(): Key[] {
    return [this.#file, this.#part, ...this.#small].filter((key) => key !== undefined)
  }
}

async function streamOf(store: Store, key: Key | undefined): Promise<ReadableStream<Uint8Array>> {
  const stream = key && (await store.stream(key))
  if (!stream) throw new Error('the file was not stored')
  return stream
}

function values(next: () => number, count: number, size: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const value = new Uint8Array(size)
    fillRandom(value, next)
    return value
  })
}

function check(bytes: Uint8Array | undefined): void {
  if (bytes?.length !== VALUE_BYTES) throw new Error(`${bytes?.length ?? 'no'} bytes came back`)
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await act()
  return performance.now() - begin
}
