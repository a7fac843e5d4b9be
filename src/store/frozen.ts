/**
 * The store as it is at one moment, for those who copy it while it is written to. The log only grows: what is committed now stays where it
 * is, as long as no segment is removed and none repaired, and both wait until the last of these is released.
 */

import { assert, StoreError } from '../errors.js'
import { records } from '../format/checkpoint.js'
import { encodeConfig } from '../format/config.js'
import { encodeHeadSlot, HEAD, type Head } from '../format/head.js'
import { KEY_BYTES } from '../format/key.js'
import { CONFIG_FILE, HEAD_FILE, README_FILE, README_TEXT } from '../format/paths.js'
import type { Location } from '../kernel/kernel.js'
import type { Context } from './context.js'
import { keysAreHashes } from './provenance.js'
import { readValue } from './read.js'

/** A file of the store's directory, of which the first `size` bytes count. */
export interface FrozenFile {
  path: string
  size: number
  /** `length` bytes from `at` on, which lie within the size. */
  read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>
}

/** A PUT that the index points to; the store's own ones are among them. */
export interface FrozenEntry {
  key: Uint8Array<ArrayBuffer>
  /** Of the whole entry, in bytes. */
  location: Location
}

export interface Frozen {
  readonly id: string
  /** False when any key may have been chosen: then only its bytes say what is under it. */
  readonly keysAreHashes: boolean
  /** What makes a directory that opens as this store: README, config, head, segments. */
  readonly files: readonly FrozenFile[]
  /** Live entries in the order of the log. */
  readonly entries: readonly FrozenEntry[]
  /** The value of an entry, checked. Throws CORRUPT. */
  value(entry: FrozenEntry): Promise<Uint8Array<ArrayBuffer>>
  /** Has to be called when it is no longer needed; twice does no harm. */
  release(): void
}

export async function freezeStore(context: Context): Promise<Frozen> {
  // Up to the first await everything is of one moment: a commit changes the state without waiting in between.
  context.frozenCount++
  let isReleased = false
  const release = () => {
    if (!isReleased) context.frozenCount--
    isReleased = true
  }
  const head = headNow(context)
  const segments = segmentsNow(context)
  const entries = entriesNow(context)
  try {
    const files = [bytesFile(README_FILE, README_TEXT), bytesFile(CONFIG_FILE, encodeConfig(context.config))]
    if (head) files.push(bytesFile(HEAD_FILE, headBytes(context, head)))
    for (const { segment, end } of segments) files.push(await segmentFile(context, segment, end))
    return {
      id: context.config.id,
      keysAreHashes: await keysAreHashes(context),
      files: files.filter(({ size }) => size > 0),
      entries,
      async value({ key, location }) {
        const value = await readValue(context, key, () => location)
        assert(value !== undefined, 'a place that is given is always looked at')
        return value
      },
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}

/** How far the log is committed. A damaged store's head says how far it once was whole, and goes on saying so. */
function headNow(context: Context): Head | undefined {
  if (context.degraded) return context.head.read().head
  const { state } = context
  const segment = lastSegment(context)
  return { transaction: state.transaction, segment, offset: state.segments.get(segment)?.bytes ?? 0 }
}

function lastSegment({ state }: Context): number {
  let last = 0
  for (const segment of state.segments.keys()) last = Math.max(last, segment)
  return last
}

/** Every segment that the log consists of. Only the last one may go on behind its `end`, with what is not committed. */
function segmentsNow(context: Context): { segment: number; end: number | undefined }[] {
  const { state, files } = context
  const retired = new Set([...context.retired, ...context.outlived])
  const last = lastSegment(context)
  return files
    .list()
    .filter((segment) => segment <= last && !retired.has(segment))
    .map((segment) => ({ segment, end: segment === last ? state.segments.get(segment)?.bytes : undefined }))
}

function entriesNow({ state }: Context): FrozenEntry[] {
  const block = state.keys.entries().slice()
  const entries = Array.from(records(block), ({ at, segment, offset, size }) => ({
    key: block.subarray(at, at + KEY_BYTES),
    location: { segment, offset, size },
  }))
  return entries.sort((a, b) => a.location.segment - b.location.segment || a.location.offset - b.location.offset)
}

function bytesFile(path: string, contents: string | Uint8Array<ArrayBuffer>): FrozenFile {
  const bytes = typeof contents === 'string' ? new TextEncoder().encode(contents) : contents
  return { path, size: bytes.length, read: async (at, length) => bytes.slice(at, at + length) }
}

function headBytes({ id, crc }: Context, head: Head): Uint8Array<ArrayBuffer> {
  const slot = encodeHeadSlot(head, id, crc)
  const bytes = new Uint8Array(HEAD.slots * HEAD.slotBytes)
  for (let i = 0; i < HEAD.slots; i++) bytes.set(slot, i * HEAD.slotBytes)
  return bytes
}

async function segmentFile({ files }: Context, segment: number, end: number | undefined): Promise<FrozenFile> {
  const path = files.path(segment)
  const size = end ?? (await files.with(segment, (file) => file.size()))
  return {
    path,
    size,
    async read(at, length) {
      const bytes = new Uint8Array(length)
      const count = await files.with(segment, (file) => file.read(bytes, at))
      if (count === length) return bytes
      throw new StoreError('CORRUPT', `the segment ends at ${at + count}, before its ${size} bytes`, {
        where: { segment, offset: at + count, file: path },
      })
    },
  }
}
