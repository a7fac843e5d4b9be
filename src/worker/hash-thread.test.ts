/** A large content is hashed in another thread where there is one, and the store is the same in the end, however that thread goes. */

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { openEngine } from '../store/engine.js'
import { noise } from '../testing/bytes.js'
import { type HashPort, hashThread, serveHash, type Thread } from './hash-thread.js'

const MIB = 1024 * 1024
const content = noise(24 * MIB, 1)
const name = createHash('sha256').update(content).digest('hex')

/** Threads on message channels, which note what becomes of them. `stop` makes those to come fail after so many buffers. */
function makeThreads(stop = Number.POSITIVE_INFINITY) {
  const noted = { begun: 0, ended: 0, buffers: 0, away: 0, awayMost: 0 }
  const start = (): Thread => {
    noted.begun++
    const { port1, port2 } = new MessageChannel()
    serveHash(port2 as unknown as HashPort)
    const thread: Thread = {
      postMessage(order, transfer) {
        if ('buffer' in order && ++noted.buffers > stop) {
          thread.onerror?.({ message: 'it was stopped', preventDefault: () => undefined } as ErrorEvent)
          return
        }
        if ('buffer' in order) noted.awayMost = Math.max(noted.awayMost, ++noted.away)
        port1.postMessage(order, transfer)
      },
      onmessage: null,
      onerror: null,
      terminate() {
        noted.ended++
        port1.close()
      },
    }
    port1.onmessage = (event) => {
      if ('buffer' in event.data) noted.away--
      thread.onmessage?.(event)
    }
    return thread
  }
  return { noted, start }
}

async function* inPieces(size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size)
}

test.each([
  { what: 'as a whole', source: () => content },
  { what: 'as a Blob', source: () => new Blob([content]) },
  { what: 'in small pieces', source: () => inPieces(100_000) },
])(
  'a large content that comes $what gets its key from the other thread, which ends with the put',
  async ({ source }) => {
    const { noted, start } = makeThreads()
    const engine = await openEngine(memoryStorage(), { hashThread: hashThread(start) })
    expect(await engine.put(source())).toBe(name)
    expect(noted).toMatchObject({ begun: 1, away: 0 })
    expect(noted.ended).toBeGreaterThan(0)
    expect(noted.buffers * 512 * 1024).toBeGreaterThanOrEqual(8 * MIB)
    expect(noted.awayMost).toBeLessThan(12)
    expect(Buffer.compare((await engine.get(name)) ?? new Uint8Array(), content)).toBe(0)
    expect((await engine.check()).findings).toEqual([])
  },
)

test('an ingest that was hashed in another thread goes on from what it has stored', async () => {
  const engine = await openEngine(memoryStorage(), { hashThread: hashThread(makeThreads().start) })
  const first = await engine.ingest(name, { size: content.length })
  await first.write(content.subarray(0, 22 * MIB))
  await first[Symbol.asyncDispose]()
  const second = await engine.ingest(name, { size: content.length })
  expect(second.offset).toBeGreaterThan(18 * MIB)
  await second.write(content.subarray(second.offset))
  expect(await second.finish()).toBe(name)
})

test('a content below 16 MiB starts no thread', async () => {
  const { noted, start } = makeThreads()
  const engine = await openEngine(memoryStorage(), { hashThread: hashThread(start) })
  await engine.put(content.subarray(0, 10 * MIB))
  expect(noted.begun).toBe(0)
})

test.each([
  {
    what: 'may not be started',
    start: () => {
      throw new Error('not here')
    },
  },
  {
    what: 'does not load',
    start: () => {
      const thread = { onerror: null, onmessage: null, terminate: () => undefined } as Partial<Thread>
      thread.postMessage = () => thread.onerror?.({ preventDefault: () => undefined } as ErrorEvent)
      return thread as Thread
    },
  },
  {
    what: 'never answers',
    start: () => ({ onerror: null, onmessage: null, postMessage: () => undefined, terminate: () => undefined }),
  },
  {
    what: 'has no memory',
    start: () => {
      const thread = { onerror: null, onmessage: null, terminate: () => undefined } as Partial<Thread>
      thread.postMessage = () => thread.onmessage?.({ data: { ready: false } } as MessageEvent)
      return thread as Thread
    },
  },
])('where the thread $what the put goes on without it', async ({ start }) => {
  const engine = await openEngine(memoryStorage(), { hashThread: hashThread(start) })
  expect(await engine.put(content)).toBe(name)
})

test('a thread that fails on the way fails the put, of which nothing is left', async () => {
  const engine = await openEngine(memoryStorage(), { hashThread: hashThread(makeThreads(5).start) })
  await expect(engine.put(content)).rejects.toMatchObject({ code: 'WORKER_DIED', message: /put the content again/ })
  expect(await engine.has(name)).toBe(false)
  expect(await engine.stats()).toMatchObject({ count: 0, bytes: 0 })
  expect((await engine.check()).findings).toEqual([])
})

test('a put that is aborted ends the thread, and nothing is left', async () => {
  const { noted, start } = makeThreads()
  const engine = await openEngine(memoryStorage(), { hashThread: hashThread(start) })
  const abort = new AbortController()
  const onProgress = ({ done }: { done: number }) => {
    if (done >= 20 * MIB) abort.abort()
  }
  const put = engine.put(inPieces(MIB), { signal: abort.signal, onProgress })
  await expect(put).rejects.toMatchObject({ code: 'ABORTED' })
  expect(noted.begun).toBe(1)
  expect(noted.ended).toBeGreaterThan(0)
  expect((await engine.check()).findings).toEqual([])
})
