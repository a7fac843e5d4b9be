/**
 * A source that flows, on its way to the store: the call says the number of a pipe, and the bytes follow in calls of their own, each
 * answered when the store has taken it. So only a bounded number of bytes is on the way. Used by `put`.
 */

import { flow } from '../flow.js'
import type { Source } from '../types.js'
import type { Connection } from './connection.js'

/** Bytes of one message at most. */
const WRITE_BYTES_MAX = 1024 * 1024
/** Sent and not answered yet. */
const WAY_BYTES_MAX = 4 * WRITE_BYTES_MAX
/** What a write counts for beside its bytes. */
const CALL_BYTES = 256

/** Makes the call by `send`, with the number of the pipe, and sends the bytes of the source. When the source fails, so does the call, with its error. */
export async function sendFlow<R>(
  connection: Connection,
  source: Source,
  send: (pipe: number) => Promise<R>,
): Promise<R> {
  const over = new AbortController()
  const pieces = flow(source, over.signal)
  const pipe = connection.drawId()
  const sent = send(pipe)
  const end = () => over.abort()
  sent.then(end, end)
  let failure: { error: unknown } | undefined
  const feeding = feed(connection, pipe, pieces).catch((error) => {
    // Once the call has been answered, that answer is what counts; it is still to come when the store is being closed.
    if (!over.signal.aborted && error !== connection.ended.reason) failure = { error }
    return connection.call('pipeFail', { pipe })
  })
  // Only an end of the connection, and the call rejects with that as well.
  feeding.catch(() => {})
  try {
    return await sent
  } catch (error) {
    throw failure ? failure.error : error
  }
}

async function feed(connection: Connection, pipe: number, pieces: AsyncIterable<Uint8Array>): Promise<undefined> {
  const writes: Promise<unknown>[] = []
  let wayBytes = 0
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += WRITE_BYTES_MAX) {
      const part = piece.subarray(at, at + WRITE_BYTES_MAX)
      const bytes = part.length + CALL_BYTES
      wayBytes += bytes
      const write = connection.call('pipeWrite', { pipe, data: connection.bytes.copy(part) }).then(() => {
        // Answers come in the order of the writes.
        void writes.shift()
        wayBytes -= bytes
      })
      // Met below; until then it must not count as unhandled.
      write.catch(() => {})
      writes.push(write)
      while (wayBytes > WAY_BYTES_MAX - WRITE_BYTES_MAX) await writes[0]
    }
  }
  await Promise.all(writes)
  return connection.call('pipeEnd', { pipe })
}
