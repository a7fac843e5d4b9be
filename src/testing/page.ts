/**
 * Pages for the tests of src/client, each disconnected when its test is over: on the engine in memory, or on a store of which only a
 * few methods are there.
 */
import { createHash } from 'node:crypto'
import { afterEach } from 'vitest'
import type { ConnectionEvents } from '../client/connection.js'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import type { Served } from '../worker/handlers.js'
import { connectPage, type Page } from './page-port.js'

export type { Page }

export const KEY = 'ab'.repeat(32)
export const sha256 = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex')

const pages: Page[] = []
afterEach(() => {
  for (const page of pages.splice(0)) page.disconnect()
})

/** A page's store on a store in "another thread": all between them goes through a message port. */
export async function pageOf(store: Served, events?: ConnectionEvents): Promise<Page> {
  const page = await connectPage(store, events)
  pages.push(page)
  return page
}

export const pageOnEngine = async () => pageOf(await openEngine(memoryStorage(), { name: 's' }))
export const pageOn = (methods: Partial<Served>, events?: ConnectionEvents) => pageOf(storeWith(methods), events)

/** A store of which only these methods are called. */
export function storeWith(methods: Partial<Served>): Served {
  return { async close() {}, ...methods } as Served
}

export const never = () => new Promise<never>(() => {})
