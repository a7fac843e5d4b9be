/** From what a caller hands over as content of any size to its bytes, piece by piece. */

import { StoreError, throwIfAborted } from '../errors.js'
import { flow } from '../flow.js'
import type { Source } from '../types.js'

/** A Blob is read in pieces of this many bytes. */
const PIECE_BYTES = 256 * 1024
/** So many of them while the one before is taken. */
const AHEAD = 3
/** And in slices of this many where its stream cannot fill a buffer that is given: each costs a trip to another process. */
const SLICE_BYTES = 4 * 1024 * 1024

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
 * The bytes of a Blob, all in the same buffer: of everything that browsers offer that costs the least in Chromium and Firefox, a third of reading slices.
 * A file that has changed since it was chosen cannot be read, or ends too early.
 */
async function* blobPieces(blob: Blob, signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  const reader = byteReader(blob)
  if (reader === undefined) return yield* slices(blob, signals)
  const reading: Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>[] = []
  const readTo = (buffer: ArrayBuffer) => {
    const read = reader.read(new Uint8Array(buffer)).catch(unreadable)
    // Met below, unless all bytes have come before.
    read.catch(() => undefined)
    reading.push(read)
  }
  for (let ahead = 0; ahead < AHEAD; ahead++) readTo(new ArrayBuffer(PIECE_BYTES))
  try {
    // Not read to the end: in Chromium that may never come.
    for (let at = 0; at < blob.size; ) {
      signals.forEach(throwIfAborted)
      const { value } = await (reading.shift() as (typeof reading)[0])
      if (!value?.length)
        throw new StoreError('IO', `the Blob has ${at} of its ${blob.size} bytes; choose the file again`)
      at += value.length
      yield value
      readTo(value.buffer)
    }
  } finally {
    // The bytes have come, or do not matter any more.
    reader.cancel().catch(() => undefined)
  }
}

/** Undefined where a Blob's stream takes no buffer. */
function byteReader(blob: Blob): ReadableStreamBYOBReader | undefined {
  try {
    return blob.stream().getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}

async function* slices(blob: Blob, signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += SLICE_BYTES) {
    signals.forEach(throwIfAborted)
    yield new Uint8Array(
      await blob
        .slice(at, at + SLICE_BYTES)
        .arrayBuffer()
        .catch(unreadable),
    )
  }
}

function unreadable(cause: unknown): never {
  const message = `the Blob cannot be read (${cause}); if it is a file, it has changed or gone: choose it again`
  throw new StoreError('IO', message, { cause })
}
