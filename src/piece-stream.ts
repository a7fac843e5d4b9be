/**
 * Reading a content bit by bit, on the page and in the engine alike: ranges checked, and a stream made of pieces that are read when
 * they are asked for.
 */

import { abortError, StoreError, throwIfAborted } from './errors.js'
import type { Piece, Range, StreamOptions } from './types.js'

/** The range, if it is one: whole numbers from 0 on. Throws RANGE. */
export function checkRange<T extends Range>(range: T): T {
  for (const name of ['offset', 'length'] as const) {
    const value = range[name]
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue
    throw new StoreError('RANGE', `${name} is a whole number of bytes from 0 on, not ${value}`)
  }
  return range
}

/** Bytes of a content from an offset on, some of them. They may come in `memory`, which is lost then. */
export type ReadPiece = (offset: number, memory?: Uint8Array<ArrayBuffer>) => Promise<Piece | undefined>

/**
 * A byte stream of a content; undefined when that is not there. `read` is called for the next bytes only when the reader wants them. What it throws
 * ends the stream, and so does the signal. A reader that brings buffers of its own has them filled, and the memory of one piece is then that of
 * the next: what a reader is given without bringing any is its own, and goes only when the garbage collector comes.
 */
export async function streamPieces(
  read: ReadPiece,
  { offset = 0, length = Number.POSITIVE_INFINITY, signal }: StreamOptions,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
  throwIfAborted(signal)
  let next = await read(offset)
  throwIfAborted(signal)
  if (next === undefined) return undefined
  const { size } = next
  const end = Math.min(offset + length, size)
  let at = offset
  /** Read, and not given to the reader yet. */
  let rest: Uint8Array<ArrayBuffer> = new Uint8Array()
  let memory: Uint8Array<ArrayBuffer> | undefined
  let stop: () => void = () => undefined
  const source = {
    start(controller: ReadableByteStreamController) {
      stop = () => controller.error(signal && abortError(signal))
      signal?.addEventListener('abort', stop)
    },
    async pull(controller: ReadableByteStreamController) {
      if (rest.length === 0 && at < end) {
        const piece = next ?? (await read(at, memory))
        next = undefined
        memory = undefined
        if (piece?.size !== size)
          throw new StoreError('NOT_FOUND', 'the content was deleted or replaced while it was read')
        if (signal?.aborted) return
        rest = piece.bytes.subarray(0, end - at)
      }
      give(controller)
      if (at < end) return
      signal?.removeEventListener('abort', stop)
      controller.close()
      controller.byobRequest?.respond(0)
    },
    cancel() {
      signal?.removeEventListener('abort', stop)
    },
  }
  function give(controller: ReadableByteStreamController): void {
    if (rest.length === 0) return
    // Not there at all in a stream that is no byte stream.
    const { byobRequest } = controller
    const view = byobRequest?.view
    if (!view) {
      at += rest.length
      controller.enqueue(rest)
      rest = new Uint8Array()
      return
    }
    const part = rest.subarray(0, view.byteLength)
    new Uint8Array(view.buffer, view.byteOffset).set(part)
    at += part.length
    rest = rest.subarray(part.length)
    if (rest.length === 0) memory = new Uint8Array(rest.buffer)
    byobRequest.respond(part.length)
  }
  // Not every browser has byte streams. The readers of another stream bring no buffers.
  const type = typeof ReadableByteStreamController === 'undefined' ? undefined : 'bytes'
  // Nothing is read ahead of the reader.
  return new ReadableStream({ ...source, type } as UnderlyingByteSource, { highWaterMark: 0 })
}
