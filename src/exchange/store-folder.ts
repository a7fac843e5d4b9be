/**
 * A store as a folder of files: its own directory, byte for byte, out; and the reading of such a folder, of which only that is taken which has a
 * place in a store. Nothing in the folder that is read is changed.
 */

import { throwIfAborted } from '../errors.js'
import { DATA_DIR, decimal, README_FILE } from '../format/paths.js'
import type { Storage } from '../storage/storage.js'
import { unlessAbsent } from '../storage/use.js'
import type { Store, TaskOptions } from '../types.js'
import { accessTo, accessToEmpty, type Folder, removeAll } from './folder.js'
import { type FilesReport, formatError, type Skipped } from './report.js'
import { isLeftOut, isOfStore, SEGMENT_BYTES_MAX } from './store-files.js'

const PIECE_BYTES = 1024 * 1024

/** Copies the store's directory as it is now into an empty folder: it opens as a store there. When it fails the folder is empty again. */
export async function copyStore(
  store: Pick<Store, 'freeze'>,
  target: Folder,
  { signal, onProgress }: TaskOptions = {},
): Promise<FilesReport> {
  throwIfAborted(signal)
  const folder = await accessToEmpty(target)
  const frozen = await store.freeze()
  const total = frozen.files.reduce((sum, { size }) => sum + size, 0)
  const report: FilesReport = { files: 0, bytes: 0, skipped: [] }
  try {
    for (const { path, size, read } of frozen.files) {
      const pieces = async function* () {
        for (let at = 0; at < size; at += PIECE_BYTES) {
          throwIfAborted(signal)
          const piece = await read(at, Math.min(PIECE_BYTES, size - at))
          yield piece
          report.bytes += piece.length
          onProgress?.({ done: report.bytes, total })
        }
      }
      await folder.write(path, pieces())
      report.files++
    }
    return report
  } catch (error) {
    const paths = frozen.files.map(({ path }) => path)
    await removeAll(folder, paths)
    throw error
  } finally {
    frozen.release()
  }
}

/** Copies what belongs to a store from a folder into `scratch`. Says what does not. */
export async function takeStore(source: Folder, scratch: Storage, signal: AbortSignal | undefined): Promise<Skipped[]> {
  const folder = accessTo(source)
  // Whoever has this file open has the store, so nobody changes what is copied. In it is nothing to copy.
  const lock = 'getDirectoryHandle' in source ? undefined : await unlessAbsent(source.open(README_FILE))
  const skipped: Skipped[] = []
  const visit = async (directory: string): Promise<void> => {
    for (const name of await folder.list(directory)) {
      throwIfAborted(signal)
      const path = directory === '' ? name : `${directory}/${name}`
      const plain = path.replace(/\/$/, '')
      if (path === README_FILE) continue
      if (name.endsWith('/') && mayHoldSegments(plain)) await visit(plain)
      else if (isOfStore(path)) await accessTo(scratch).write(path, limited(folder.read(path), path, signal))
      else if (!isLeftOut(path)) skipped.push({ file: plain, message: 'it is no part of a store' })
    }
  }
  try {
    await visit('')
    return skipped
  } finally {
    lock?.close()
  }
}

function mayHoldSegments(path: string): boolean {
  const [top, directory, ...rest] = path.split('/')
  return top === DATA_DIR && rest.length === 0 && (directory === undefined || decimal(directory) !== undefined)
}

async function* limited(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let size = 0
  for await (const piece of pieces) {
    throwIfAborted(signal)
    size += piece.length
    if (size > SEGMENT_BYTES_MAX) throw formatError('the file is too large for a segment', path)
    yield piece
  }
}
