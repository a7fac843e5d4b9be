/**
 * Saving the state as a checkpoint, in slices or at once, and taking it back. A checkpoint is a hint: it is written after the log it covers is
 * flushed, and losing it costs time, never data.
 */

import { assert } from '../errors.js'
import {
  CHECKPOINT,
  type CheckpointHeader,
  checkpointBytes,
  decodeCheckpointHeader,
  encodeCheckpointHeader,
} from '../format/checkpoint.js'
import { dataViewOf } from '../format/data-view.js'
import { ENTRY } from '../format/entry.js'
import type { Crc } from '../format/head.js'
import { isUserKey, reservedKind } from '../format/key.js'
import { checkpointFile } from '../format/paths.js'
import type { Table } from '../kernel/kernel.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import { withFile } from '../storage/use.js'
import type { Position } from './position.js'
import type { LogState } from './state.js'

const NO_LIST = { segment: 0, offset: 0, size: 0 }
const RECORD_WORDS = CHECKPOINT.entryBytes / 4
/** The last word of a record. */
const SIZE_WORD = RECORD_WORDS - 1

/** A stretch of a checkpoint's file, and the CRC of what was read of it so far. */
interface Part {
  readonly bytes: { readonly size: number; read(target: Uint8Array): number }
  readonly count: number
  left: number
  crc: number
}

/**
 * A checkpoint on its way to the disk, of the state as it was when this began. It goes in slices, and between them the state may
 * change; only its end makes a checkpoint of it. `write` until it answers false, then `finish`; or `abandon` at any time.
 */
export class CheckpointSave {
  readonly position: Position
  readonly #file: StorageFile
  readonly #state: LogState
  readonly #id: Uint8Array
  readonly #crc: Crc
  readonly #transaction: number
  readonly #list: CheckpointHeader['list']
  readonly #parts: readonly [keys: Part, shadows: Part, segments: Part]
  readonly #slice: Uint8Array<ArrayBuffer>
  #at: number = CHECKPOINT.headerBytes

  private constructor(
    file: StorageFile,
    state: LogState,
    position: Position,
    id: Uint8Array,
    crc: Crc,
    sliceBytes: number,
  ) {
    this.position = position
    this.#file = file
    this.#state = state
    this.#id = id
    this.#crc = crc
    this.#transaction = state.transaction
    this.#list = state.list ?? NO_LIST
    const segments = encodeSegments(state)
    this.#parts = [
      partOf(state.keys.snapshot(), state.keys.count),
      partOf(state.shadows.snapshot(), state.shadows.count),
      partOf(inOrder(segments), state.segments.size),
    ]
    this.#slice = new Uint8Array(Math.min(sliceBytes, Math.max(...this.#parts.map(({ left }) => left))))
  }

  /** Begins `index.<n>` for the state as it is now, at `position`. */
  static async begin(
    storage: Storage,
    state: LogState,
    position: Position,
    id: Uint8Array,
    crc: Crc,
    sliceBytes: number,
  ): Promise<CheckpointSave> {
    const file = await storage.open(checkpointFile(position.segment), { create: true })
    try {
      file.truncate(0)
      return new CheckpointSave(file, state, position, id, crc, sliceBytes)
    } catch (error) {
      // The disk may refuse, or there may be no memory for the slices.
      file.close()
      throw error
    }
  }

  /** Writes one slice. False when there was none left. */
  write(): boolean {
    const part = this.#parts.find(({ left }) => left > 0)
    if (part === undefined) return false
    const slice = this.#slice.subarray(0, Math.min(this.#slice.length, part.left))
    assert(part.bytes.read(slice) === slice.length, 'a part has the bytes it began with')
    part.crc = this.#crc(slice, part.crc)
    this.#file.write(slice, this.#at)
    this.#at += slice.length
    part.left -= slice.length
    return true
  }

  /** So that the end does not have to wait for all of it. */
  async flush(): Promise<void> {
    await this.#file.flush()
  }

  /** Makes it a checkpoint, which is durable when this resolves. Its file is closed then, whatever happens. */
  async finish(): Promise<void> {
    const [keys, shadows, segments] = this.#parts
    const header: CheckpointHeader = {
      transaction: this.#transaction,
      segment: this.position.segment,
      offset: this.position.offset,
      keys,
      shadows,
      segments,
      list: this.#list,
    }
    assert(checkpointBytes(header) === this.#at, 'everything is written before the header')
    try {
      // The header comes last: until it is there, this is no checkpoint.
      await this.#file.flush()
      this.#file.write(encodeCheckpointHeader(header, this.#id, this.#crc), 0)
      await this.#file.flush()
    } finally {
      this.abandon()
    }
  }

  abandon(): void {
    this.#state.keys.releaseSnapshot()
    this.#state.shadows.releaseSnapshot()
    this.#file.close()
  }
}

/** Bytes to be read from the first to the last. */
function inOrder(bytes: Uint8Array): Part['bytes'] {
  let at = 0
  return {
    size: bytes.length,
    read(target) {
      target.set(bytes.subarray(at, at + target.length))
      at += target.length
      return target.length
    },
  }
}

function partOf(bytes: Part['bytes'], count: number): Part {
  return { bytes, count, left: bytes.size, crc: 0 }
}

export type CheckpointLoad = { kind: 'loaded'; position: Position } | { kind: 'none' | 'corrupt' }

/** Reads `index.<n>` into the state, which is left empty unless the answer is 'loaded'. */
export async function loadCheckpoint(
  storage: Storage,
  name: string,
  state: LogState,
  id: Uint8Array,
  crc: Crc,
): Promise<CheckpointLoad> {
  return await withFile(storage, name, {}, (file): CheckpointLoad => {
    const bytes = new Uint8Array(CHECKPOINT.headerBytes)
    const got = file.read(bytes, 0)
    const read = decodeCheckpointHeader(bytes.subarray(0, got), file.size(), id, crc)
    if (read.kind !== 'header') return read
    state.clear()
    if (fill(file, state, read.header, crc)) {
      return { kind: 'loaded', position: { segment: read.header.segment, offset: read.header.offset } }
    }
    state.clear()
    return { kind: 'corrupt' }
  })
}

function fill(file: StorageFile, state: LogState, header: CheckpointHeader, crc: Crc): boolean {
  const keysAt = CHECKPOINT.headerBytes
  const shadowsAt = keysAt + header.keys.count * CHECKPOINT.entryBytes
  const segmentsAt = shadowsAt + header.shadows.count * CHECKPOINT.entryBytes
  const segments = new Uint8Array(header.segments.count * CHECKPOINT.segmentBytes)
  const whole =
    loadTable(file, state.keys, keysAt, header.keys) &&
    loadTable(file, state.shadows, shadowsAt, header.shadows) &&
    file.read(segments, segmentsAt) === segments.length &&
    crc(segments) === header.segments.crc
  if (!whole) return false
  decodeSegments(segments, state)
  state.transaction = header.transaction
  state.list = header.list.size > 0 ? header.list : undefined
  countEntries(state)
  return true
}

function loadTable(file: StorageFile, table: Table, at: number, block: { count: number; crc: number }): boolean {
  return (
    table.load(block.count, (bytes) => bytes.length === 0 || file.read(bytes, at) === bytes.length) &&
    table.crc32() === block.crc
  )
}

/** Counts what the index holds. Not by `records`, which would take a tenth of a second for a million keys. */
function countEntries(state: LogState): void {
  const block = state.keys.entries()
  const words = new Uint32Array(block.buffer, block.byteOffset, block.length / 4)
  let entryBytes = 0
  let ownCount = 0
  for (let word = 0; word < words.length; word += RECORD_WORDS) {
    if (words[word] === 0 && !isUserKey(block, word * 4)) {
      const kind = reservedKind(block, word * 4) as number
      state.ownCounts.set(kind, state.ownCount(kind) + 1)
      ownCount++
    } else {
      entryBytes += words[word + SIZE_WORD] as number
    }
  }
  state.userCount = state.keys.count - ownCount
  state.userBytes = entryBytes - state.userCount * ENTRY.putHeaderBytes
}

function encodeSegments(state: LogState): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(state.segments.size * CHECKPOINT.segmentBytes)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [segment, { bytes: size, liveBytes }] of [...state.segments].sort(([a], [b]) => a - b)) {
    view.setUint32(at, segment, true)
    view.setUint32(at + 4, size, true)
    view.setUint32(at + 8, liveBytes, true)
    at += CHECKPOINT.segmentBytes
  }
  return bytes
}

function decodeSegments(bytes: Uint8Array, state: LogState): void {
  const view = dataViewOf(bytes)
  for (let at = 0; at < bytes.length; at += CHECKPOINT.segmentBytes) {
    state.segments.set(view.getUint32(at, true), {
      bytes: view.getUint32(at + 4, true),
      liveBytes: view.getUint32(at + 8, true),
    })
  }
}
