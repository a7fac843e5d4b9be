/**
 * The worker's side of the protocol: takes messages from a transport, runs their calls and posts the answers. Every request is
 * answered, a malformed one with BAD_MESSAGE. All calls of one message are started in the same tick, in their order, so that
 * the engine can commit them together. Called by the worker's start-up, once for each transport.
 */

import type { Envelope } from '../protocol/bytes.js'
import { encodeError } from '../protocol/errors.js'
import {
  type Call,
  type CallType,
  CONNECTION_ID,
  type Reply,
  type Result,
  type Transport,
} from '../protocol/messages.js'
import { Outbox } from '../protocol/outbox.js'
import { checkEnvelope, checkRequest, idOf } from '../protocol/validate.js'
import type { Progress, Store } from '../types.js'
import { type Context, createHandlers, type Handlers } from './handlers.js'

/** Opens the store that the request asks for. The signal fires when the page does not want it any more. */
export type Open = (request: Call<'open'>, signal: AbortSignal) => Promise<Store>

/** Time between two progress replies of one call. */
const PROGRESS_PAUSE_MS = 50

/** Answers what comes through `transport`. The promise resolves when the store has been closed. */
export function serve(transport: Transport, open: Open): Promise<void> {
  return new Promise((closed) => {
    const host = new Host(transport, open, closed)
    transport.onmessage = (event) => host.receive(event.data)
  })
}

class Host implements Context {
  readonly #outbox: Outbox<Reply>
  readonly #handlers: Handlers
  /** Calls that can be aborted, while they run. */
  readonly #running = new Map<number, AbortController>()

  constructor(transport: Transport, open: Open, closed: () => void) {
    this.#outbox = new Outbox(transport, (lost, error) => {
      for (const { id } of lost) this.#fail(id, error)
    })
    this.#handlers = createHandlers(this, open, closed)
  }

  receive(message: unknown): void {
    let envelope: Envelope<unknown>
    try {
      envelope = checkEnvelope(message)
    } catch (error) {
      this.#fail(CONNECTION_ID, error)
      return
    }
    for (const item of envelope.items) this.#start(item, envelope)
  }

  signal(id: number): AbortSignal {
    const controller = new AbortController()
    this.#running.set(id, controller)
    return controller.signal
  }

  progress(id: number): (progress: Progress) => void {
    let next = 0
    return (progress) => {
      const now = Date.now()
      if (now < next && progress.done < progress.total) return
      next = now + PROGRESS_PAUSE_MS
      this.#outbox.add({ type: 'progress', id, progress })
    }
  }

  pack(bytes: Uint8Array<ArrayBuffer> | undefined): number | undefined {
    return bytes && this.#outbox.bytes.move(bytes)
  }

  #start(item: unknown, envelope: Envelope<unknown>): void {
    const id = idOf(item)
    try {
      const request = checkRequest(item, envelope.slices.length / 3)
      if (request.type === 'abort') this.#running.get(id)?.abort()
      else void this.#run(request, envelope)
    } catch (error) {
      this.#fail(id, error)
    }
  }

  async #run(request: Call, envelope: Envelope<unknown>): Promise<void> {
    const { type, id } = request
    // The table is checked by type; that this entry takes this request is what the compiler cannot follow.
    const run = this.#handlers[type] as (request: Call, message: Envelope<unknown>) => Promise<unknown>
    try {
      const outcome = await run(request, envelope)
      // Bytes are packed in the moment the reply is added: that is what keeps both in one message.
      const value = (typeof outcome === 'function' ? outcome() : outcome) as Result<CallType>
      this.#outbox.add({ type: 'result', id, value })
    } catch (error) {
      this.#fail(id, error)
    } finally {
      this.#running.delete(id)
    }
  }

  #fail(id: number, error: unknown): void {
    this.#outbox.add({ type: 'error', id, error: encodeError(error) })
  }
}
