/**
 * Reading a tar stream, entry by entry. It tells what is wrong with the archive (FORMAT) from what the stream itself fails with, which is passed
 * on as it is, and lets go of the stream whenever the reader stops.
 */

import { createTarDecoder, type ParsedTarEntry } from 'modern-tar'
import { isStoreError, throwIfAborted } from '../errors.js'
import { formatError } from './report.js'

/** The stream failed; it is not the archive's fault. */
class SourceFailure extends Error {}

/** The entries; each body has to be read to its end before the next comes. Throws FORMAT, ABORTED, and what the stream throws. */
export async function* tarEntries(
  tar: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ParsedTarEntry> {
  throwIfAborted(signal)
  const decoder = createTarDecoder({ strict: true })
  const source = tar.getReader()
  const entries = decoder.readable.getReader()
  // A stream that failed already says so once more.
  const letGo = () => source.cancel().catch(() => undefined)
  signal?.addEventListener('abort', letGo)
  const pumped = pump(source, decoder.writable.getWriter()).catch(letGo)
  try {
    for (let next = await entries.read(); !next.done; next = await entries.read()) yield next.value
    throwIfAborted(signal)
  } catch (error) {
    throw tarError(error, signal)
  } finally {
    signal?.removeEventListener('abort', letGo)
    // What is wrong with the archive has been told; here it only ends.
    await entries.cancel().catch(() => undefined)
    await letGo()
    await pumped
  }
}

/**
 * The bytes of an entry. One that nobody wants is read as well: to cancel a body that has come already loses the body behind it, for which
 * a reader would wait for ever (modern-tar 0.8.6).
 */
export async function* bytesOfEntry(
  { body }: ParsedTarEntry,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      throwIfAborted(signal)
      yield next.value
    }
  } catch (error) {
    throw tarError(error, signal)
  }
}

/** What to throw for a failure of an entry or of its body. */
function tarError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (isStoreError(error)) return error
  if (error instanceof SourceFailure) return error.cause
  try {
    throwIfAborted(signal)
  } catch (aborted) {
    return aborted
  }
  return formatError(
    `this is no whole tar archive (${error instanceof Error ? error.message : error})`,
    undefined,
    error,
  )
}

async function pump(
  source: ReadableStreamDefaultReader<Uint8Array>,
  sink: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  for (;;) {
    let next: ReadableStreamReadResult<Uint8Array>
    try {
      next = await source.read()
    } catch (cause) {
      await sink.abort(new SourceFailure('the stream failed', { cause }))
      return
    }
    if (next.done) return await sink.close()
    await sink.write(next.value)
  }
}
