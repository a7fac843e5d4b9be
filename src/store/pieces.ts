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
  const step = async () => {
    try {
      const next = await iterator.next()
      isOpen = next.done !== true
      return next
    } catch (error) {
      isOpen = false
      throw error
    }
  }
  const { aborted, release } = abortOf(signal)
  try {
    for (;;) {
      const { done, value } = await Promise.race([step(), aborted])
      if (done) return
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(`the stream of a content gives Uint8Arrays, not ${kindOf(value)}`)
      }
      yield value
    }
  } finally {
    release()
    // The source may be stuck: it is told, and not waited for. What it says to that is of no account any more.
    if (isOpen) iterator.return?.().catch(() => undefined)
  }
}

/** A promise that rejects when the signal fires, and the end of listening to it. */
function abortOf(signal: AbortSignal | undefined): { aborted: Promise<never>; release: () => void } {
  let release: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    if (signal === undefined) return
    const stop = () => reject(abortError(signal))
    signal.addEventListener('abort', stop)
    release = () => signal.removeEventListener('abort', stop)
  })
  aborted.catch(() => undefined)
  return { aborted, release }
}
