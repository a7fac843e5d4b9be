/**
 * An archive on its way into the store: it is unpacked onto the disk, which only a worker can. The engine that takes it in runs here too, on the
 * store's directory, which the page has closed meanwhile. One worker does one import; the page ends it when it has the answer.
 */
import { type Engine, isStoreError, openEngine, opfsStorage, type StoreErrorCode } from 'lodestore/engine'
import { type ImportReport, importStore } from 'lodestore/exchange'

export type ArchiveRequest = { kind: 'import'; store: string; archive: File } | { kind: 'cancel' }

export type ArchiveAnswer =
  | { kind: 'progress'; phase: 'reading' | 'copying'; done: number; total: number }
  | { kind: 'imported'; report: ImportReport }
  | { kind: 'failed'; code: StoreErrorCode | undefined; name: string; message: string }

const SCRATCH = 'lodestore-demo-import'
const PROGRESS_EVERY_MS = 100

const cancelled = new AbortController()
const { signal } = cancelled

self.onmessage = async ({ data }: MessageEvent<ArchiveRequest>) => {
  if (data.kind === 'cancel') return cancelled.abort()
  try {
    answer(await withEngine(data.store, (engine) => imported(engine, data.archive)))
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    answer({ kind: 'failed', code: isStoreError(error) ? error.code : undefined, name, message })
  }
}

/** Where `openStore` keeps its stores. */
async function withEngine<T>(store: string, use: (engine: Engine) => Promise<T>): Promise<T> {
  const root = await navigator.storage.getDirectory()
  const directory = await (await root.getDirectoryHandle('lodestore')).getDirectoryHandle(store)
  const engine = await openEngine(opfsStorage(directory), { name: store, create: false })
  try {
    return await use(engine)
  } finally {
    await engine.close()
  }
}

async function imported(engine: Engine, archive: File): Promise<ArchiveAnswer> {
  const root = await navigator.storage.getDirectory()
  const remove = () =>
    root.removeEntry(SCRATCH, { recursive: true }).catch((error) => {
      if (error.name !== 'NotFoundError') throw error
    })
  // What an import left that was cut off.
  await remove()
  const scratch = opfsStorage(await root.getDirectoryHandle(SCRATCH, { create: true }))
  const reading = progress('reading')
  let done = 0
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      done += piece.length
      reading({ done, total: archive.size })
      controller.enqueue(piece)
    },
  })
  try {
    const tar = archive.stream().pipeThrough(counted)
    const report = await importStore(engine, tar, { scratch, signal, onProgress: progress('copying') })
    return { kind: 'imported', report }
  } finally {
    await remove()
  }
}

/** Tells the page, not more often than it can draw. */
function progress(phase: 'reading' | 'copying'): (progress: { done: number; total: number }) => void {
  let told = Number.NEGATIVE_INFINITY
  return ({ done, total }) => {
    const now = performance.now()
    if (now - told < PROGRESS_EVERY_MS) return
    told = now
    answer({ kind: 'progress', phase, done, total })
  }
}

function answer(message: ArchiveAnswer): void {
  self.postMessage(message)
}
