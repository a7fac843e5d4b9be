/**
 * The store as it is at one moment, for those who copy it while it is written to. The log only grows: what is committed now stays where it
 * is, as long as no segment is removed and none repaired, and both wait until the last of these is released.
 */

import { closedError, StoreError } from '../errors.js'
import { CHECKPOINT, records } from '../format/checkpoint.js'
import { encodeConfig } from '../format/config.js'
import { encodeHeadSlot, HEAD, type Head } from '../format/head.js'
import { KEY_BYTES } from '../format/key.js'
import { CONFIG_FILE, HEAD_FILE, README_FILE, README_TEXT } from '../format/paths.js'
import type { Location } from '../kernel/kernel.js'
import type { Frozen, FrozenFile } from '../types.js'
import type { Context } from './context.js'
import { keysAreHashes } from './provenance.js'
import { readAt } from './read.js'

/** `closing` fires when the store's close begins. */
export async function freezeStore(context: Context, closing: AbortSignal): Promise<Frozen> {
  if (context.degraded) await context.head.revive()
  // Up to the next await everything is of one moment: a commit changes the state without waiting in between.
  context.frozenCount++
  let isReleased = false
  const release = () => {
    if (!isReleased) context.frozenCount--
    isReleased = true
  }
  const checkHeld = () => {
    if (closing.aborted) throw closedError()
    if (isReleased) throw new StoreError('CLOSED', 'the frozen store was released; freeze the store again')
  }
  try {
    const head = headNow(context)
    const segments = segmentsNow(context)
    const entries = context.state.keys.entries().slice()
    const files = [bytesFile(README_FILE, README_TEXT)]
    if (head) files.push(bytesFile(HEAD_FILE, headBytes(context, head)))
    for (const { segment, end } of segments) files.push(await segmentFile(context, segment, end))
    // Last, as when a store is made: what has none is no store, so a copy that was not finished is not taken for a smaller one.
    files.push(bytesFile(CONFIG_FILE, encodeConfig(context.config)))
    return {
      id: context.config.id,
      keysAreHashes: await keysAreHashes(context),
      files: files.filter(({ size }) => size > 0).map((file) => guarded(file, checkHeld)),
      async entries() {
        checkHeld()
        return entries.slice()
      },
      async value(index) {
        checkHeld()
        return await valueAt(context, entries, index)
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

/** The value of the entry whose record this is. */
async function valueAt(context: Context, entries: Uint8Array<ArrayBuffer>, index: number) {
  const count = entries.length / CHECKPOINT.entryBytes
  if (!(Number.isInteger(index) && index >= 0 && index < count)) {
    throw new StoreError('RANGE', `there are ${count} entries, and none of the number ${index}`)
  }
  const block = entries.subarray(index * CHECKPOINT.entryBytes, (index + 1) * CHECKPOINT.entryBytes)
  const [location] = records(block)
  return await readAt(context, block.subarray(0, KEY_BYTES), location as Location)
}

/** The file, of which nothing is read that is not in it, whatever is asked for, nor after the release. */
function guarded({ path, size, read }: FrozenFile, checkHeld: () => void): FrozenFile {
  return {
    path,
    size,
    async read(at, length) {
      checkHeld()
      if (Number.isInteger(at) && Number.isInteger(length) && at >= 0 && length >= 0 && at + length <= size) {
        return await read(at, length)
      }
      const message = `${length} bytes from ${at} on do not lie within the ${size} bytes of the file`
      throw new StoreError('RANGE', message, { where: { file: path } })
    },
  }
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
