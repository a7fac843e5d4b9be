/**
 * The open `head` file. `write` is called after the log was flushed and is itself not flushed: losing the newest slot costs
 * nothing but the knowledge that a damaged tail was once whole. Checkpoints and a clean close flush it.
 */

import { type Crc, decodeHeadSlot, encodeHeadSlot, HEAD, type Head } from '../format/head.js'
import { HEAD_FILE } from '../format/paths.js'
import type { Storage } from '../storage/storage.js'
import { WatchedFile } from './watched-file.js'

export class HeadFile {
  readonly #storage: Storage
  #file: WatchedFile
  readonly #id: Uint8Array
  readonly #crc: Crc
  #next = 0
  #transaction = 0

  private constructor(storage: Storage, file: WatchedFile, id: Uint8Array, crc: Crc) {
    this.#storage = storage
    this.#file = file
    this.#id = id
    this.#crc = crc
  }

  static async open(storage: Storage, id: Uint8Array, crc: Crc): Promise<HeadFile> {
    return new HeadFile(storage, await openFile(storage), id, crc)
  }

  /** Opens the file anew if the system refused the handle. */
  async revive(): Promise<void> {
    if (!this.#file.isRefused) return
    this.#file.close()
    this.#file = await openFile(this.#storage)
  }

  /** The newest transaction that the file tells of, as last read or written. */
  get transaction(): number {
    return this.#transaction
  }

  /**
   * The newest head, undefined when neither slot can be believed, and how many slots cannot: a crash tears one at most, unless both
   * were written since the last flush. Sets which slot is written next.
   */
  read(): { head: Head | undefined; unreadable: number } {
    let newest: Head | undefined
    let unreadable = 0
    for (let i = 0; i < HEAD.slots; i++) {
      const slot = new Uint8Array(HEAD.slotBytes)
      const got = this.#file.read(slot, i * HEAD.slotBytes)
      const head = decodeHeadSlot(slot.subarray(0, got), this.#id, this.#crc)
      if (head === undefined) unreadable++
      else if (newest === undefined || head.transaction > newest.transaction) {
        newest = head
        this.#next = (i + 1) % HEAD.slots
      }
    }
    this.#transaction = newest?.transaction ?? 0
    return { head: newest, unreadable }
  }

  write(head: Head): void {
    this.#file.write(encodeHeadSlot(head, this.#id, this.#crc), this.#next * HEAD.slotBytes)
    this.#next = (this.#next + 1) % HEAD.slots
    this.#transaction = head.transaction
  }

  /** Fills both slots, so that an older one cannot outlive what it told of. */
  reset(head: Head): void {
    const size = HEAD.slots * HEAD.slotBytes
    if (this.#file.size() > size) this.#file.truncate(size)
    for (let i = 0; i < HEAD.slots; i++) this.write(head)
  }

  async flush(): Promise<void> {
    await this.revive()
    await this.#file.flush()
  }

  close(): void {
    this.#file.close()
  }
}

async function openFile(storage: Storage): Promise<WatchedFile> {
  return new WatchedFile(await storage.open(HEAD_FILE, { create: true }))
}
