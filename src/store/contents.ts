/**
 * Contents inside the open transaction, whole or in chunks: what a user's put, set and delete mean for the entries of the log. It keeps two
 * rules: a chunk stays as long as a manifest or an upload lists it, and what a user stored stays until the user deletes it.
 */

import { StoreError } from '../errors.js'
import { ENTRY_BYTES_MAX, TAG } from '../format/entry.js'
import { keyHex, RESERVED, sameKey } from '../format/key.js'
import { CHUNK, type Chunk, encodeManifest, MANIFEST, type Manifest, manifestKey } from '../format/manifest.js'
import { valueBytes } from '../log/state.js'
import type { Context } from './context.js'
import type { Holders } from './holders.js'
import { noteChosenKeys } from './provenance.js'
import { unlessDamaged } from './read.js'
import { readManifest } from './read-content.js'
import type { Staging } from './staging.js'

/** About 580,000 chunks: some 300 GB. */
const CHUNKS_MAX = Math.floor((ENTRY_BYTES_MAX - 1024 - MANIFEST.chunks) / CHUNK.bytes)

export class Contents {
  readonly #context: Context
  readonly #staging: Staging

  constructor(context: Context, staging: Staging) {
    this.#context = context
    this.#staging = staging
  }

  get #holders(): Holders {
    return this.#staging.holders
  }

  has(key: Uint8Array): boolean {
    return this.#staging.has(key) || (this.#anyInChunks && this.#staging.has(manifestKey(key)))
  }

  /** Stores content of one entry under its own hash. What is there already is not written again. Waits only when it has to. */
  put(key: Uint8Array, value: Uint8Array): Promise<void> | undefined {
    const isNew = this.#staging.put(key, value)
    if (isNew instanceof Promise || this.#anyInChunks) return this.#claimHeld(isNew, key, value.length)
    if (!isNew) this.#context.recency.reput(key)
    return undefined
  }

  /** Claims it if it is a chunk of larger contents. */
  async #claimHeld(isNew: boolean | Promise<boolean>, key: Uint8Array, size: number): Promise<void> {
    if (!(await isNew)) this.#context.recency.reput(key)
    else await this.#deleteOtherManifest(key, [{ key, size }])
    if ((await this.#holdersOf(key)) > 0) await this.#claim({ key, size })
  }

  /** Keeps what is there as a content, also when so far it was only a chunk of larger ones. False when there is nothing. */
  async keep(key: Uint8Array): Promise<boolean> {
    const location = this.#staging.find(key)
    if (location === undefined && !this.has(key)) return false
    this.#context.recency.reput(key)
    if (location && (await this.#holdersOf(key)) > 0) await this.#claim({ key, size: valueBytes(location) })
    return true
  }

  /** Stores a chunk and counts one holder for it: a list with it has to be written in the same transaction. */
  async putChunk(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#holders.load()
    // Also when it was damaged and is written again.
    const wasThere = this.#staging.has(key)
    await this.#staging.put(key, value)
    const chunk = { key, size: value.length }
    // It was there for its own sake, and must not go when its lists do.
    if (wasThere && this.#holders.lists.count(key) === 0) await this.#claim(chunk)
    this.#holders.changeLists([chunk], 1)
  }

  /** Stores a content whose chunks are all there. */
  async putManifest(manifest: Manifest): Promise<void> {
    const { key, chunks } = manifest
    if (chunks.length > CHUNKS_MAX) {
      throw new StoreError('TOO_LARGE', `a content is at most ${CHUNKS_MAX} chunks, this one has ${chunks.length}`)
    }
    if (await this.#deleteOtherManifest(key, chunks)) return this.#context.recency.reput(key)
    const lost = chunks.find((chunk) => !this.#staging.has(chunk.key))
    if (lost) throw lostChunk(lost)
    await this.#holders.load()
    const isOwnChunk = chunks.some((chunk) => sameKey(chunk.key, 0, key, 0))
    // Set by somebody who chose this key; the content itself is not that.
    if (!isOwnChunk && (await this.#holdersOf(key)) === 0) await this.#staging.delete(key)
    await this.#staging.append(TAG.put, manifestKey(key), encodeManifest(manifest))
    this.#holders.changeLists(chunks, 1)
  }

  /** Takes back one holder of each, and deletes those that have no other. A name holds one whose own list a repair had to give up. */
  async releaseChunks(chunks: readonly Chunk[]): Promise<void> {
    const { lists, names } = this.#holders
    this.#holders.changeLists(chunks, -1)
    for (const { key } of chunks) {
      if (lists.count(key) === 0 && names.count(key) === 0) await this.#staging.delete(key)
    }
  }

  /**
   * Deletes an entry that lists chunks, and those of the chunks that nobody else lists. One that cannot be read goes alone: which chunks were its
   * own is not known any more, but they may have been counted.
   */
  async deleteList(name: Uint8Array, chunks: readonly Chunk[] | undefined): Promise<void> {
    await this.#holders.load()
    // A repair may have taken it away: then it does not hold its chunks any more, and they may have got another holder.
    if (!(await this.#staging.delete(name))) return
    if (chunks && this.#holders.isCounted(name)) await this.releaseChunks(chunks)
    else this.#holders.recount()
  }

  /** Stores under a key of the caller's choice. */
  async set(key: Uint8Array, value: Uint8Array): Promise<void> {
    const own =
      (await this.#readManifestOrMiss(key))?.chunks.filter((chunk) => sameKey(chunk.key, 0, key, 0)).length ?? 0
    if ((await this.#holdersOf(key)) > own) throw chunkOfAnother(key)
    await this.#deleteManifest(key)
    await this.#staging.append(TAG.put, key, value)
    await noteChosenKeys(this.#staging)
  }

  /** False if it was not there, or only as a chunk of larger contents. Throws IN_USE when it has a name. */
  async delete(key: Uint8Array): Promise<boolean> {
    if (await this.#isNamed(key)) throw inUse(key)
    const wasInChunks = await this.#deleteManifest(key)
    if (!this.#staging.has(key) || (await this.#holdersOf(key)) > 0) return wasInChunks
    return await this.#staging.delete(key)
  }

  /** False as long as no content is in chunks: then nothing here costs anything. */
  get #anyInChunks(): boolean {
    const { state } = this.#context
    return state.ownCount(RESERVED.manifest) + state.ownCount(RESERVED.uploadPart) > 0 || this.#holders.lists.isChanging
  }

  async #holdersOf(key: Uint8Array): Promise<number> {
    if (!this.#anyInChunks) return 0
    await this.#holders.load()
    return this.#holders.lists.count(key)
  }

  async #isNamed(key: Uint8Array): Promise<boolean> {
    if (this.#context.state.ownCount(RESERVED.ref) === 0 && !this.#holders.names.isChanging) return false
    await this.#holders.load()
    return this.#holders.names.count(key) > 0
  }

  /** Says of a chunk of larger contents that it is wanted for its own sake too. */
  async #claim(chunk: Chunk): Promise<void> {
    await this.putManifest({ key: chunk.key, size: chunk.size, chunks: [chunk] })
  }

  /**
   * True when there is a manifest with these chunks. Another one goes: it cannot be read, or was written when the config had other sizes of chunks,
   * and then the content would be there twice, and what is lost of the old chunks would not be healed.
   */
  async #deleteOtherManifest(key: Uint8Array, chunks: readonly Chunk[]): Promise<boolean> {
    const old = await this.#readManifestOrMiss(key)
    if (old && sameChunks(old.chunks, chunks)) return true
    await this.#deleteManifest(key)
    return false
  }

  async #deleteManifest(key: Uint8Array): Promise<boolean> {
    const name = manifestKey(key)
    if (!this.#anyInChunks || !this.#staging.has(name)) return false
    await this.deleteList(name, (await this.#readManifestOrMiss(key))?.chunks)
    return true
  }

  /** Undefined when there is none, and when it cannot be read. */
  async #readManifestOrMiss(key: Uint8Array): Promise<Manifest | undefined> {
    if (!this.#anyInChunks) return undefined
    const name = manifestKey(key)
    return await unlessDamaged(readManifest(this.#context, key, () => this.#staging.find(name)))
  }
}

function sameChunks(a: readonly Chunk[], b: readonly Chunk[]): boolean {
  return a.length === b.length && a.every(({ key }, i) => sameKey(key, 0, (b[i] as Chunk).key, 0))
}

function inUse(key: Uint8Array): StoreError {
  const message = 'a name points to this content; delete the name first (refs.delete), and gc() takes what has none'
  return new StoreError('IN_USE', message, { where: { key: keyHex(key) } })
}

function lostChunk({ key }: Chunk): StoreError {
  const message = 'a repair has taken away a chunk of the content while it came; give it to the store again'
  return new StoreError('CORRUPT', message, { where: { key: keyHex(key) } })
}

function chunkOfAnother(key: Uint8Array): StoreError {
  const message =
    'the bytes under this key are part of a larger content; choose another key, or delete that content first'
  return new StoreError('BAD_KEY', message, { where: { key: keyHex(key) } })
}
