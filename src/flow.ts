/**
 * Bytes that come one after the other, pulled from what a caller hands over: on the page and in the engine alike. A signal ends the
 * waiting for a source that never answers; the source is told, and not waited for.
 */

import { abortError, throwIfAborted } from './errors.js'

/** The kind of anything by its tag, not by `instanceof`: what comes from another frame is as good. */
export function kindOf(value: unknown): string {
  return value === undefined || value === null ? `${value}` : Object.prototype.toString.call(value).slice(8, -1)
}

/** Throws TypeError for what is no list of values: a File, a promise of a list, or a string, which would be taken letter by letter. */
export function checkMany(values: unknown): void {
  if (typeof values === 'object' && values && (Symbol.iterator in values || Symbol.asyncIterator in values)) return
  throw new TypeError(`putMany takes an array, an iterable or an async iterable, not ${kindOf(values)}`)
}

/** The bytes of a stream, a response or an async iterable. Throws TypeError at once for what is none; then what the source throws, and ABORTED. */
export function flow(source: unknown, ...signals: (AbortSignal | undefined)[]): AsyncGenerator<Uint8Array> {
  return bytesOnly(pull(iterate(source), signals))
}

async function* bytesOnly(values: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const value of values) {
    const kind = kindOf(value)
    if (kind !== 'Uint8Array') throw new TypeError(`the stream of a content gives Uint8Arrays, not ${kind}`)
    const bytes = value as Uint8Array
    // What was handed over looks empty. It cannot be copied: TypeError.
    yield bytes.length ? bytes : bytes.slice()
  }
}

function iterate(source: unknown): AsyncIterator<unknown> {
  const kind = kindOf(source)
  if (kind === 'Response') {
    const { ok, status, bodyUsed, body } = source as Response
    if (!ok) throw new TypeError(`the response has the status ${status}; only a successful one is stored`)
    if (bodyUsed) throw new TypeError('the response has been read already')
    return readStream(body ?? new Blob().stream())
  }
  if (kind === 'ReadableStream') return readStream(source as ReadableStream)
  const begin = (source as AsyncIterable<unknown> | null | undefined)?.[Symbol.asyncIterator]
  if (begin) return begin.call(source)
  const kinds = 'a Uint8Array, an ArrayBuffer, a Blob, a string, a Response, a ReadableStream or an async iterable'
  throw new TypeError(`a content has to be ${kinds} of Uint8Arrays, not ${kind}`)
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

/** What an iterator gives, until one of the signals fires: ABORTED. */
export async function* pull<T>(iterator: AsyncIterator<T>, signals: (AbortSignal | undefined)[]): AsyncGenerator<T> {
  let isOpen = true
  let refuse: (error: unknown) => void = () => undefined
  const stop = ({ target }: Event) => refuse(abortError(target as AbortSignal))
  // Not Promise.race with one promise for the abort: that would hold on to every piece until the end.
  const step = () =>
    new Promise<IteratorResult<T>>((resolve, reject) => {
      refuse = reject
      // As lenient as `for await`: an iterator may also answer without a promise.
      Promise.resolve(iterator.next()).then(resolve, (error) => {
        isOpen = false
        reject(error)
      })
    })
  for (const signal of signals) signal?.addEventListener('abort', stop)
  try {
    for (;;) {
      signals.forEach(throwIfAborted)
      const { done, value } = await step()
      if (done) {
        isOpen = false
        return
      }
      yield value
    }
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', stop)
    // The source may be stuck: it is told, and not waited for. What it says to that is of no account any more.
    if (isOpen) new Promise((resolve) => resolve(iterator.return?.())).catch(() => undefined)
  }
}
