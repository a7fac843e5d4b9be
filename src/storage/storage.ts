/**
 * The storage contract: a directory of files with synchronous reads and writes. All I/O of the engine goes
 * through it, so that the same engine runs on OPFS, on a folder, in memory and on a simulated disk.
 * One conformance suite (src/testing/conformance.ts) holds every driver to what is written here.
 *
 * Paths are relative, separated by '/', without '.' or '..'; the engine makes them, drivers may assert it.
 * Every failure is a StoreError: NOT_FOUND, LOCKED, QUOTA (no room), UNSUPPORTED, IO (all else), with `where.file`
 * the path and `cause` the platform's own error.
 */

/** An open file. It is exclusive: while it is open, nobody else can open or remove the path. */
export interface StorageFile {
  /** Fills `target` from offset `at`; returns how many bytes were there (less than `target.length` only at the end of the file). */
  read(target: Uint8Array, at: number): number
  /** Writes all of `source` at offset `at`, extending the file (a gap reads as zeros). A short count is never success: throws QUOTA or IO. */
  write(source: Uint8Array, at: number): void
  /** Sets the size; growing fills with zeros. */
  truncate(size: number): void
  size(): number
  /** After it returns (or its promise resolves) all that was written is on the disk. Nothing else promises that, `close` does not. */
  flush(): void | Promise<void>
  /** Frees the path. Closing twice is allowed; any other call on a closed file throws IO. */
  close(): void
}

export interface Storage {
  /** Names in a directory ('' is the root), in no particular order; a directory's name ends with '/'. An absent directory has none, a file is IO. */
  list(path: string): Promise<string[]>
  /**
   * Opens a file, for reading and writing. With `create` it and its directories are made if absent; without, an absent one is NOT_FOUND. One that is
   * open already is LOCKED, at once. A directory in its place, or a file in the place of its directory, is as good as absent, and IO with `create`.
   */
  open(path: string, options?: { create?: boolean }): Promise<StorageFile>
  /**
   * A file as a `Blob` that is read from where the file lies; the file may be open. It can be read as long as the file stays as it is now: what it
   * gives of a file that was changed or removed since is not promised. Absent where the storage has no such thing.
   */
  blob?(path: string): Promise<Blob>
  /** Removes a file, or a directory with all that is in it. NOT_FOUND if absent, LOCKED if open. */
  remove(path: string): Promise<void>
}
