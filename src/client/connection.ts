/**
 * The page's side of the protocol: sends calls over a transport and settles their promises when the answers come. Calls of one
 * task leave in one message. A call ends in exactly one way: its answer, its signal, or the end of the connection, after which every
 * call rejects. Used by the store, the transaction and `openStore`.
 */

import { copyOf } from '../copy.js'
import { abortError, closedError, StoreError, throwIfAborted } from '../errors.js'
import { type Envelope, type Packer, sliceOf } from '../protocol/bytes.js'
import { decodeError } from '../protocol/errors.js'
import {
  type CallType,
  CONNECTION_ID,
  type Fields,
  type Reply,
  type Request,
  type Result,
  type Transport,
} from '../protocol/messages.js'
import { Outbox } from '../protocol/outbox.js'
import type { Progress } from '../types.js'

/** Gives the bytes of a slice of the message that is being read, in an array of their own; undefined for no slice. */
export type Take = (slice: number | undefined) => Uint8Array<ArrayBuffer> | undefined

export interface CallOptions<T extends CallType, R> {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  /** Makes what the call resolves with; the result itself unless told. Slices can be taken only here. */
  read?: (result: Result<T>, take: Take) => R
}

interface Pending {
  resolve(result: unknown, take: Take): void
  reject(error: unknown): void
  progress(progress: Progress): void
}

export interface ConnectionEvents {
  /** Once: the other side is not needed any more, or not there. */
  ended?: () => void
  /** The other side holds this Web Lock for as long as it lives. */
  alive?: (lock: string) => void
}

export class Connection {
  readonly #outbox: Outbox<Request>
  readonly #pending = new Map<number, Pending>()
  readonly #events: ConnectionEvents
  #lastId = CONNECTION_ID
  readonly #ended = new AbortController()
  #closing: Promise<void> | undefined

  constructor(transport: Transport, events: ConnectionEvents = {}) {
    this.#events = events
    this.#outbox = new Outbox(transport, (lost, error) => {
      for (const { id } of lost) this.#take(id)?.reject(error)
    })
    transport.onmessage = (event) => this.#receive(event.data)
  }

  /** Fires when no more calls can be made; its reason is what they reject with. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Packs the bytes of the call that is made next, before any `await`. */
  get bytes(): Packer {
    this.ended.throwIfAborted()
    return this.#outbox.bytes
  }

  call<T extends CallType, R = Result<T>>(type: T, fields: Fields<T>, options: CallOptions<T, R> = {}): Promise<R> {
    const { signal, onProgress, read } = options
    const id = this.drawId()
    const stop = (error: unknown) => {
      this.#outbox.add({ type: 'abort', id })
      this.#take(id)?.reject(error)
    }
    const onAbort = () => signal && stop(abortError(signal))
    const answered = new Promise<R>((resolve, reject) => {
      this.ended.throwIfAborted()
      throwIfAborted(signal)
      signal?.addEventListener('abort', onAbort)
      this.#pending.set(id, {
        resolve: (result, take) => {
          try {
            resolve(read ? read(result as Result<T>, take) : (result as R))
          } catch (error) {
            reject(error) // no memory for the value, say: the other answers of the message are still to come
          }
        },
        reject,
        progress: (progress) => {
          try {
            onProgress?.(progress)
          } catch (error) {
            stop(error)
          }
        },
      })
      this.#outbox.add({ type, id, ...fields } as Request)
    })
    return signal ? answered.finally(() => signal.removeEventListener('abort', onAbort)) : answered
  }

  /** A number for what the page opens on the other side: a call, or a transaction. */
  drawId(): number {
    return ++this.#lastId
  }

  /** Closes the store and ends the connection. Calling it again gives the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // The other side is gone: nothing is open there, and the store is free.
    if (this.ended.aborted) return
    const closed = this.call('close', {})
    const error = closedError()
    this.#ended.abort(error)
    try {
      await closed
    } finally {
      this.#rejectPending(error)
      this.#events.ended?.()
    }
  }

  #rejectPending(error: Error): void {
    for (const id of this.#pending.keys()) this.#take(id)?.reject(error)
  }

  /** Ends the connection: what is pending rejects with `error`, and so does every later call. */
  fail(error: Error): void {
    const first = !this.ended.aborted
    this.#ended.abort(error)
    this.#rejectPending(error)
    if (first) this.#events.ended?.()
  }

  #receive(message: Envelope<Reply> | undefined): void {
    if (!Array.isArray(message?.items)) {
      this.fail(new StoreError('BAD_MESSAGE', 'the worker is another one; it has to run lodestore/worker'))
      return
    }
    const take: Take = (slice) => {
      if (slice === undefined) return undefined
      const view = sliceOf(message, slice)
      // Empty ones may share an empty buffer.
      return view.length > 0 && view.length === view.buffer.byteLength ? view : copyOf(view)
    }
    for (const reply of message.items) this.#answer(reply, take)
  }

  #answer(reply: Reply, take: Take): void {
    const { type, id } = reply
    if (type === 'result') this.#take(id)?.resolve(reply.value, take)
    else if (type === 'progress') this.#pending.get(id)?.progress(reply.progress)
    else if (type === 'alive') this.#events.alive?.(reply.lock)
    else if (id !== CONNECTION_ID) this.#take(id)?.reject(decodeError(reply.error))
    else this.fail(decodeError(reply.error))
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    return pending
  }
}
