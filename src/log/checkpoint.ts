/**
 * Saving the state as a checkpoint and taking it back. A checkpoint is a hint: it is written after the log it covers is
 * flushed, and losing it costs time, never data.
 */

import {
  CHECKPOINT,
  type CheckpointHeader,
  checkpointBytes,
  decodeCheckpointHeader,
  encodeCheckpointHeader,
} from '../format/checkpoint.js'
import { ENTRY } from '../format/entry.js'
import type { Crc } from '../format/head.js'
import { isUserKey, reservedKind } from '../format/key.js'
import { checkpointFile } from '../format/paths.js'
import type { Table } from '../kernel/kernel.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import type { Position } from './position.js'
import type { LogState } from './state.js'

const NO_LIST = { segment: 0, offset: 0, size: 0 }
const RECORD_WORDS = CHECKPOINT.entryBytes / 4
/** The last word of a record. */
const SIZE_WORD = RECORD_WORDS - 1

/** Writes `index.<n>` for the state as it is at `position`, and returns its size in bytes. It is durable when this resolves. */
export async function saveCheckpoint(
  storage: Storage,
  state: LogState,
  position: Position,
  id: Uint8Array,
  crc: Crc,
): Promise<number> {
  const segments = encodeSegments(state)
  const header: CheckpointHeader = {
    transaction: state.transaction,
    segment: position.segment,
    offset: position.offset,
    keys: { count: state.keys.count, crc: state.keys.crc32() },
    shadows: { count: state.shadows.count, crc: state.shadows.crc32() },
    segments: { count: state.segments.size, crc: crc(segments) },
    list: state.list ?? NO_LIST,
  }
  const file = await storage.open(checkpointFile(position.segment), { create: true })
  try {
    file.truncate(0)
    let at: number = CHECKPOINT.headerBytes
    for (const block of [state.keys.entries(), state.shadows.entries(), segments]) {
      if (block.length > 0) file.write(block, at)
      at += block.length
    }
    // The header comes last: until it is there, this is no checkpoint.
    await file.flush()
    file.write(encodeCheckpointHeader(header, id, crc), 0)
    await file.flush()
  } finally {
    file.close()
  }
  return checkpointBytes(header)
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
  const file = await storage.open(name)
  try {
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
  } finally {
    file.close()
  }
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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < bytes.length; at += CHECKPOINT.segmentBytes) {
    state.segments.set(view.getUint32(at, true), {
      bytes: view.getUint32(at + 4, true),
      liveBytes: view.getUint32(at + 8, true),
    })
  }
}
