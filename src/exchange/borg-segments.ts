/**
 * Writing the segments of a Borg 1.x repository. Its rule is that a COMMIT is the last entry of its file: there is one, in a file of its own, written
 * when all else is flushed; then what Borg keeps of it; and the config, without which the directory is no repository, comes last.
 */

import { COMMIT, ENTRY, MAGIC_BYTES, TAG } from '../format/entry.js'
import { CONFIG_FILE, segmentPath } from '../format/paths.js'
import type { Arena, Kernel } from '../kernel/kernel.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import { withFile } from '../storage/use.js'
import { BORG_SEGMENTS_PER_DIR, encodeBorgConfig } from './borg-config.js'
import { BorgTransaction } from './borg-transaction.js'

const MAGIC = new TextEncoder().encode('BORG_SEG')
const BUFFER_BYTES = 1024 * 1024
/** A file is closed when it has passed this; Borg takes any size. */
const SEGMENT_BYTES = 64 * 1024 * 1024

export class BorgSegments {
  readonly #target: Storage
  readonly #arena: Arena
  readonly #transaction = new BorgTransaction()
  #file: StorageFile | undefined
  #segment = 0
  /** Bytes in the file, and those that wait in the arena behind them. */
  #written = 0
  #buffered = 0

  constructor(target: Storage, kernel: Kernel) {
    this.#target = target
    this.#arena = kernel.arena(2 * BUFFER_BYTES)
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    const file = this.#file ?? (await this.#begin())
    const size = ENTRY.putHeaderBytes + value.length
    if (this.#buffered + size > BUFFER_BYTES) this.#writeOut(file)
    this.#transaction.add(key, this.#segment, this.#written + this.#buffered, size)
    this.#arena.reserve(this.#buffered + size)
    const entry = this.#arena.view(this.#buffered, size)
    entry.set(key, ENTRY.key)
    entry.set(value, ENTRY.putHeaderBytes)
    this.#arena.seal(this.#buffered, size, TAG.put)
    this.#buffered += size
    if (this.#written + this.#buffered > SEGMENT_BYTES) await this.#end(file)
  }

  /** Commits all of it, and makes the directory a repository. */
  async finish(id: string): Promise<void> {
    if (this.#file) await this.#end(this.#file)
    const last = await this.#begin()
    this.#arena.view(this.#buffered, COMMIT.length).set(COMMIT)
    this.#buffered += COMMIT.length
    const size = this.#written + this.#buffered
    const segment = this.#segment
    await this.#end(last)
    await this.#transaction.write(this.#target, segment, size)
    await withFile(this.#target, CONFIG_FILE, { create: true }, async (config) => {
      config.write(new TextEncoder().encode(encodeBorgConfig(id)), 0)
      await config.flush()
    })
  }

  /** Lets go of the file that is being written, if one is. */
  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  async #begin(): Promise<StorageFile> {
    this.#file = await this.#target.open(segmentPath(this.#segment, BORG_SEGMENTS_PER_DIR), { create: true })
    this.#arena.view(0, MAGIC_BYTES).set(MAGIC)
    this.#buffered = MAGIC_BYTES
    this.#written = 0
    return this.#file
  }

  #writeOut(file: StorageFile): void {
    file.write(this.#arena.view(0, this.#buffered), this.#written)
    this.#written += this.#buffered
    this.#buffered = 0
  }

  async #end(file: StorageFile): Promise<void> {
    this.#writeOut(file)
    await file.flush()
    this.close()
    this.#segment++
  }
}
