/**
 * The page of `npm run prove` (scripts/prove.mjs): puts batches of files into a store through the public API, and in another life of the browser
 * reads them back. It compares nothing: bytes go back to the script, which has the folder. What is timed are lodestore's calls alone.
 */
import { type Key, listStores, openStore, type Store } from 'lodestore'
import { pack, unpack } from '../../scripts/packing.mjs'
import { ask } from './ask.js'

interface Stored {
  name: string
  size: number
  key: Key
}

/** What `ask('compare')` sends: a name, and the bytes that came back or why none did. */
export interface ReadBack {
  list: { name: string; size: number; error?: string }[]
  values: Uint8Array<ArrayBuffer>[]
}

declare global {
  interface Window {
    storeBatches(batches: number): Promise<{ blobs: number; blobBytes: number; milliseconds: number }>
    readBack(): Promise<{
      version: string
      openMilliseconds: number
      milliseconds: number
      checkMilliseconds: number
      diskBytes: number
      findings: string[]
    }>
  }
}

const STORE = 'prove'

/** Names are kept in the store too, those of each batch under a key of its own. */
function namesKey(batch: number): Key {
  return `${'f'.repeat(56)}${batch.toString(16).padStart(8, '0')}`
}

/** The milliseconds of all that it is given to wait for. */
class Stopwatch {
  milliseconds = 0

  async time<T>(call: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await call()
    } finally {
      this.milliseconds += performance.now() - start
    }
  }
}

window.storeBatches = async (batches) => {
  const watch = new Stopwatch()
  const blobs = new Map<Key, number>()
  const store = await openStore(STORE)
  for (let batch = 0; batch < batches; batch++) {
    const message = await (await ask('batch', `${batch}`)).arrayBuffer()
    const { list, values } = unpack<{ name: string; size: number }>(new Uint8Array(message))
    const keys = await watch.time(() => store.putMany(values))
    const names = list.map((file, i): Stored => ({ ...file, key: keys[i] as Key }))
    await watch.time(() => store.set(namesKey(batch), JSON.stringify(names)))
    for (const { key, size } of names) blobs.set(key, size)
  }
  await store.close()
  const blobBytes = [...blobs.values()].reduce((sum, size) => sum + size, 0)
  return { blobs: blobs.size, blobBytes, milliseconds: watch.milliseconds }
}

window.readBack = async () => {
  const opening = new Stopwatch()
  const getting = new Stopwatch()
  const checking = new Stopwatch()
  const store = await opening.time(() => openStore(STORE, { create: false }))
  for (let batch = 0; ; batch++) {
    const names = await getting.time(() => store.get(namesKey(batch)))
    if (names === undefined) break
    const list: Stored[] = JSON.parse(new TextDecoder().decode(names))
    const { list: found, values } = await getting.time(() => readBatch(store, list))
    await ask('compare', new Blob(pack(found, values)))
  }
  const report = await checking.time(() => store.check())
  await store.close()
  const [info] = await listStores()
  return {
    version: navigator.userAgent.replace(/.*(Chrome|Firefox)\/([0-9]+).*/, '$2'),
    openMilliseconds: opening.milliseconds,
    milliseconds: getting.milliseconds,
    checkMilliseconds: checking.milliseconds,
    diskBytes: info?.bytes ?? 0,
    findings: [...store.recovery.damaged, ...report.findings].map(({ message }) => message),
  }
}

async function readBatch(store: Store, stored: Stored[]): Promise<ReadBack> {
  const keys = stored.map(({ key }) => key)
  const values: (Uint8Array<ArrayBuffer> | Error | undefined)[] = await store
    .getMany(keys)
    // One value that cannot be read fails the whole call. Asked for by itself, each says what is wrong with it.
    .catch(() => Promise.all(keys.map((key) => store.get(key).catch((error: Error) => error))))
  const list = stored.map(({ name }, i) => {
    const value = values[i]
    if (value instanceof Uint8Array) return { name, size: value.length }
    return { name, size: 0, error: value === undefined ? 'its blob is not in the store' : String(value) }
  })
  return { list, values: values.map((value) => (value instanceof Uint8Array ? value : new Uint8Array())) }
}
