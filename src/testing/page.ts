/**
 * A page's store and the host it talks to, with a message port between them, for the tests of src/client: on the engine in memory, or
 * on a store of which only a few methods are there.
 */
import { createHash } from 'node:crypto'
import { afterEach } from 'vitest'
import { Connection, type ConnectionEvents } from '../client/connection.js'
import { RemoteStore } from '../client/store.js'
import type { Envelope } from '../protocol/bytes.js'
import type { Reply, Request, Transport } from '../protocol/messages.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import type { Served } from '../worker/handlers.js'
import { serve } from '../worker/host.js'

export const KEY = 'ab'.repeat(32)
export const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')

const ports: MessagePort[] = []
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})

export interface Page {
  store: RemoteStore
  connection: Connection
  /** Every message that the page has posted. */
  posted: Envelope<Request>[]
  /** Every message that it got. */
  heard: Envelope<Reply>[]
  /** Posts something to the page as if the worker had said it. */
  hear(message: unknown): void
}

/** A page's store on a store in "another thread": all between them goes through a message port. */
export async function pageOf(store: Served, events?: ConnectionEvents): Promise<Page> {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  void serve(port1 as Transport, async () => store)
  const posted: Envelope<Request>[] = []
  const transport: Transport = {
    onmessage: null,
    postMessage(message, transfer) {
      port2.postMessage(message, transfer)
      posted.push(message as Envelope<Request>)
    },
  }
  const heard: Envelope<Reply>[] = []
  port2.onmessage = (event) => {
    heard.push(event.data)
    transport.onmessage?.(event)
  }
  const connection = new Connection(transport, events)
  const opened = await connection.call('open', { name: 's', storage: 'memory' })
  posted.length = 0
  const hear = (message: unknown) => transport.onmessage?.({ data: message } as MessageEvent)
  return { store: new RemoteStore(connection, 's', opened), connection, posted, heard, hear }
}

export const pageOnEngine = async () => pageOf(await openEngine(memoryStorage(), { name: 's' }))
export const pageOn = (methods: Partial<Served>, events?: ConnectionEvents) => pageOf(storeWith(methods), events)

/** A store of which only these methods are called. */
export function storeWith(methods: Partial<Served>): Served {
  return { async close() {}, ...methods } as Served
}

export const never = () => new Promise<never>(() => {})
