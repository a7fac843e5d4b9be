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
import type { Progress } from '../types.js'
import { type Context, createHandlers, type Handlers, type Served } from './handlers.js'

/** Opens the store that the request asks for. The signal fires when the page does not want it any more. */
export type Open = (request: Call<'open'>, signal: AbortSignal) => Promise<Served>

/** Time between two progress replies of one call. */
const PROGRESS_PAUSE_MS = 50

const NO_BYTES: Envelope<unknown> = { items: [], buffers: [], slices: [] }

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
  /** The newest progress of each running call, if the page has not been told of it. */
  readonly #untold = new Map<number, Progress>()

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
      this.#untold.set(id, progress)
      if (now < next) return
      next = now + PROGRESS_PAUSE_MS
      this.#tell(id)
    }
  }

  pack(bytes: Uint8Array<ArrayBuffer> | undefined): number | undefined {
    return bytes && this.#outbox.bytes.move(bytes)
  }

  packPart(bytes: Uint8Array<ArrayBuffer>): number {
    return this.#outbox.bytes.part(bytes)
  }

  #start(item: unknown, envelope: Envelope<unknown>): void {
    const id = idOf(item)
    try {
      const request = checkRequest(item, envelope.slices.length / 3)
      if (request.type === 'abort') this.#abort(id)
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
      this.#tell(id)
      this.#outbox.add({ type: 'result', id, value })
    } catch (error) {
      this.#fail(id, error)
    } finally {
      this.#running.delete(id)
      this.#untold.delete(id)
    }
  }

  /** Tells the newest progress, if that has not been done. */
  #tell(id: number): void {
    const progress = this.#untold.get(id)
    this.#untold.delete(id)
    if (progress) this.#outbox.add({ type: 'progress', id, progress })
  }

  #abort(id: number): void {
    const running = this.#running.get(id)
    if (running) running.abort()
    // It has crossed the answer: if that held a cursor, the page does not know of it.
    else void this.#handlers.listEnd({ type: 'listEnd', id, cursor: id }, NO_BYTES)
  }

  #fail(id: number, error: unknown): void {
    this.#outbox.add({ type: 'error', id, error: encodeError(error) })
  }
}
