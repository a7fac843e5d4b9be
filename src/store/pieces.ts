/** From what a caller hands over as content of any size to its bytes, piece by piece. */

import { throwIfAborted } from '../errors.js'
import { flow } from '../flow.js'
import type { Source } from '../types.js'

/** A Blob is read in slices of this many bytes. */
const SLICE_BYTES = 1024 * 1024

/** The bytes of a source. Throws what the source throws, TypeError for what is no source, ABORTED when one of the signals fires. */
export async function* piecesOf(source: Source, ...signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  signals.forEach(throwIfAborted)
  if (source instanceof Uint8Array) yield source
  else if (source instanceof ArrayBuffer) yield new Uint8Array(source)
  else if (typeof source === 'string') yield new TextEncoder().encode(source)
  else if (source instanceof Blob) yield* slices(source, signals)
  else yield* flow(source, ...signals)
}

async function* slices(blob: Blob, signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += SLICE_BYTES) {
    signals.forEach(throwIfAborted)
    yield new Uint8Array(await blob.slice(at, at + SLICE_BYTES).arrayBuffer())
  }
}
