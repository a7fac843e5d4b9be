/**
 * Named contents as plain files, out and in: a name is the path of its file. It needs no more of a store than its public calls, so it works on
 * a page's store as well as on an engine.
 */

import { isStoreError, throwIfAborted } from '../errors.js'
import { refNameBytes } from '../format/ref.js'
import { translate } from '../storage/opfs.js'
import type { Ref, Store, TaskOptions } from '../types.js'
import { FilePaths } from './file-names.js'
import { accessToEmpty, type Folder, type FolderAccess, removeAll } from './folder.js'
import type { FilesReport, ImportReport, Skipped } from './report.js'

/** A transaction of an import ends when it has this much in it. */
const BATCH_BYTES = 32 * 1024 * 1024
const BATCH_FILES = 1000

/**
 * Writes every content that has a name into an empty folder, as a file of that name, '/' between folders. Names that cannot be files everywhere,
 * and contents that are damaged or deleted meanwhile, are skipped and named. When it fails the folder is empty again.
 */
export async function exportFiles(
  store: Pick<Store, 'refs' | 'stream' | 'keys'>,
  target: Folder,
  { signal, onProgress }: TaskOptions = {},
): Promise<FilesReport> {
  throwIfAborted(signal)
  const folder = await accessToEmpty(target)
  const report: FilesReport = { files: 0, bytes: 0, skipped: [] }
  const paths = new FilePaths()
  const refs: Ref[] = []
  try {
    for await (const ref of store.refs.list(signal && { signal })) {
      const { name, key } = ref
      const message = paths.take(name)
      if (message === undefined) refs.push(ref)
      else report.skipped.push({ name, key, message })
    }
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error
    report.skipped.push({ ...error.where, message: `a name cannot be read: ${error.message}` })
  }
  const total = onProgress ? await bytesOf(store, refs, signal) : 0
  let done = 0
  const told = (bytes: number) => {
    done += bytes
    // A content under a key of one's choice may have grown since.
    onProgress?.({ done: Math.min(done, total), total })
  }
  const made: string[] = []
  try {
    for (const ref of refs) {
      throwIfAborted(signal)
      made.push(ref.name)
      const written = await exportFile(store, folder, ref, signal, told)
      if (typeof written === 'number') {
        report.files++
        report.bytes += written
      } else {
        report.skipped.push(written)
      }
    }
    return report
  } catch (error) {
    await removeAll(folder, made)
    throw error
  }
}

/** The bytes of the file, or why it was not written. */
async function exportFile(
  store: Pick<Store, 'stream'>,
  folder: FolderAccess,
  { name, key }: Ref,
  signal: AbortSignal | undefined,
  told: (bytes: number) => void,
): Promise<number | Skipped> {
  let size = 0
  const pieces = async function* (stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    const reader = stream.getReader()
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        yield next.value
        size += next.value.length
        told(next.value.length)
      }
    } finally {
      await reader.cancel()
    }
  }
  try {
    const stream = await store.stream(key, signal && { signal })
    if (stream === undefined) return { name, key, message: 'its content is gone' }
    await folder.write(name, pieces(stream))
    return size
  } catch (error) {
    // A folder that is not found is no fault of the content.
    const isGone = isStoreError(error, 'NOT_FOUND') && error.where?.file === undefined
    if (!isGone && !isStoreError(error, 'CORRUPT') && !isStoreError(error, 'BAD_NAME')) throw error
    return { ...error.where, name, key, message: error.message }
  }
}

/** Bytes of all these contents; one with two names is written twice. */
async function bytesOf(
  store: Pick<Store, 'keys'>,
  refs: readonly Ref[],
  signal: AbortSignal | undefined,
): Promise<number> {
  const counts = new Map<string, number>()
  for (const { key } of refs) counts.set(key, (counts.get(key) ?? 0) + 1)
  let total = 0
  for await (const { key, size } of store.keys(signal && { signal })) total += size * (counts.get(key) ?? 0)
  return total
}

/**
 * Stores files under their names: those of a directory with all that is below it by their paths in it, others by their `webkitRelativePath`, if
 * they have one, or name. A name that is there already points to the new content then. What cannot be a name, and a file that the system does not give, is
 * skipped and named.
 */
export async function importFiles(
  store: Pick<Store, 'transaction'>,
  files: FileSystemDirectoryHandle | Iterable<File> | AsyncIterable<File>,
  { signal, onProgress }: TaskOptions = {},
): Promise<ImportReport> {
  throwIfAborted(signal)
  const report: ImportReport = { contents: 0, bytes: 0, names: 0, skipped: [] }
  const options = signal ? { signal } : {}
  const isDirectory = 'getDirectoryHandle' in files
  for await (const batch of batches(isDirectory ? below(files, '', report.skipped) : named(files), report.skipped)) {
    let [count, bytes] = [0, 0]
    await store.transaction(async (tx) => {
      for (const { name, file } of batch) {
        throwIfAborted(signal)
        const key = await tx.put(file, options).catch((error) => noteUnreadable(error, name, report.skipped))
        if (key === undefined) continue
        await tx.refs.set(name, key)
        count++
        bytes += file.size
        onProgress?.({ done: report.bytes + bytes, total: Number.POSITIVE_INFINITY })
      }
    })
    report.contents += count
    report.names += count
    report.bytes += bytes
  }
  return report
}

/** What browsers say of a file that was changed, moved or locked since it was picked. */
const UNREADABLE: readonly string[] = ['NotReadableError', 'NotFoundError', 'NotAllowedError', 'SecurityError']

/** Notes that a file could not be read; throws every other error. */
function noteUnreadable(error: unknown, file: string, skipped: Skipped[]): undefined {
  const isUnreadable = (thrown: unknown) => thrown instanceof Error && UNREADABLE.includes(thrown.name)
  if (!(error instanceof Error && (isUnreadable(error) || isUnreadable(error.cause)))) throw error
  skipped.push({ file, message: `the file cannot be read; it may have changed since it was picked: ${error.message}` })
}

interface NamedFile {
  name: string
  file: File
}

/** Files as many as go into one transaction. Those whose names cannot be names of contents are left out, and told of. */
async function* batches(files: AsyncIterable<NamedFile>, skipped: Skipped[]): AsyncGenerator<NamedFile[]> {
  let batch: NamedFile[] = []
  let bytes = 0
  for await (const one of files) {
    const fault = nameFault(one.name)
    if (fault !== undefined) {
      skipped.push({ file: one.name, message: fault })
      continue
    }
    batch.push(one)
    bytes += one.file.size
    if (bytes < BATCH_BYTES && batch.length < BATCH_FILES) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

function nameFault(name: string): string | undefined {
  try {
    refNameBytes(name)
    return undefined
  } catch (error) {
    if (!isStoreError(error, 'BAD_NAME')) throw error
    return error.message
  }
}

async function* named(files: Iterable<File> | AsyncIterable<File>): AsyncGenerator<NamedFile> {
  for await (const file of files)
    yield { name: ('webkitRelativePath' in file && file.webkitRelativePath) || file.name, file }
}

/** Throws when the directory itself cannot be read. */
async function* below(
  directory: FileSystemDirectoryHandle,
  path: string,
  skipped: Skipped[],
): AsyncGenerator<NamedFile> {
  for await (const handle of handlesIn(directory, path)) {
    const name = `${path}${handle.name}`
    try {
      if (handle.kind === 'directory') yield* below(handle as FileSystemDirectoryHandle, `${name}/`, skipped)
      else yield { name, file: await (handle as FileSystemFileHandle).getFile() }
    } catch (error) {
      noteUnreadable(error, name, skipped)
    }
  }
}

async function* handlesIn(directory: FileSystemDirectoryHandle, path: string): AsyncGenerator<FileSystemHandle> {
  const handles = directory.values()
  const next = async () => {
    try {
      return await handles.next()
    } catch (cause) {
      throw translate('list', path, cause)
    }
  }
  for (let step = await next(); !step.done; step = await next()) yield step.value
}
