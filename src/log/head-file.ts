/**
 * The open `head` file. `write` is called after the log was flushed and is itself not flushed: losing the newest slot costs
 * nothing but the knowledge that a damaged tail was once whole. Checkpoints and a clean close flush it.
 */

import { assert } from '../errors.js'
import { type Crc, decodeHeadSlot, encodeHeadSlot, HEAD, type Head } from '../format/head.js'
import { HEAD_FILE } from '../format/paths.js'
import type { Storage, StorageFile } from '../storage/storage.js'

export class HeadFile {
  readonly #file: StorageFile
  readonly #id: Uint8Array
  readonly #crc: Crc
  #next = 0

  private constructor(file: StorageFile, id: Uint8Array, crc: Crc) {
    this.#file = file
    this.#id = id
    this.#crc = crc
  }

  static async open(storage: Storage, id: Uint8Array, crc: Crc): Promise<HeadFile> {
    return new HeadFile(await storage.open(HEAD_FILE, { create: true }), id, crc)
  }

  /** The newest head, or undefined when neither slot can be believed. Sets which slot is written next. */
  read(): Head | undefined {
    const slots = Array.from({ length: HEAD.slots }, (_, i) => {
      const slot = new Uint8Array(HEAD.slotBytes)
      const got = this.#file.read(slot, i * HEAD.slotBytes)
      return decodeHeadSlot(slot.subarray(0, got), this.#id, this.#crc)
    })
    let newest: Head | undefined
    slots.forEach((head, i) => {
      if (head && (newest === undefined || head.transaction > newest.transaction)) {
        newest = head
        this.#next = (i + 1) % HEAD.slots
      }
    })
    return newest
  }

  write(head: Head): void {
    this.#file.write(encodeHeadSlot(head, this.#id, this.#crc), this.#next * HEAD.slotBytes)
    this.#next = (this.#next + 1) % HEAD.slots
  }

  /** Fills both slots, so that an older one cannot outlive what it told of. */
  reset(head: Head): void {
    for (let i = 0; i < HEAD.slots; i++) this.write(head)
    assert(this.#file.size() === HEAD.slots * HEAD.slotBytes, 'the head file has its fixed size')
  }

  async flush(): Promise<void> {
    await this.#file.flush()
  }

  close(): void {
    this.#file.close()
  }
}
