/**
 * The same bytes through sync access handles alone: what the browser can do at best. Values are gathered in a buffer of 1 MiB and written one
 * behind the other into files as large as lodestore's segments; every file is flushed once, at the end. No key, no checksum and no index is
 * on the disk, so it is a yardstick and not a store.
 */
import type { Item } from '../shared/data.js'
import { emptyDirectory, removeDirectory } from '../shared/directory.js'
import type { Keeper, Values } from '../shared/keeper.js'

const NAME = 'raw'
const FILE_BYTES = 16 * 1024 * 1024
const BUFFER_BYTES = 1024 * 1024

interface Place {
  file: number
  offset: number
  size: number
}

export class RawKeeper implements Keeper {
  #directory: FileSystemDirectoryHandle | undefined
  #files: FileSystemSyncAccessHandle[] = []
  /** Bytes in the last file, those in the buffer included. */
  #fileBytes = 0
  readonly #places = new Map<string, Place>()

  async open(): Promise<void> {
    this.#directory = await emptyDirectory(NAME)
    await this.#addFile()
  }

  async close(): Promise<void> {
    for (const file of this.#files) file.close()
    this.#files = []
    this.#places.clear()
    await removeDirectory(NAME)
  }

  async writeMany(items: Item[]): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES)
    let gathered = 0
    const writeOut = (bytes: Uint8Array<ArrayBuffer>) => {
      const written = this.#lastFile().write(bytes, { at: this.#fileBytes - bytes.length })
      if (written !== bytes.length) throw new Error('a write came back short: the disk or the quota is full')
    }
    const empty = () => {
      if (gathered > 0) writeOut(buffer.subarray(0, gathered))
      gathered = 0
    }
    for (const { key, value } of items) {
      if (this.#fileBytes >= FILE_BYTES) {
        empty()
        await this.#addFile()
      }
      if (gathered + value.length > BUFFER_BYTES) empty()
      this.#places.set(key, { file: this.#files.length - 1, offset: this.#fileBytes, size: value.length })
      this.#fileBytes += value.length
      if (value.length >= BUFFER_BYTES) {
        writeOut(value)
      } else {
        buffer.set(value, gathered)
        gathered += value.length
      }
    }
    empty()
    for (const file of this.#files) file.flush()
  }

  /** Sorted by place, a mebibyte with each read. */
  async readMany(items: Item[]): Promise<Values> {
    const values: Values = new Array(items.length)
    const sorted = items.map(({ key }, index) => ({ ...this.#place(key), index }))
    sorted.sort((a, b) => a.file - b.file || a.offset - b.offset)
    for (let first = 0; first < sorted.length; ) {
      const start = sorted[first] as (typeof sorted)[0]
      let end = first
      let endOffset = start.offset
      for (let next = sorted[end]; next?.file === start.file && next.offset === endOffset; next = sorted[end]) {
        if (end > first && endOffset + next.size - start.offset > BUFFER_BYTES) break
        endOffset += next.size
        end += 1
      }
      const bytes = this.#read({ ...start, size: endOffset - start.offset })
      for (; first < end; first++) {
        const { index, offset, size } = sorted[first] as (typeof sorted)[0]
        values[index] = bytes.subarray(offset - start.offset, offset - start.offset + size)
      }
    }
    return values
  }

  async readEach(items: Item[]): Promise<Values> {
    return items.map(({ key }) => this.#read(this.#place(key)))
  }

  #read({ file, offset, size }: Place): Uint8Array {
    const bytes = new Uint8Array(size)
    this.#files[file]?.read(bytes, { at: offset })
    return bytes
  }

  #place(key: string): Place {
    const place = this.#places.get(key)
    if (place === undefined) throw new Error(`${key} was not written`)
    return place
  }

  #lastFile(): FileSystemSyncAccessHandle {
    const file = this.#files.at(-1)
    if (file === undefined) throw new Error('it is not open')
    return file
  }

  async #addFile(): Promise<void> {
    const file = await this.#directory?.getFileHandle(`${this.#files.length}`, { create: true })
    if (file === undefined) throw new Error('it is not open')
    this.#files.push(await file.createSyncAccessHandle())
    this.#fileBytes = 0
  }
}
