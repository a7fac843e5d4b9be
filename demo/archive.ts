/**
 * Archives: out of the open store, as a stream to where the person wants it; in by a worker with an engine of its own, to which the store is lent,
 * because only a worker can unpack onto the disk.
 */
import { type Store, StoreError, type TaskOptions } from 'lodestore'
import { exportStore } from 'lodestore/exchange'
import { BadArchive } from './explain.js'
import { saveBlob } from './hand-out.js'
import { type Session, STORE_NAME } from './session.js'
import type { ArchiveAnswer, ArchiveRequest } from './worker/archive-worker.js'

export interface ImportOptions {
  signal: AbortSignal
  onProgress(progress: Extract<ArchiveAnswer, { kind: 'progress' }>): void
}

type Report = Extract<ArchiveAnswer, { kind: 'imported' }>['report']

/** Not in every browser, and not yet in TypeScript's library. */
type Picker = (options: {
  suggestedName: string
  types: { description: string; accept: Record<string, string[]> }[]
}) => Promise<FileSystemFileHandle>

/**
 * The file that the person chooses, undefined where the browser has no such dialog: there it is a download. Rejects with AbortError when no file was
 * chosen. To be called at once when a button was pressed, which browsers insist on.
 */
export async function chooseTarget(suggestedName: string): Promise<FileSystemFileHandle | undefined> {
  const { showSaveFilePicker } = window as { showSaveFilePicker?: Picker }
  return showSaveFilePicker?.({
    suggestedName,
    types: [{ description: 'Archive', accept: { 'application/x-tar': ['.tar'] } }],
  })
}

/** Writes the whole store into the file, or hands it to the browser as a download: as a Blob, which browsers keep on the disk when it is large. */
export async function exportArchive(
  store: Store,
  name: string,
  target: FileSystemFileHandle | undefined,
  options: TaskOptions,
): Promise<void> {
  const tar = await exportStore(store, options)
  if (!target) return saveBlob(await new Response(tar).blob(), name)
  const file = await target.createWritable().catch(async (error) => {
    // An archive that nobody reads would hold up repairs.
    await tar.cancel(error)
    throw error
  })
  await tar.pipeTo(file)
}

/** Takes in all of an archive; says how many contents and names came, and what was left out. */
export function importArchive(session: Session, archive: File, options: ImportOptions): Promise<Report> {
  return session.lend(() => ask({ kind: 'import', store: STORE_NAME, archive }, options))
}

function ask(request: ArchiveRequest, { signal, onProgress }: ImportOptions): Promise<Report> {
  const worker = new Worker(new URL('./worker/archive-worker.ts', import.meta.url), { type: 'module' })
  const cancel = () => worker.postMessage({ kind: 'cancel' } satisfies ArchiveRequest)
  const answered = new Promise<Report>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message || 'the worker of archives did not load'))
    worker.onmessage = ({ data }: MessageEvent<ArchiveAnswer>) => {
      if (data.kind === 'progress') onProgress(data)
      else if (data.kind === 'imported') resolve(data.report)
      else if (data.code === 'FORMAT') reject(new BadArchive(data.message))
      else if (data.code) reject(new StoreError(data.code, data.message))
      else reject(new DOMException(data.message, data.name))
    }
  })
  signal.addEventListener('abort', cancel)
  worker.postMessage(request)
  if (signal.aborted) cancel()
  return answered.finally(() => {
    signal.removeEventListener('abort', cancel)
    worker.terminate()
  })
}
