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

/**
 * A stream of the bytes of a content; undefined when it is not there. `read` gives bytes from an offset on, some of them, and is called
 * for the next ones only when the reader wants them. What it throws ends the stream, and so does the signal.
 */
export async function streamPieces(
  read: (offset: number) => Promise<Piece | undefined>,
  { offset = 0, length = Number.POSITIVE_INFINITY, signal }: StreamOptions,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
  throwIfAborted(signal)
  let next = await read(offset)
  throwIfAborted(signal)
  if (next === undefined) return undefined
  const { size } = next
  const end = Math.min(offset + length, size)
  let at = offset
  let stop: () => void = () => undefined
  return new ReadableStream(
    {
      start(controller) {
        stop = () => controller.error(signal && abortError(signal))
        signal?.addEventListener('abort', stop)
      },
      async pull(controller) {
        const piece = at < end ? (next ?? (await read(at))) : undefined
        next = undefined
        if (piece?.size !== size && at < end)
          throw new StoreError('NOT_FOUND', 'the content was deleted or replaced while it was read')
        if (signal?.aborted) return
        if (piece) {
          const bytes = piece.bytes.subarray(0, end - at)
          at += bytes.length
          if (bytes.length > 0) controller.enqueue(bytes)
        }
        if (at < end) return
        signal?.removeEventListener('abort', stop)
        controller.close()
      },
      cancel() {
        signal?.removeEventListener('abort', stop)
      },
    },
    // Nothing is read ahead of the reader.
    { highWaterMark: 0 },
  )
}
