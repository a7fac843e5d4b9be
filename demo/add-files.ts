/**
 * Stores files. Small ones go a batch a transaction, contents and names together; a large one by itself, piece by piece, and its name once it is
 * there. What was committed before a failure or a cancel stays. A file that cannot be taken is reported and does not stop the others.
 */
import type { Store, Transaction } from 'lodestore'
import { concernsOneFile } from './explain.js'
import { type Entry, type Names, setName } from './names.js'
import type { Source } from './sources.js'
import { typeOf } from './types.js'

/** A batch ends at the first of these: small enough for a lively progress bar, large enough to share the cost of a flush. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024
const BATCH_FILES_MAX = 128

/** What waits to be stored. It may be added to while it is being stored. */
export class Queue {
  readonly sources: Source[] = []
  bytes = 0
  #walks: Promise<unknown> = Promise.resolve()

  /** Adds files, at once or when their folders have been walked. */
  add(sources: Source[] | Promise<Source[]>): void {
    if (sources instanceof Promise) {
      const walk = sources.then((found) => this.add(found))
      this.#walks = Promise.all([this.#walks, walk])
      // Whoever asks for the next file is told; without this the browser would report it a second time.
      this.#walks.catch(() => undefined)
      return
    }
    for (const source of sources) {
      this.sources.push(source)
      this.bytes += source.file.size
    }
  }

  /** Waits for folders that are still being walked; true if there is a file number `at`. */
  async has(at: number): Promise<boolean> {
    await this.#walks
    return at < this.sources.length
  }
}

/** What has been done, counted in files, after each commit. */
export interface Tally {
  stored: number
  /** There already, under the same name and with the same bytes. */
  unchanged: number
  refused: number
}

export interface AddOptions {
  signal: AbortSignal
  /** Files and bytes of the queue that are done. */
  onProgress: (files: number, bytes: number) => void
  onCommit: () => void
  onRefused: (name: string, error: unknown) => void
}

type Result = { entry: Entry } | { source: Source; refused: unknown }
type OnPut = (files: number, bytes: number) => void

/** Stores the queue. Rejects when it is aborted or the store fails; `tally` says how far it came in any case. */
export async function addFiles(
  queue: Queue,
  store: Store,
  names: Names,
  tally: Tally,
  options: AddOptions,
): Promise<void> {
  const { signal, onProgress, onCommit, onRefused } = options
  let bytesDone = 0
  for (let at = 0; await queue.has(at); ) {
    signal.throwIfAborted()
    const batch = batchAt(queue.sources, at)
    const onPut: OnPut = (files, bytes) => onProgress(at + files, bytesDone + bytes)
    const [first] = batch
    const results =
      first && first.file.size > BATCH_BYTES_MAX
        ? [await putLarge(store, first, signal, onPut)]
        : await store.transaction((tx) => putAll(tx, batch, signal, onPut))
    const entries = results.flatMap((result) => ('entry' in result ? [result.entry] : []))
    const changed = entries.filter((entry) => names.find(entry.name)?.key !== entry.key)
    names.remember(entries)
    for (const result of results) {
      if ('entry' in result) continue
      const { name, file } = result.source
      tally.refused += 1
      // What is left out is no part of the work, nor of its speed.
      queue.bytes -= file.size
      bytesDone -= file.size
      onRefused(name, result.refused)
    }
    tally.stored += changed.length
    tally.unchanged = at + batch.length - tally.stored - tally.refused
    bytesDone += batch.reduce((sum, { file }) => sum + file.size, 0)
    at += batch.length
    onCommit()
  }
}

/** The files from `at` on that go in together: at least one, and none twice, so that of two with one name the later wins. A large one is alone. */
function batchAt(sources: readonly Source[], at: number): Source[] {
  const names = new Set<string>()
  let bytes = 0
  let end = at
  for (const { name, file } of sources.slice(at, at + BATCH_FILES_MAX)) {
    bytes += file.size
    if (names.has(name) || (end > at && bytes > BATCH_BYTES_MAX)) break
    names.add(name)
    end += 1
  }
  return sources.slice(at, end)
}

/** Between content and name the store keeps the content though it has no name yet. */
async function putLarge(store: Store, source: Source, signal: AbortSignal, onPut: OnPut): Promise<Result> {
  try {
    const key = await store.put(source.file, { signal, onProgress: ({ done }) => onPut(0, done) })
    const entry = entryOf(source, key)
    await setName(store.refs, entry)
    return { entry }
  } catch (error) {
    if (!concernsOneFile(error)) throw error
    return { source, refused: error }
  }
}

/** Puts all of a batch. Throws what must end the transaction; what concerns one file only is in the results. */
async function putAll(tx: Transaction, batch: Source[], signal: AbortSignal, onPut: OnPut): Promise<Result[]> {
  let files = 0
  let bytes = 0
  const puts = batch.map(async (source): Promise<Result> => {
    const { file } = source
    let result: Result
    try {
      const entry = entryOf(source, await tx.put(file))
      await setName(tx.refs, entry)
      result = { entry }
    } catch (error) {
      if (!concernsOneFile(error)) throw error
      result = { source, refused: error }
    }
    files += 1
    if ('entry' in result) bytes += file.size
    onPut(files, bytes)
    return result
  })
  // All have to end before the transaction does, also when one has failed.
  await Promise.allSettled(puts)
  signal.throwIfAborted()
  return Promise.all(puts)
}

function entryOf({ name, file }: Source, key: string): Entry {
  const { size, lastModified: modified } = file
  return { name, key, size, type: typeOf(name, file.type), modified, added: Date.now() }
}
