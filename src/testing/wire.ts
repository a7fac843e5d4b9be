/**
 * The other end of a host, for its tests: a transport on which the test says messages and reads what is posted, and stores of which
 * only a few methods are there. Used by the tests of src/worker.
 */
import { vi } from 'vitest'
import type { Envelope } from '../protocol/bytes.js'
import type { Reply, Transport } from '../protocol/messages.js'
import type { Recovery } from '../types.js'
import type { Served, ServedTransaction } from '../worker/handlers.js'
import { serve } from '../worker/host.js'

export const KEY = 'ab'.repeat(32)
export const RECOVERY: Recovery = {
  created: true,
  source: 'log',
  replayed: { segments: 0, transactions: 0, entries: 0, bytes: 0 },
  rolledBack: { entries: 0, bytes: 0 },
  setAside: [],
  damaged: [],
}

export const POLLING = { interval: 1 }

/** A store of which only these methods are called. */
export function storeWith(methods: Partial<Served>): Served {
  return { id: KEY, recovery: RECOVERY, async close() {}, ...methods } as Served
}

export function transactionWith(methods: Partial<ServedTransaction>): ServedTransaction {
  return { async rollback() {}, async commit() {}, ...methods } as ServedTransaction
}

/** A transport of which the test is the other end: what it says is heard at once, what the host posts is kept by envelope. */
export class Wire implements Transport {
  onmessage: Transport['onmessage'] = null
  readonly posted: Envelope<Reply>[] = []

  postMessage(message: unknown, transfer: Transferable[]): void {
    this.posted.push(structuredClone(message as Envelope<Reply>, { transfer }))
  }

  say(message: unknown): void {
    this.onmessage?.({ data: message } as MessageEvent)
  }

  send(...items: unknown[]): void {
    this.say({ items, buffers: [], slices: new Float64Array(0) })
  }

  get replies(): Reply[] {
    return this.posted.flatMap(({ items }) => items)
  }

  async answer(id: number): Promise<Extract<Reply, { type: 'result' | 'error' }>> {
    return await vi.waitFor(() => {
      const found = this.replies.find((reply) => reply.id === id && (reply.type === 'result' || reply.type === 'error'))
      if (!found) throw new Error(`no answer to ${id}`)
      return found as Extract<Reply, { type: 'result' | 'error' }>
    }, POLLING)
  }
}

export async function opened(methods: Partial<Served>): Promise<{ wire: Wire; closed: Promise<void> }> {
  const wire = new Wire()
  const closed = serve(wire, async () => storeWith(methods))
  wire.send({ type: 'open', id: 1, name: 's', storage: 'memory' })
  await wire.answer(1)
  wire.posted.length = 0
  return { wire, closed }
}
