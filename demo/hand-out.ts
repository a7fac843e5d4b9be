/**
 * Hands stored files to the person: in a new tab, as a download, or the key as text. Bytes come from the store already checked.
 * Each function throws what goes wrong; the caller has the words.
 */
import type { Store } from 'lodestore'
import type { Entry } from './catalogue.js'
import { baseName, typeToOpen } from './types.js'

/** A download has taken its bytes long before this; the URL keeps them in memory until then. */
const DOWNLOAD_URL_MS = 60_000

/** URLs of files opened in tabs, oldest first. They have to live for as long as somebody may reload the tab; the last few do. */
const opened = new Map<string, string>()
const OPENED_MAX = 12

/** Opens the file in a new tab, or downloads it when its type cannot be shown safely. Answers with what was done. */
export async function openFile(store: Store, entry: Entry): Promise<'opened' | 'downloaded' | 'blocked'> {
  const type = typeToOpen(entry.type)
  if (type === undefined) {
    await downloadFile(store, entry)
    return 'downloaded'
  }
  // Now, while the browser knows that a person asked for it; after the wait it would count as a pop-up.
  const tab = window.open('about:blank', '_blank')
  if (!tab) return 'blocked'
  tab.opener = null
  try {
    const name = `${entry.key} ${type}`
    const url = opened.get(name) ?? URL.createObjectURL(new Blob([await read(store, entry)], { type }))
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

export async function downloadFile(store: Store, entry: Entry): Promise<void> {
  const url = URL.createObjectURL(new Blob([await read(store, entry)], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = baseName(entry.name)
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_URL_MS)
}

async function read(store: Store, entry: Entry): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await store.get(entry.key)
  if (!bytes) throw new Error(`"${entry.name}" is in the list of names, but its bytes are not in the store`)
  return bytes
}
