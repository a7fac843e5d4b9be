/**
 * Engine cases: awkward moments: signals that fire and closes that come between two steps, keys of choice beside contents, and repairs between
 * the parts of an upload. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import { equal, fails } from './check.js'
import { type EngineCase, keysOf, text, value } from './engine-case.js'

/** Contents of more than 800 bytes are cut. */
const SMALL_CHUNKS = { chunkSizes: { min: 64, average: 256, max: 400 } }
const LARGE = 5000
/** Inside the first chunk of a log that begins with a large content. */
const IN_FIRST_CHUNK = 300

async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function isTypeError(call: () => Promise<unknown>, what: string): Promise<void> {
  const error = await call().catch((error) => error)
  equal(error instanceof TypeError, true, `${what}: ${error}`)
}

export const momentCases: readonly EngineCase[] = [
  {
    name: 'a content that is put after something else was set under its key is there, also in one transaction with the first set',
    async run({ open }) {
      const store = await open()
      const names = [await sha256('one'), await sha256('two')] as const
      await Promise.all([store.set(names[0], 'other'), store.put('one')])
      equal(text(await store.get(names[0])), 'one', 'calls that were committed together')
      await store.delete(names[0])
      await store.transaction(async (tx) => {
        await tx.set(names[1], 'other')
        await tx.put('two')
        equal(text(await tx.get(names[1])), 'two', 'inside')
      })
      equal(text(await store.get(names[1])), 'two', 'after a transaction')
    },
  },
  {
    name: 'the first set of a store and a put of that content in one transaction leave the content',
    async run({ open }) {
      const store = await open()
      const name = await sha256('content')
      await store.transaction(async (tx) => {
        await tx.set(name, 'other')
        await tx.put('content')
      })
      equal(text(await store.get(name)), 'content', 'the content')
    },
  },
  {
    name: 'an ingest does not take what was set under its key for the content',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      for (const size of [500, LARGE]) {
        const bytes = value(size, 1)
        const name = await sha256(bytes)
        await store.set(name, 'other')
        const ingest = await store.ingest(name, { size })
        await ingest.write(bytes.subarray(ingest.offset))
        await ingest.finish()
        equal(await sha256((await store.get(name)) ?? new Uint8Array()), name, 'the content')
      }
    },
  },
  {
    name: 'an ingest heals a content that is known to be damaged',
    damages: true,
    async run({ storage, open, close, flip }) {
      for (const size of [500, LARGE]) {
        await close()
        await storage.clear()
        const bytes = value(size, 1)
        const name = await (await open(SMALL_CHUNKS)).put(bytes)
        await close()
        await flip('data/0/0', IN_FIRST_CHUNK)
        const store = await open()
        await fails(() => store.get(name), 'CORRUPT', 'get')
        const ingest = await store.ingest(name, { size })
        await ingest.write(bytes.subarray(ingest.offset))
        await ingest.finish()
        equal((await store.get(name))?.length, size, 'the content')
      }
    },
  },
  {
    name: 'an ingest does not go on behind a chunk that a repair has taken away',
    damages: true,
    async run({ open, close, flip }) {
      const bytes = value(LARGE, 2)
      const name = await sha256(bytes)
      const first = await (await open(SMALL_CHUNKS)).ingest(name, { size: LARGE })
      for (const at of [0, 1500]) await first.write(bytes.subarray(at, at + 1500))
      await first[Symbol.asyncDispose]()
      await close()
      await flip('data/0/0', IN_FIRST_CHUNK)
      const store = await open()
      await store.check({ repair: true })
      const second = await store.ingest(name, { size: LARGE })
      await second.write(bytes.subarray(second.offset))
      await second.finish()
      equal((await store.get(name))?.length, LARGE, 'the content')
    },
  },
  {
    name: 'a put whose signal fires while it waits for its last turn is ABORTED, and nothing of it is kept',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      const controller = new AbortController()
      const tx = await store.begin()
      let isTaken: (() => void) | undefined
      const taken = new Promise<void>((resolve) => {
        isTaken = resolve
      })
      const source = async function* () {
        yield value(100)
        isTaken?.()
      }
      const putting = store.put(source(), { signal: controller.signal })
      const outcome = fails(() => putting, 'ABORTED', 'put')
      await taken
      // The source has ended: by now the put has asked for its turn, which comes after the transaction.
      for (let turn = 0; turn < 50; turn++) await undefined
      controller.abort()
      await tx.commit()
      await outcome
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'a put inside a transaction whose signal fires at its last byte is ABORTED, and nothing of it is kept',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      await store.transaction(async (tx) => {
        const controller = new AbortController()
        const { signal } = controller
        await fails(() => tx.put(value(LARGE), { signal, onProgress: () => controller.abort() }), 'ABORTED', 'put')
      })
      equal([await keysOf(store), (await store.stats()).bytes], [[], 0], 'keys and bytes')
    },
  },
  {
    name: 'a stream whose signal fires while it is being made is ABORTED, and does not wait for ever',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      const name = await store.put(value(LARGE))
      const controller = new AbortController()
      const making = store.stream(name, { signal: controller.signal })
      controller.abort()
      await fails(() => making, 'ABORTED', 'stream')
    },
  },
  {
    name: 'a stream of a content that is replaced meanwhile ends with NOT_FOUND, not with other bytes',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      const name = await store.put(value(LARGE))
      const reader = (await store.stream(name))?.getReader()
      await reader?.read()
      await store.set(name, value(LARGE - 1, 2))
      await fails(async () => await reader?.read(), 'NOT_FOUND', 'the second piece')
    },
  },
  {
    name: 'a close does not fail because an ingest is being discarded',
    async run({ open, close }) {
      const store = await open(SMALL_CHUNKS)
      const bytes = value(LARGE)
      const ingest = await store.ingest(await sha256(bytes), { size: LARGE })
      const ends = [ingest.write(bytes.subarray(0, 3000)), ingest.discard(), ingest.discard(), store.close()]
      const outcomes = await Promise.allSettled(ends)
      equal(
        outcomes.map(({ status }) => status),
        ends.map(() => 'fulfilled'),
        'write, discards, close',
      )
      await close()
      equal((await (await open()).stats()).bytes, 0, 'bytes kept')
    },
  },
  {
    name: 'names are read no more when the store is closed, and a close waits for those being read',
    async run({ open, close, reopen }) {
      const first = await open()
      await first.refs.set('name', await first.put('content'))
      const store = await reopen()
      const reading = store.refs.get('name')
      await close()
      equal((await reading)?.name, 'name', 'a read that ran')
      await fails(() => store.refs.get('other'), 'CLOSED', 'get')
      await fails(async () => await store.refs.list()[Symbol.asyncIterator]().next(), 'CLOSED', 'list')
    },
  },
  {
    name: 'an ingest refuses what is no Uint8Array, and goes on with what is one',
    async run({ open }) {
      const store = await open(SMALL_CHUNKS)
      const bytes = value(LARGE)
      const ingest = await store.ingest(await sha256(bytes), { size: LARGE })
      for (const other of [bytes.buffer, new Uint16Array(10), 'text', undefined]) {
        await isTypeError(() => ingest.write(other as never), `${other}`.slice(0, 20))
      }
      equal(ingest.offset, 0, 'offset')
      await ingest.write(bytes)
      await ingest.finish()
    },
  },
  {
    name: 'a delete that fills a segment on a full disk gets the reserve too',
    async run({ open, storage }) {
      const store = await open({ maxSegmentSize: 1024 })
      const names = await store.putMany(Array.from({ length: 60 }, (_, i) => `content ${i}`))
      await store.flush()
      let isFull = true
      storage.before = ({ kind, path }) => {
        if (kind === 'truncate' && path === 'reserve') isFull = false
        if (isFull && kind === 'write' && path.startsWith('data/')) throw new StoreError('QUOTA', 'the disk is full')
      }
      equal(await store.deleteMany(names), 60, 'deleted')
      equal(await keysOf(store), [], 'keys')
    },
  },
  {
    name: 'a source may answer without promises, as in a for await loop',
    async run({ open }) {
      const store = await open()
      let count = 0
      const bytes = { next: () => ({ done: count++ > 2, value: value(10) }) }
      equal((await store.put({ [Symbol.asyncIterator]: () => bytes } as never)).length, 64, 'key')
      const strings = { next: async () => ({ done: false, value: 'text' }), return: () => ({ done: true }) }
      await isTypeError(() => store.put({ [Symbol.asyncIterator]: () => strings } as never), 'strings')
      await store.put('afterwards')
    },
  },
  {
    name: 'gc with a grace that is no number of milliseconds is refused, and collects nothing',
    async run({ open }) {
      const store = await open()
      await store.put('content')
      for (const grace of [Number.NaN, -1, 'a minute']) {
        await isTypeError(() => store.gc({ keep: [], grace: grace as never }), `${grace}`)
      }
      equal((await store.stats()).count, 1, 'contents')
    },
  },
  {
    name: 'a close or a rollback does not wait for a source that never answers: its put ends, and the source is told',
    async run({ open, close }) {
      let told = 0
      /** A put of a source that gives some bytes and then never answers. */
      const stuck = (put: (source: ReadableStream<Uint8Array>) => Promise<string>, code: StoreError['code']) => {
        let ended: Promise<unknown> | undefined
        const isStuck = new Promise<void>((resolve) => {
          let count = 0
          const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
            if (count++ === 0) return controller.enqueue(value(LARGE))
            resolve()
            await new Promise(() => undefined)
          }
          const source = new ReadableStream({ pull, cancel: () => void told++ }, { highWaterMark: 0 })
          ended = fails(() => put(source), code, 'put')
        })
        return { isStuck, ended }
      }
      const store = await open(SMALL_CHUNKS)
      for (const end of ['rollback', 'close'] as const) {
        const tx = await store.begin()
        const inside = stuck((source) => tx.put(source), 'TX_CLOSED')
        await inside.isStuck
        if (end === 'rollback') await tx.rollback()
        else await close()
        await inside.ended
      }
      const again = await open()
      const outside = stuck((source) => again.put(source), 'CLOSED')
      await outside.isStuck
      await close()
      await outside.ended
      equal(told, 3, 'sources that were told')
      equal((await (await open()).stats()).bytes, 0, 'bytes kept')
    },
  },
]
