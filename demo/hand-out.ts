/**
 * Hands stored files to the person: in a new tab, or as a download. Bytes come from the store already checked, as a stream into a Blob, which browsers
 * keep on the disk when it is large. Each function throws what goes wrong; the caller has the words.
 */
import type { Store } from 'lodestore'
import type { Entry } from './names.js'
import { baseName, typeToOpen } from './types.js'

export interface ReadOptions {
  signal?: AbortSignal
  /** Bytes read so far. */
  onProgress?: (done: number) => void
}

/** A download has taken its bytes long before this; the URL keeps them until then. */
const DOWNLOAD_URL_MS = 60_000

/** URLs of files opened in tabs, oldest first. They have to live for as long as somebody may reload the tab; the last few do. */
const opened = new Map<string, string>()
const OPENED_MAX = 12

/** Opens the file in a new tab. To be called when a person asked for it; `type` is what `typeToOpen` allows. */
export async function openFile(store: Promise<Store>, entry: Entry, type: string): Promise<'opened' | 'blocked'> {
  // Now, while the browser knows that a person asked for it; after the wait it would count as a pop-up.
  const tab = window.open('about:blank', '_blank')
  if (!tab) return 'blocked'
  tab.opener = null
  try {
    const name = `${entry.key} ${type}`
    const url = opened.get(name) ?? URL.createObjectURL(await readBlob(await store, entry, type))
    opened.delete(name)
    opened.set(name, url)
    for (const [oldest, oldUrl] of opened) {
      if (opened.size <= OPENED_MAX) break
      opened.delete(oldest)
      URL.revokeObjectURL(oldUrl)
    }
    tab.location.replace(url)
    return 'opened'
  } catch (error) {
    tab.close()
    throw error
  }
}

export async function downloadFile(store: Store, entry: Entry, options: ReadOptions): Promise<void> {
  saveBlob(await readBlob(store, entry, 'application/octet-stream', options), baseName(entry.name))
}

/** Hands it to the browser as a download. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_URL_MS)
}

/** The whole file. `type` never makes it run anything: see types.ts. */
export async function readBlob(
  store: Store,
  entry: Entry,
  type = typeToOpen(entry.type),
  { signal, onProgress }: ReadOptions = {},
): Promise<Blob> {
  const stream = await store.stream(entry.key, signal && { signal })
  if (!stream) throw new Error(`"${entry.name}" is in the list of names, but its bytes are not in the store`)
  let done = 0
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(piece, controller) {
      done += piece.length
      onProgress?.(done)
      controller.enqueue(piece)
    },
  })
  const headers = { 'Content-Type': type ?? 'application/octet-stream' }
  return new Response(stream.pipeThrough(counted), { headers }).blob()
}
