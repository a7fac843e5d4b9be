/**
 * The page of `npm run prove` (scripts/prove.mjs): puts batches of files into a store through the public API, and in another life of the browser
 * reads them back. It compares nothing: bytes go back to the script, which has the folder. What is timed are lodestore's calls alone. A large
 * file is a batch by itself, and flows: nowhere on its way is there more than a few pieces of it.
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

/** What `ask('pieces')` sends after all pieces of a large file, or after those that could be read. */
export interface FlowedBack {
  name: string
  key: Key
  error?: string | undefined
}

interface Put {
  contents: number
  contentBytes: number
  milliseconds: number
  flowMilliseconds: number
}

declare global {
  interface Window {
    /** For each batch, the large file that it is, or null. */
    storeBatches(plan: ({ name: string } | null)[]): Promise<Put>
    readBack(): Promise<{
      version: string
      openMilliseconds: number
      milliseconds: number
      flowMilliseconds: number
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

window.storeBatches = async (plan) => {
  const watch = new Stopwatch()
  const flowing = new Stopwatch()
  const contents = new Map<Key, number>()
  const store = await openStore(STORE)
  for (const [batch, large] of plan.entries()) {
    const names = large ? await storeLarge(store, large.name, batch, flowing) : await storeBatch(store, batch, watch)
    await watch.time(() => store.set(namesKey(batch), JSON.stringify({ isLarge: large !== null, names })))
    for (const { key, size } of names) contents.set(key, size)
  }
  await store.close()
  const contentBytes = [...contents.values()].reduce((sum, size) => sum + size, 0)
  const { milliseconds: flowMilliseconds } = flowing
  return { contents: contents.size, contentBytes, milliseconds: watch.milliseconds, flowMilliseconds }
}

async function storeBatch(store: Store, batch: number, watch: Stopwatch): Promise<Stored[]> {
  const message = await (await ask('batch', `${batch}`)).arrayBuffer()
  const { list, values } = unpack<{ name: string; size: number }>(new Uint8Array(message))
  const keys = await watch.time(() => store.putMany(values))
  return list.map((file, i) => ({ ...file, key: keys[i] as Key }))
}

async function storeLarge(store: Store, name: string, batch: number, watch: Stopwatch): Promise<Stored[]> {
  let size = 0
  const onProgress = ({ done }: { done: number }) => {
    size = done
  }
  const key = await watch.time(() => store.put(piecesOf(batch), { onProgress }))
  return [{ name, size, key }]
}

/** Piece by piece, each asked for when the store wants it: Firefox takes the whole body of a fetch into memory, whoever reads it. */
async function* piecesOf(batch: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; ; ) {
    const piece = new Uint8Array(await (await ask('large', JSON.stringify({ batch, offset }))).arrayBuffer())
    if (piece.length === 0) return
    yield piece
    offset += piece.length
  }
}

window.readBack = async () => {
  const opening = new Stopwatch()
  const getting = new Stopwatch()
  const flowing = new Stopwatch()
  const checking = new Stopwatch()
  const store = await opening.time(() => openStore(STORE, { create: false }))
  for (let batch = 0; ; batch++) {
    const page = await getting.time(() => store.get(namesKey(batch)))
    if (page === undefined) break
    const { isLarge, names }: { isLarge: boolean; names: Stored[] } = JSON.parse(new TextDecoder().decode(page))
    if (isLarge) for (const stored of names) await readLarge(store, stored, flowing)
    else {
      const { list: found, values } = await getting.time(() => readBatch(store, names))
      await ask('compare', new Blob(pack(found, values)))
    }
  }
  const report = await checking.time(() => store.check())
  await store.close()
  const [info] = await listStores()
  return {
    version: navigator.userAgent.replace(/.*(Chrome|Firefox)\/([0-9]+).*/, '$2'),
    openMilliseconds: opening.milliseconds,
    milliseconds: getting.milliseconds,
    flowMilliseconds: flowing.milliseconds,
    checkMilliseconds: checking.milliseconds,
    diskBytes: info?.bytes ?? 0,
    findings: [...store.recovery.damaged, ...report.findings].map(({ message }) => message),
  }
}

async function readLarge(store: Store, { name, key }: Stored, watch: Stopwatch): Promise<void> {
  const back: FlowedBack = { name, key }
  try {
    const reader = (await watch.time(() => store.stream(key)))?.getReader()
    if (!reader) throw new Error('its content is not in the store')
    for (;;) {
      const { done, value } = await watch.time(() => reader.read())
      if (done) break
      await (await ask('piece', value)).arrayBuffer()
    }
  } catch (error) {
    back.error = String(error)
  }
  await ask('pieces', JSON.stringify(back))
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
