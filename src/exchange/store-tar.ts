/**
 * A store as one tar archive: its own directory, byte for byte, and back. The export is of one moment, whatever is written meanwhile. The import
 * unpacks into a scratch directory, opens what it finds there as a store (so that everything is checked as at any opening),
 * and copies content by content: nothing of a bad archive reaches the store, and nothing is ever written anywhere else.
 */

import { createTarPacker, type ParsedTarEntry } from 'modern-tar'
import { abortError, isStoreError, throwIfAborted } from '../errors.js'
import { CONFIG_FILE } from '../format/paths.js'
import type { Storage } from '../storage/storage.js'
import { withFile } from '../storage/use.js'
import { type Engine, openEngine } from '../store/engine.js'
import type { Frozen, Store, TaskOptions } from '../types.js'
import { copyContents, type Target } from './copy.js'
import { accessTo, type Folder, quietly, removeAll } from './folder.js'
import { formatError, type ImportReport, type Skipped } from './report.js'
import { isLeftOut, isOfStore, SEGMENT_BYTES_MAX } from './store-files.js'
import { takeStore } from './store-folder.js'
import { bytesOfEntry, tarEntries } from './tar-entries.js'

const PIECE_BYTES = 1024 * 1024
const PATH_LENGTH_MAX = 255

export interface ImportStoreOptions extends TaskOptions {
  /**
   * An empty directory for what the archive or folder holds, as large as that; it is empty again afterwards, unless it refuses that. On a page that is
   * `memoryStorage()` of lodestore/engine: `opfsStorage` works in a dedicated worker only.
   */
  scratch: Storage
}

/**
 * The store's directory as it is now, as a tar stream: pipe it to a file, or `new Response(stream).blob()`. Space that compaction frees is given back only when the stream has been read to its
 * end or cancelled, or the signal fires.
 */
export async function exportStore(
  store: Pick<Store, 'freeze'>,
  { signal, onProgress }: TaskOptions = {},
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  throwIfAborted(signal)
  const frozen = await store.freeze()
  const { readable, controller } = createTarPacker()
  // Even when nobody reads: then nothing else would come to an end.
  const onAbort = () => {
    frozen.release()
    if (signal) controller.error(abortError(signal))
  }
  signal?.addEventListener('abort', onAbort)
  pack(frozen, controller, { ...(signal && { signal }), ...(onProgress && { onProgress }) })
    // First of all: whoever sees the end of the stream finds the store free.
    .finally(() => frozen.release())
    .then(() => controller.finalize())
    // The reader of the stream gets it.
    .catch((error) => controller.error(error))
    .finally(() => signal?.removeEventListener('abort', onAbort))
  return readable
}

async function pack(
  { files }: Frozen,
  controller: ReturnType<typeof createTarPacker>['controller'],
  { signal, onProgress }: TaskOptions,
): Promise<void> {
  const total = files.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  for (const { path, size, read } of files) {
    // The time says nothing about the contents, and would make two archives of one store differ.
    const writer = controller.add({ name: path, size, type: 'file', mtime: new Date(0) }).getWriter()
    for (let at = 0; at < size; at += PIECE_BYTES) {
      throwIfAborted(signal)
      const piece = await read(at, Math.min(PIECE_BYTES, size - at))
      await writer.write(piece)
      done += piece.length
      onProgress?.({ done, total })
    }
    await writer.close()
  }
}

/**
 * Takes in all contents of an archive made by `exportStore`, or of a tar of a store's directory, or of such a directory itself, which is only
 * read. Throws FORMAT when it is none of them, or not whole: then nothing was stored. What in it is damaged is skipped and named.
 */
export async function importStore(
  store: Target,
  from: ReadableStream<Uint8Array> | Folder,
  { scratch, signal, onProgress }: ImportStoreOptions,
): Promise<ImportReport> {
  throwIfAborted(signal)
  if ((await scratch.list('')).length > 0) throw formatError('the scratch directory is not empty; choose another one')
  let report: ImportReport
  try {
    const skipped = await ('getReader' in from ? unpack(from, scratch, signal) : takeStore(from, scratch, signal))
    const source = await openUnpacked(scratch)
    try {
      report = await copyContents(source, store, { ...(signal && { signal }), ...(onProgress && { onProgress }) })
      report.skipped.unshift(...skipped)
    } finally {
      // What it writes at its end goes now, whether that succeeds or not.
      await quietly(() => source.close())
    }
  } catch (error) {
    await removeAll(accessTo(scratch))
    throw error
  }
  for (const name of await scratch.list('')) await scratch.remove(name.replace(/\/$/, ''))
  return report
}

async function openUnpacked(scratch: Storage): Promise<Engine> {
  try {
    return await openEngine(scratch, { create: false })
  } catch (error) {
    if (!isStoreError(error, 'NOT_FOUND')) throw error
    throw formatError('there is no store in it; it has to have config and data/ at its top', CONFIG_FILE, error)
  }
}

async function unpack(
  tar: ReadableStream<Uint8Array>,
  scratch: Storage,
  signal: AbortSignal | undefined,
): Promise<Skipped[]> {
  const skipped: Skipped[] = []
  const seen = new Set<string>()
  for await (const entry of tarEntries(tar, signal)) {
    const { header } = entry
    const path = checkedPath(header)
    const pieces = bytesOfEntry(entry, signal)
    if (path !== undefined && isOfStore(path)) {
      if (seen.has(path)) throw formatError('the archive has a file twice', path)
      if (header.size > SEGMENT_BYTES_MAX) throw formatError(`${header.size} bytes are too many for a segment`, path)
      seen.add(path)
      await writeFile(scratch, path, pieces)
      continue
    }
    for await (const _ of pieces);
    if (path !== undefined && !isLeftOut(path)) skipped.push({ file: path, message: 'it is no part of a store' })
  }
  return skipped
}

/** The path of a file; undefined for a directory. Throws FORMAT for everything that has no place in an archive of a store. */
function checkedPath({ name, type = 'file' }: ParsedTarEntry['header']): string | undefined {
  const shown = name.slice(0, PATH_LENGTH_MAX)
  if (type !== 'file' && type !== 'directory') throw formatError(`the archive has a ${type} in it`, shown)
  const path = name.replace(/^(\.\/)+/, '').replace(/\/$/, '')
  if (type === 'directory' && (path === '' || path === '.')) return undefined
  const isPlain = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part))
  if (name.length > PATH_LENGTH_MAX || !isPlain) throw formatError('the archive has a path that leads elsewhere', shown)
  return type === 'file' ? path : undefined
}

async function writeFile(scratch: Storage, path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  await withFile(scratch, path, { create: true }, async (file) => {
    let at = 0
    for await (const piece of pieces) {
      file.write(piece, at)
      at += piece.length
    }
  })
}
