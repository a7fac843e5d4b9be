/**
 * Where files come from: the two inputs, and what is dropped on the page, folders in folders included.
 * All of them end as a flat list of files with the path each had.
 */

export interface Source {
  /** The path inside what was chosen, separated by '/'. */
  name: string
  file: File
}

/** Files of an input; those of a folder carry their path. */
export function sourcesOfInput(input: HTMLInputElement): Source[] {
  return Array.from(input.files ?? [], (file) => ({ name: file.webkitRelativePath || file.name, file }))
}

export interface DropOptions {
  signal: AbortSignal
  onFound: (count: number) => void
  onUnreadable: (name: string, error: unknown) => void
}

/**
 * Files and folders of a drop, with all that is in them. The event's items are taken before the first wait, because
 * the event is empty after it.
 */
export async function sourcesOfDrop(transfer: DataTransfer, options: DropOptions): Promise<Source[]> {
  const sources: Source[] = []
  const waiting: FileSystemEntry[] = []
  for (const item of transfer.items) {
    if (item.kind !== 'file') continue
    const entry = item.webkitGetAsEntry()
    const file = entry ? null : item.getAsFile()
    if (entry) waiting.push(entry)
    else if (file) sources.push({ name: file.name, file })
  }
  // Taken from the end, so that files come in the order in which they were dropped: of two with one name the later counts.
  waiting.reverse()
  for (let entry = waiting.pop(); entry; entry = waiting.pop()) {
    options.signal.throwIfAborted()
    const name = entry.fullPath.replace(/^\//, '')
    try {
      if (isDirectory(entry)) waiting.push(...(await childrenOf(entry)).reverse())
      else sources.push({ name, file: await fileOf(entry as FileSystemFileEntry) })
    } catch (error) {
      options.onUnreadable(name, error)
    }
    options.onFound(sources.length)
  }
  return sources
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}

async function childrenOf(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader()
  const children: FileSystemEntry[] = []
  // One call gives at most a hundred; an empty answer is the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return children
    children.push(...some)
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}
