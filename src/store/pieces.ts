/** From what a caller hands over as content of any size to its bytes, piece by piece. */

import { throwIfAborted } from '../errors.js'
import { flow } from '../flow.js'
import { held } from '../held.js'
import type { Source } from '../types.js'
import { changedSize, unreadable } from './data.js'

/** A Blob's stream is given buffers of this many bytes, and so many of them at a time. */
const BUFFER_BYTES = 256 * 1024
const BUFFERS = 4
/** When so much has come of it, it has shown whether it fills them: Firefox puts 60 KiB into each, and slices cost less then. */
const TRIAL_BYTES = 1024 * 1024
/** Slices have this many bytes, and so many of them are read at a time: each takes a trip to another process. */
const SLICE_BYTES = 1024 * 1024
const SLICES = 3

/** The bytes of a source, each piece good until the next one is asked for. Throws what the source throws, TypeError for what is no source, ABORTED when one of the signals fires. */
export async function* piecesOf(source: Source, ...signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  signals.forEach(throwIfAborted)
  if (source instanceof Uint8Array) yield source
  else if (source instanceof ArrayBuffer) yield new Uint8Array(source)
  else if (typeof source === 'string') yield new TextEncoder().encode(source)
  else if (source instanceof Blob) yield* blobPieces(source, signals)
  else yield* flow(source, ...signals)
}

/**
 * The bytes of a Blob, by its stream in the same few buffers, which is the cheapest way that there is, or else by slices. What comes next is
 * read meanwhile. A file that has changed since it was chosen cannot be read, or ends too early; in Firefox one that has not become shorter is read as it
 * is now.
 */
async function* blobPieces(blob: Blob, signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  const reader = byteReader(blob)
  if (reader === undefined) return yield* slices(blob, 0, signals)
  const read = (buffer: ArrayBuffer) => awaited(held(reader, reader.read(new Uint8Array(buffer))))
  const reading = Array.from({ length: BUFFERS }, () => read(new ArrayBuffer(BUFFER_BYTES)))
  let at = 0
  try {
    // Not read to the end: in Chromium that may never come.
    for (let count = 1; at < blob.size; count++) {
      signals.forEach(throwIfAborted)
      const { value } = await (reading.shift() as (typeof reading)[0])
      if (!value?.length) throw changedSize(at, blob.size)
      at += value.length
      yield value
      if (at >= TRIAL_BYTES && at < (count * BUFFER_BYTES) / 2) break
      reading.push(read(value.buffer))
    }
  } finally {
    // The bytes have come, or do not matter any more.
    reader.cancel().catch(() => undefined)
  }
  yield* slices(blob, at, signals)
}

/** Undefined where a Blob's stream takes no buffer. */
function byteReader(blob: Blob): ReadableStreamBYOBReader | undefined {
  try {
    return blob.stream().getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}

async function* slices(blob: Blob, from: number, signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  const reading: Promise<ArrayBuffer>[] = []
  let next = from
  for (let at = from; at < blob.size; at += SLICE_BYTES) {
    signals.forEach(throwIfAborted)
    for (; next < blob.size && reading.length < SLICES; next += SLICE_BYTES) {
      reading.push(awaited(blob.slice(next, next + SLICE_BYTES).arrayBuffer()))
    }
    const piece = new Uint8Array(await (reading.shift() as Promise<ArrayBuffer>))
    if (piece.length < Math.min(SLICE_BYTES, blob.size - at)) throw changedSize(at + piece.length, blob.size)
    yield piece
    release(piece.buffer)
  }
}

/**
 * Gives memory back now that nobody reads any more. The collector lets it pile up: a put of a File of 2 GiB took up to 89 MiB in Firefox 153, and takes 20 so.
 * Browsers before 2024 cannot.
 */
function release(buffer: ArrayBuffer & { transfer?(bytes: number): ArrayBuffer }): void {
  buffer.transfer?.(0)
}

/** A read of a Blob that somebody waits for later, or nobody. */
function awaited<T>(read: Promise<T>): Promise<T> {
  const result = read.catch(unreadable)
  result.catch(() => undefined)
  return result
}
