/**
 * One transaction as the log sees it: entries appended to the writer, remembered in a journal, visible through an overlay to reads
 * inside. Only a commit that reached the log changes the state. One staging is open at a time.
 */

import { isStoreError } from '../errors.js'
import { CHOSEN_KEYS_KEY, TAG } from '../format/entry.js'
import { KEY_BYTES, keyHex } from '../format/key.js'
import type { Location, Table } from '../kernel/kernel.js'
import { Journal } from '../log/journal.js'
import type { Position } from '../log/position.js'
import type { Context } from './context.js'
import { flushLog, writeHead } from './flush.js'
import { Holders } from './holders.js'
import { makesRoom } from './maintenance.js'
import { keysAreHashes, keysAreKnownHashes } from './provenance.js'
import { readValue } from './read.js'

type EntryTag = typeof TAG.put | typeof TAG.delete

/** In the overlay: the key is deleted in this transaction. No entry has this size. */
const DELETED = 0

export class Staging {
  readonly #context: Context
  readonly #overlay: Table
  readonly #journal = new Journal()
  readonly holders: Holders
  /** Keys whose damaged entry this transaction replaces. */
  readonly #healed: string[] = []

  /** The segment in which the transaction began. */
  firstSegment = 0

  constructor(context: Context) {
    this.#context = context
    this.#overlay = context.kernel.table(context.seed)
    this.holders = new Holders(context)
  }

  async begin(): Promise<void> {
    await this.#beginLog()
    this.#healed.length = 0
  }

  async #beginLog(): Promise<void> {
    await this.#context.writer.begin()
    this.firstSegment = this.#context.writer.position.segment
    this.#journal.clear()
    if (this.#overlay.count > 0) this.#overlay.clear()
  }

  /**
   * Runs `stage` between `begin` and `commit`, or `rollback` when anything throws. When the disk is full and what was retired before makes room,
   * all of it is done once more.
   */
  async transact(strict: boolean, stage: () => Promise<void>): Promise<void> {
    try {
      await this.#transactOnce(strict, stage)
    } catch (error) {
      if (!(await makesRoom(this.#context, error))) throw error
      await this.transact(strict, stage)
    }
  }

  async #transactOnce(strict: boolean, stage: () => Promise<void>): Promise<void> {
    await this.begin()
    try {
      await stage()
    } catch (error) {
      await this.rollback()
      throw error
    }
    await this.commit(strict)
  }

  /** The live entry of a key as this transaction sees it. */
  find(key: Uint8Array): Location | undefined {
    const staged = this.#overlay.count > 0 ? this.#overlay.find(key) : undefined
    if (staged) return staged.size === DELETED ? undefined : staged
    return this.#context.state.keys.find(key)
  }

  has(key: Uint8Array): boolean {
    return this.find(key) !== undefined
  }

  /**
   * Stores content under its own hash. What is there already, and not known to be damaged, is not written again: then it is false. A
   * promise only when there is something to wait for: thousands of values may be put in one loop.
   */
  put(key: Uint8Array, value: Uint8Array): boolean | Promise<boolean> {
    const live = this.find(key)
    if (live) return this.#isKnownSound(live) ? false : this.#putOver(live, key, value)
    const room = this.append(TAG.put, key, value)
    return room ? room.then(() => true) : true
  }

  async #putOver(live: Location, key: Uint8Array, value: Uint8Array): Promise<boolean> {
    if (await this.#isThere(key, live, value)) return false
    this.#healed.push(keyHex(key))
    await this.append(TAG.put, key, value)
    return true
  }

  /** True when no doubt is possible that an entry holds the content of its key. */
  #isKnownSound(live: Location): boolean {
    const { damagedKeys, files, degraded } = this.#context
    if (damagedKeys.size > 0 || degraded || !files.has(live.segment)) return false
    return keysAreKnownHashes(this.#context) && !this.#isChoosingKeys
  }

  /** Keys are chosen, maybe in this transaction for the first time: then the log does not say so yet. */
  get #isChoosingKeys(): boolean {
    return this.has(CHOSEN_KEYS_KEY)
  }

  /** Whether the live entry of the key holds this content. What is known to be damaged, or in a degraded store turns out to be, does not. */
  async #isThere(key: Uint8Array, live: Location, value: Uint8Array): Promise<boolean> {
    const { damagedKeys, files, degraded } = this.#context
    if (damagedKeys.size > 0 && damagedKeys.has(keyHex(key))) return false
    if (!files.has(live.segment)) return false
    if (!degraded && !this.#isChoosingKeys && (await keysAreHashes(this.#context))) return true
    try {
      return sameBytes(await readValue(this.#context, key, () => this.find(key)), value)
    } catch (error) {
      // Damaged, or the disk refuses to read it: the content is at hand, and is written anew.
      if (!isStoreError(error, 'CORRUPT')) throw error
      return false
    }
  }

  async delete(key: Uint8Array): Promise<boolean> {
    if (!this.has(key)) return false
    await this.append(TAG.delete, key)
    return true
  }

  /** Waits only when there is no room yet. */
  append(tag: EntryTag, key: Uint8Array, value?: Uint8Array): Promise<void> | undefined {
    const room = this.#context.writer.makeRoom()
    if (room) return this.#appendWithRoom(room, tag, key, value)
    this.#append(tag, key, value)
    return undefined
  }

  /** A delete that has to end a segment on a full disk gets the reserve too, not only the commit of one that has not. */
  async #appendWithRoom(room: Promise<void>, tag: EntryTag, key: Uint8Array, value?: Uint8Array): Promise<void> {
    try {
      await room
    } catch (error) {
      const { reserve, writer } = this.#context
      if (tag !== TAG.delete || !isStoreError(error, 'QUOTA')) throw error
      if (!this.#journal.onlyDeletes || !(await reserve.release())) throw error
      await writer.makeRoom()
    }
    this.#append(tag, key, value)
  }

  #append(tag: EntryTag, key: Uint8Array, value: Uint8Array | undefined): void {
    const { writer } = this.#context
    const { segment, offset, size } = writer.append(tag, key, value)
    this.#journal.add(tag, key, 0, segment, offset, size)
    this.#overlay.set(key, 0, segment, offset, tag === TAG.put ? size : DELETED)
  }

  /** Commits, if there is anything; with `strict` everything committed so far is durable afterwards. Rolls back when that fails. */
  async commit(strict: boolean): Promise<void> {
    const { writer, state } = this.#context
    if (this.#journal.count === 0) {
      // A put that failed has taken back what it counted: of that nothing may stay noted.
      await this.rollback()
      if (strict) await flushLog(this.#context)
      return
    }
    const ends = await this.#commitLog(strict).catch((error) => {
      this.holders.rollback()
      throw error
    })
    for (const { segment, offset } of ends) {
      const stats = state.segment(segment)
      this.#context.bytesSinceCheckpoint += offset - stats.bytes
      stats.bytes = offset
    }
    this.#journal.commit(state)
    this.holders.commit()
    this.#context.recency.mark(writer.position)
    for (const key of this.#healed) this.#context.damagedKeys.delete(key)
    if (writer.flushed) await writeHead(this.#context)
  }

  /** Commits in the log, or rolls back. On a full disk deletes get the reserve, and a second try. */
  async #commitLog(strict: boolean): Promise<Position[]> {
    const { writer, reserve, state } = this.#context
    try {
      // What is in the log then is in the state too.
      this.#journal.reserve(state, this.#overlay.count)
      this.holders.reserve()
      return await writer.commit(strict)
    } catch (error) {
      await writer.rollback()
      if (!isStoreError(error, 'QUOTA') || !this.#journal.onlyDeletes || !(await reserve.release())) throw error
    }
    const keys: Uint8Array[] = []
    this.#journal.forEach((_, bytes, keyAt) => {
      keys.push(bytes.slice(keyAt, keyAt + KEY_BYTES))
    })
    // The same transaction once more: what it changes for holders stays.
    await this.#beginLog()
    try {
      for (const key of keys) await this.append(TAG.delete, key)
      return await writer.commit(strict)
    } catch (error) {
      await writer.rollback()
      throw error
    }
  }

  async rollback(): Promise<void> {
    this.holders.rollback()
    await this.#context.writer.rollback()
  }
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, i) => byte === b[i])
}
