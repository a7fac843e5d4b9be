/**
 * One upload under way: its chunks are committed as they come, held by upload parts and seen by nobody; its last transaction writes the
 * manifest and takes the parts away. What a failure leaves of it can be resumed or is gone.
 */

import { isStoreError, StoreError, throwIfAborted } from '../errors.js'
import { kindOf } from '../flow.js'
import { wholeBytesMax } from '../format/chunks.js'
import { TAG } from '../format/entry.js'
import { keyHex, sameKey } from '../format/key.js'
import { type Chunk, decodeUploadPart, encodeUploadPart, manifestKey, uploadPartKey } from '../format/manifest.js'
import type { Key } from '../types.js'
import type { Contents } from './contents.js'
import type { Context } from './context.js'
import { expectKey, mismatch } from './keyed.js'
import type { WriteQueue } from './queue.js'
import { readValue, unlessDamaged } from './read.js'
import { type Find, readManifest } from './read-content.js'
import type { Staging } from './staging.js'
import { type ChunkWithBytes, type Sink, Upload } from './upload.js'

/** What is known of a content before it comes. */
export interface Expected {
  key: Uint8Array<ArrayBuffer>
  /** Bytes; only an upload with a size can be resumed. */
  size?: number
}

/** One upload, from its first byte to its key. Its calls run one after the other; after `finish`, `pause` or `discard` it is over. */
export class RunningUpload {
  readonly #context: Context
  readonly #staging: Staging
  readonly #contents: Contents
  readonly #queue: WriteQueue
  readonly #id: Uint8Array
  readonly #expected: Expected | undefined
  readonly #release: () => void
  /** The chunks of each part that is committed; undefined for one that cannot be read. */
  readonly #parts: (Chunk[] | undefined)[] = []
  /** Made when the first bytes come: it takes some mebibytes. */
  #upload: Upload | undefined
  /** The content is in the store already: there is nothing to take. */
  #isThere = false
  #isOver = false
  /** What made it impossible to go on: bytes have been taken whose chunks are not stored. */
  #failure: { error: unknown } | undefined
  #offset = 0
  #tail: Promise<unknown> = Promise.resolve()

  constructor(
    context: Context,
    staging: Staging,
    contents: Contents,
    queue: WriteQueue,
    id: Uint8Array,
    expected: Expected | undefined,
    release: () => void,
  ) {
    this.#context = context
    this.#staging = staging
    this.#contents = contents
    this.#queue = queue
    this.#id = id
    this.#expected = expected
    this.#release = release
  }

  /** Parts are there that nobody can resume. */
  get hasGarbage(): boolean {
    return this.#parts.length > 0 && this.#expected?.size === undefined
  }

  /** Bytes taken so far, those of an earlier session that were kept included: the next `write` begins here. */
  get offset(): number {
    return this.#offset
  }

  /** Takes the next bytes. Waits while they are written, so a source that waits for it never outruns the disk. */
  async write(bytes: Uint8Array): Promise<void> {
    const kind = kindOf(bytes)
    if (kind !== 'Uint8Array') throw new TypeError(`an ingest takes Uint8Arrays, not ${kind}`)
    await this.#inTurn(async () => {
      this.#assertWhole()
      const size = this.#expected?.size
      if (size !== undefined && this.#offset + bytes.length > size) throw mismatch(`it has more than ${size} bytes`)
      try {
        if (!this.#isThere) await this.#begun().write(bytes)
        // Who may go on later is told at once what could not be stored; a put is told in the end.
        if (size !== undefined) await this.#upload?.stored()
      } catch (error) {
        this.#failure = { error }
        throw error
      }
      this.#offset += bytes.length
    })
  }

  /** Makes the content visible, under its key. Throws MISMATCH when it is not the expected one; it is gone then, and on any failure if it cannot be resumed. */
  async finish(strict: boolean, signal?: AbortSignal): Promise<Key> {
    const size = this.#expected?.size
    return await this.#inTurn(async () => {
      this.#assertWhole()
      if (size !== undefined && this.#offset !== size) {
        throw new StoreError('MISMATCH', `${this.#offset} of ${size} bytes have come; write the others before`)
      }
      return await this.#last(async () => {
        try {
          return await this.#complete(strict, signal)
        } catch (error) {
          if (!this.#isKept || isStoreError(error, 'MISMATCH')) await this.#dropParts()
          throw error
        }
      })
    })
  }

  /** Stops here: what can be resumed is kept, up to the last whole chunk. Does nothing when it is over. */
  async pause(): Promise<void> {
    await this.#endUnlessOver(async () => {
      if (!this.#isKept) await this.#dropParts()
      else if (!this.#failure) await this.#upload?.handOn()
    })
  }

  /** Gives up, and nothing is kept. Does nothing when it is over. */
  async discard(): Promise<void> {
    await this.#endUnlessOver(() => this.#dropParts())
  }

  /**
   * Takes up what an earlier upload of the same content has left: at least so many parts, of which a repair may have taken some away. Its first
   * call: what ends it meanwhile, as a close does, waits.
   */
  async resume(expected: { key: Uint8Array; size: number }, partsLeast: number): Promise<void> {
    await this.#next(() => this.#takeUp(expected, partsLeast))
  }

  async #takeUp({ key, size }: { key: Uint8Array; size: number }, partsLeast: number): Promise<void> {
    // A repair makes another state.
    const find: Find = (name) => this.#context.state.keys.find(name)
    const stored: Chunk[] = []
    let saved: Uint8Array | undefined
    let isSame = true
    for (let number = 0; ; number++) {
      const name = uploadPartKey(this.#id, number)
      if (number >= partsLeast && !find(name)) break
      const value = await unlessDamaged(readValue(this.#context, name, () => find(name)))
      const part = value && decodeUploadPart(value)
      isSame &&=
        part?.expected?.size === size && sameKey(part.expected.key, 0, key, 0) && this.#areThere(part.chunks, find)
      this.#parts.push(part?.chunks)
      stored.push(...(part?.chunks ?? []))
      saved = part?.state
    }
    const held = await this.#heldBytes(key, find)
    if (held !== undefined) {
      this.#isThere = true
      this.#offset = held
    }
    // Of another size, damaged, not all there, or not needed any more.
    if (this.#isThere || !isSame) return await this.#dropParts()
    if (saved === undefined) return
    this.#begun({ stored, state: saved })
    this.#offset = stored.reduce((sum, chunk) => sum + chunk.size, 0)
  }

  /** Bytes of the content, if it is there and not known to be damaged; under its key may also stand what somebody set who chose it. */
  async #heldBytes(key: Uint8Array, find: Find): Promise<number | undefined> {
    const { hasher } = this.#context
    const manifest = await unlessDamaged(readManifest(this.#context, key, () => find(manifestKey(key))))
    if (manifest) return this.#areThere(manifest.chunks, find) ? manifest.size : undefined
    const value = await unlessDamaged(readValue(this.#context, key, () => find(key)))
    return value && sameKey(await hasher.sha256(value), 0, key, 0) ? value.length : undefined
  }

  /** False when one of them is lost or known to be damaged. */
  #areThere(chunks: readonly Chunk[], find: Find): boolean {
    const { files, damagedKeys } = this.#context
    return chunks.every(({ key }) => {
      const place = find(key)
      return place && files.has(place.segment) && !(damagedKeys.size > 0 && damagedKeys.has(keyHex(key)))
    })
  }

  #assertWhole(): void {
    if (this.#failure) throw this.#failure.error
  }

  /** What is not large is one entry, however it came, so there are no parts of it to keep. */
  get #isKept(): boolean {
    return (this.#expected?.size ?? 0) > wholeBytesMax(this.#context.config.chunkSizes)
  }

  #begun(saved?: { stored: Chunk[]; state: Uint8Array }): Upload {
    const { kernel, hasher, config } = this.#context
    const sink: Sink = (chunks, state) => this.#storePart(chunks, state)
    const options = { kernel, hasher, sizes: config.chunkSizes }
    this.#upload ??= new Upload(options, sink, saved)
    return this.#upload
  }

  async #storePart(chunks: ChunkWithBytes[], state: Uint8Array): Promise<void> {
    const { key, size } = this.#expected ?? {}
    const expected = key && size !== undefined ? { key, size } : undefined
    const value = encodeUploadPart({ expected, state, chunks })
    const name = uploadPartKey(this.#id, this.#parts.length)
    await this.#write(false, async () => {
      for (const { key, bytes } of chunks) await this.#contents.putChunk(key, bytes)
      await this.#staging.append(TAG.put, name, value)
    })
    this.#parts.push(chunks.map(({ key, size }) => ({ key, size })))
  }

  async #complete(strict: boolean, signal: AbortSignal | undefined): Promise<Key> {
    const expected = this.#expected
    if (this.#isThere && expected) {
      const { key } = expected
      await this.#write(strict, async () => {
        const isHeld = (await this.#heldBytes(key, (name) => this.#staging.find(name))) !== undefined
        if (isHeld && (await this.#contents.keep(key))) return
        const message = 'the content was deleted or replaced while it was being taken in; begin another ingest'
        throw new StoreError('NOT_FOUND', message, { where: { key: keyHex(key) } })
      })
      return keyHex(key)
    }
    const done = expectKey(await this.#begun().finish(), expected?.key)
    await this.#write(strict, async () => {
      throwIfAborted(signal)
      if ('bytes' in done) await this.#contents.put(done.key, done.bytes)
      else await this.#contents.putManifest(done)
      await this.#deleteParts()
    })
    this.#parts.length = 0
    return keyHex(done.key)
  }

  async #dropParts(): Promise<void> {
    // A part that is still on its way would stay.
    await this.#upload?.end()
    if (this.#parts.length > 0) await this.#write(false, () => this.#deleteParts())
    this.#parts.length = 0
  }

  async #deleteParts(): Promise<void> {
    for (const [number, chunks] of this.#parts.entries()) {
      await this.#contents.deleteList(uploadPartKey(this.#id, number), chunks)
    }
  }

  async #write(strict: boolean, stage: () => Promise<void>): Promise<void> {
    await this.#queue.write(strict, () => undefined, stage)
  }

  async #endUnlessOver(run: () => Promise<void>): Promise<void> {
    await this.#next(async () => {
      if (!this.#isOver) await this.#last(run)
    })
  }

  async #last<T>(run: () => Promise<T>): Promise<T> {
    this.#isOver = true
    try {
      return await run()
    } finally {
      await this.#upload?.end()
      this.#release()
    }
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    return await this.#next(() => {
      if (this.#isOver) throw new StoreError('TX_CLOSED', 'the upload has ended; begin another one')
      return run()
    })
  }

  /** Whatever is called while another call runs waits for its end. */
  async #next<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(run)
    this.#tail = result.catch(() => undefined)
    return await result
  }
}
