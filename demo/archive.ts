/**
 * The page's side of archives: asks where one shall go, lends the store to the worker that writes or reads it, and hands on how far it is.
 */
import { StoreError } from 'lodestore'
import { saveBlob } from './hand-out.js'
import { type Session, STORE_NAME } from './session.js'
import type { ArchiveAnswer, ArchiveRequest } from './worker/archive-worker.js'

export interface ArchiveOptions {
  signal: AbortSignal
  onProgress(progress: Extract<ArchiveAnswer, { kind: 'progress' }>): void
}

type Done = Exclude<ArchiveAnswer, { kind: 'progress' | 'failed' }>

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

/** Writes the whole store into the file, or hands it to the browser as a download. */
export async function exportArchive(
  session: Session,
  name: string,
  target: FileSystemFileHandle | undefined,
  options: ArchiveOptions,
): Promise<void> {
  const done = await session.lend(() => ask({ kind: 'export', store: STORE_NAME, target }, options))
  if (done.kind === 'exported' && done.blob) saveBlob(done.blob, name)
}

/** Takes in all of an archive; says how many contents and names came, and what was left out. */
export async function importArchive(session: Session, archive: File, options: ArchiveOptions) {
  const done = await session.lend(() => ask({ kind: 'import', store: STORE_NAME, archive }, options))
  if (done.kind !== 'imported') throw new Error(`the worker of archives answered with "${done.kind}"`)
  return done.report
}

function ask(request: ArchiveRequest, { signal, onProgress }: ArchiveOptions): Promise<Done> {
  const worker = new Worker(new URL('./worker/archive-worker.ts', import.meta.url), { type: 'module' })
  const cancel = () => worker.postMessage({ kind: 'cancel' } satisfies ArchiveRequest)
  const answered = new Promise<Done>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message || 'the worker of archives did not load'))
    worker.onmessage = ({ data }: MessageEvent<ArchiveAnswer>) => {
      if (data.kind === 'progress') onProgress(data)
      else if (data.kind !== 'failed') resolve(data)
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
