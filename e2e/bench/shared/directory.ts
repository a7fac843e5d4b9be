/**
 * The benchmark's own corner of the Origin Private File System: nothing else of the origin is touched.
 */

export const DIRECTORY = 'lodestore-bench'

/** An empty directory for one contestant. */
export async function emptyDirectory(name: string): Promise<FileSystemDirectoryHandle> {
  await removeDirectory(name)
  const corner = await (await navigator.storage.getDirectory()).getDirectoryHandle(DIRECTORY, { create: true })
  return corner.getDirectoryHandle(name, { create: true })
}

export async function removeDirectory(name: string): Promise<void> {
  const corner = await (await navigator.storage.getDirectory()).getDirectoryHandle(DIRECTORY, { create: true })
  await removeIfThere(corner, name)
}

export async function removeIfThere(directory: FileSystemDirectoryHandle, name: string): Promise<void> {
  try {
    await directory.removeEntry(name, { recursive: true })
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error
  }
}

/** A file of a contestant, for reading. */
export async function fileOf({ directory, name }: { directory: string; name: string }): Promise<File> {
  const root = await navigator.storage.getDirectory()
  const corner = await (await root.getDirectoryHandle(DIRECTORY)).getDirectoryHandle(directory)
  return (await corner.getFileHandle(name)).getFile()
}
