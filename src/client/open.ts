/**
 * `openStore`: makes the worker, has it open the store, and watches over its life. A worker that dies says nothing in
 * most cases, so it holds a Web Lock for as long as it lives, and the page waits for that lock: getting it is the news.
 */

import { StoreError } from '../errors.js'
import { checkStoreName } from '../format/names.js'
import type { OpenOptions, Store } from '../types.js'
import { remember } from './catalogue.js'
import { Connection } from './connection.js'
import { RemoteStore } from './store.js'

/**
 * Opens the store `name` of this origin, and makes it if it is not there. While another tab has it open it waits up to three
 * seconds, then throws LOCKED. UNSUPPORTED says what the browser lacks; nothing else is used in its place.
 */
export async function openStore(name: string, options: OpenOptions = {}): Promise<Store> {
  const { storage = 'opfs', create, maxSegmentSize, chunkSizes, durability, persist, signal } = options
  checkStoreName(name)
  // Not awaited: some browsers ask the user. What the answer is, `navigator.storage.persisted()` tells.
  if (persist) navigator.storage?.persist().catch(() => {})
  const connection = connect(startWorker(options.worker))
  try {
    const fields = { name, storage, create, maxSegmentSize, chunkSizes, durability }
    const opened = await connection.call('open', fields, { signal })
    if (storage === 'opfs') void remember(name, opened.id, opened.recovery.created)
    return new RemoteStore(connection, name, opened)
  } catch (error) {
    connection.fail(error as Error)
    throw error
  }
}

function startWorker(make: (() => Worker) | undefined): Worker {
  if (!make && typeof Worker === 'undefined') {
    throw new StoreError('UNSUPPORTED', 'there is no Worker here; openStore needs the page of a browser')
  }
  try {
    if (make) return make()
    // Bundlers look for exactly this form.
    return new Worker(new URL('../worker/worker.js', import.meta.url), { type: 'module' })
  } catch (cause) {
    // A policy of the page forbids it, or the address is another origin's.
    const message = `the worker of the store could not be made (${cause}): ${WHERE_TO_LOOK}`
    throw new StoreError('WORKER_DIED', message, { cause })
  }
}

// Firefox collects a worker, and with it the promises that wait for it, when nothing on the page can reach it but they.
const workers = new Set<Worker>()

function connect(worker: Worker): Connection {
  const ended = new AbortController()
  workers.add(worker)
  const connection = new Connection(worker, {
    ended() {
      ended.abort()
      worker.terminate()
      workers.delete(worker)
    },
    alive(lock) {
      const died = () => connection.fail(diedError('it was ended'))
      // Rejects when the connection ends first.
      navigator.locks.request(lock, { signal: ended.signal }, died).catch(() => {})
    },
  })
  worker.onerror = (event) => connection.fail(diedError(event.message || NOT_LOADED))
  worker.onmessageerror = () => connection.fail(diedError('a message from it could not be read'))
  return connection
}

/** No message comes with a script that is not there, or is a page of HTML instead. */
const NOT_LOADED = 'its script could not be loaded'
const WHERE_TO_LOOK = `see "Bundlers" in lodestore's README, and the option "worker"`
const NEVER_LOADED = `if it never could, the bundler has left it out: ${WHERE_TO_LOOK}`

function diedError(why: string): StoreError {
  const advice = why === NOT_LOADED ? `open the store again; ${NEVER_LOADED}` : 'open the store again'
  return new StoreError('WORKER_DIED', `the worker of the store died: ${why}; ${advice}`)
}
