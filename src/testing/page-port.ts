/**
 * A page's store and the host it talks to, in one thread, with a message port between them. Knows no test runner: used by the tests of
 * src/client, through `page.ts`, and by the run of the page's side.
 */
import { Connection, type ConnectionEvents } from '../client/connection.js'
import { RemoteStore } from '../client/store.js'
import type { Envelope } from '../protocol/bytes.js'
import type { Reply, Request, Transport } from '../protocol/messages.js'
import type { Served } from '../worker/handlers.js'
import { serve } from '../worker/host.js'

export interface Page {
  store: RemoteStore
  connection: Connection
  /** Every message that the page has posted. */
  posted: Envelope<Request>[]
  /** Every message that it got. */
  heard: Envelope<Reply>[]
  /** Posts something to the page as if the worker had said it. */
  hear(message: unknown): void
  /** Nothing gets through any more, either way. */
  disconnect(): void
}

/** A page's store on a store in "another thread". */
export async function connectPage(store: Served, events?: ConnectionEvents): Promise<Page> {
  const { port1, port2 } = new MessageChannel()
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
  return {
    store: new RemoteStore(connection, 's', opened),
    connection,
    posted,
    heard,
    hear: (message) => transport.onmessage?.({ data: message } as MessageEvent),
    disconnect() {
      port1.close()
      port2.close()
    },
  }
}
