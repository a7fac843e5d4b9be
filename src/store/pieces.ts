/**
 * From what a caller hands over as content of any size to its bytes, piece by piece. A signal ends the waiting for a source that
 * never answers; the source is told, and not waited for.
 */

import { abortError, throwIfAborted } from '../errors.js'
import type { Source } from '../types.js'
import { kindOf } from './data.js'

/** A Blob is read in slices of this many bytes. */
const SLICE_BYTES = 1024 * 1024

/** The bytes of a source. Throws what the source throws, TypeError for what is no source, ABORTED. */
export async function* piecesOf(source: Source, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  throwIfAborted(signal)
  if (source instanceof Uint8Array) yield source
  else if (source instanceof ArrayBuffer) yield new Uint8Array(source)
  else if (typeof source === 'string') yield new TextEncoder().encode(source)
  else if (source instanceof Blob) yield* slices(source, signal)
  else yield* flowing(iterate(source), signal)
}

async function* slices(blob: Blob, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += SLICE_BYTES) {
    throwIfAborted(signal)
    yield new Uint8Array(await blob.slice(at, at + SLICE_BYTES).arrayBuffer())
  }
}

function iterate(source: unknown): AsyncIterator<unknown> {
  if (typeof Response !== 'undefined' && source instanceof Response) {
    if (!source.ok) throw new TypeError(`the response has the status ${source.status}; only a successful one is stored`)
    if (source.bodyUsed) throw new TypeError('the response has been read already')
    return source.body ? readStream(source.body) : readStream(new Blob().stream())
  }
  if (typeof ReadableStream !== 'undefined' && source instanceof ReadableStream) return readStream(source)
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source) {
    return (source as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  }
  const kinds =
    'a Uint8Array, an ArrayBuffer, a Blob, a string, a Response, a ReadableStream or an async iterable of Uint8Arrays'
  throw new TypeError(`a content is ${kinds}, not ${kindOf(source)}`)
}

/** Not by the stream's own iterator, which older browsers do not have. */
function readStream(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader()
  return {
    next: async () => {
      const { done, value } = await reader.read()
      return done ? { done, value: undefined } : { value }
    },
    return: async () => {
      await reader.cancel()
      return { done: true, value: undefined }
    },
  }
}

async function* flowing(iterator: AsyncIterator<unknown>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  let isOpen = true
  let refuse: (error: unknown) => void = () => undefined
  const stop = () => refuse(signal && abortError(signal))
  // Not Promise.race with one promise for the abort: that would hold on to every piece until the end.
  const step = () => {
    return new Promise<IteratorResult<unknown>>((resolve, reject) => {
      refuse = reject
      iterator.next().then(resolve, (error) => {
        isOpen = false
        reject(error)
      })
    })
  }
  signal?.addEventListener('abort', stop)
  try {
    for (;;) {
      throwIfAborted(signal)
      const { done, value } = await step()
      if (done) {
        isOpen = false
        return
      }
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(`the stream of a content gives Uint8Arrays, not ${kindOf(value)}`)
      }
      yield value
    }
  } finally {
    signal?.removeEventListener('abort', stop)
    // The source may be stuck: it is told, and not waited for. What it says to that is of no account any more.
    if (isOpen) iterator.return?.().catch(() => undefined)
  }
}
