/**
 * Engine cases: contents of any size on their way in: chunks and what they share, sources of every kind, expected keys, and what one that fails or is
 * interrupted leaves. Part of engine-cases.ts.
 */

import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import type { Engine } from '../store/engine.js'
import type { Progress } from '../types.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, text, value } from './engine-case.js'
import { inPieces, LARGE, MIB, same, sha256 } from './large-content.js'

const storing: EngineCase[] = [
  {
    name: 'every kind of source with the same bytes has the same key, and is stored once',
    async run({ open, reopen }) {
      const store = await open()
      const bytes = value(LARGE)
      const name = await sha256(bytes)
      const sources = () => [
        bytes,
        bytes.buffer,
        new Blob([bytes]),
        inPieces(bytes, 100_000, 1, 777_777),
        new Blob([bytes]).stream(),
        new Response(bytes),
      ]
      for (const source of sources()) equal(await store.put(source), name, 'key')
      equal(await keysOf(store), [name], 'keys')
      const { count, logBytes } = await store.stats()
      equal([count, logBytes < 1.01 * LARGE + 100_000 * 6], [1, true], `blobs; ${logBytes} bytes`)
      await same(await store.get(name), bytes, 'content')
      await same(await (await reopen()).get(name), bytes, 'content after reopening')
    },
  },
  {
    name: 'a stream that turns out small, or empty, is stored like the same bytes at once',
    async run({ open }) {
      const store = await open()
      for (const bytes of [value(0), value(1000), value(wholeBytesMax(CHUNK_SIZES))]) {
        const name = await store.put(inPieces(bytes, 300_000))
        equal(name, await sha256(bytes), 'key')
        const { transactions } = await store.stats()
        equal(await store.put(bytes), name, 'key of the bytes')
        equal((await store.stats()).transactions, transactions, 'transactions when it is there')
        await same(await store.get(name), bytes, 'content')
      }
    },
  },
  {
    name: 'versions of a content share the chunks they have in common, and each can be deleted alone',
    async run({ open, reopenFromLog }) {
      const store = await open()
      const first = value(12 * MIB)
      const second = first.slice()
      second.set(value(1000, 7), 6 * MIB)
      const [one, two] = [await store.put(first), await store.put(second)]
      const { bytes } = await store.stats()
      equal(bytes < 12 * MIB + 3 * CHUNK_SIZES.max, true, `${bytes} bytes of values`)
      equal(await store.delete(one), true, 'deleting the first')
      equal([await store.get(one), await store.has(one), await keysOf(store)], [undefined, false, [two]], 'the first')
      await same(await store.get(two), second, 'the second')
      const again = await reopenFromLog()
      await same(await again.get(two), second, 'the second after a replay')
      equal(await again.delete(two), true, 'deleting the second')
      equal([(await again.stats()).count, (await again.stats()).bytes], [0, 0], 'what is left')
    },
  },
  {
    name: 'a blob that is also a chunk of a larger content stays when that content goes, and the other way round',
    async run({ open, reopen }) {
      let store = await open()
      const large = value(LARGE)
      const chunk = large.slice(0, await firstChunkBytes(store, large))
      for (const order of ['chunk first', 'content first']) {
        const names =
          order === 'chunk first'
            ? [await store.put(chunk), await store.put(large)]
            : (await store.putMany([large, chunk])).reverse()
        const [small = '', whole = ''] = names
        equal(await keysOf(store), [small, whole].sort(), `${order}: keys`)
        equal(await store.delete(whole), true, 'deleting the content')
        await same(await store.get(small), chunk, `${order}: the blob`)
        equal(await keysOf(store), [small], `${order}: keys without the content`)
        await store.put(large)
        store = await reopen()
        equal(await store.delete(small), true, 'deleting the blob')
        await same(await store.get(whole), large, `${order}: the content`)
        equal(await keysOf(store), [whole], `${order}: keys without the blob`)
        equal(await store.delete(small), false, 'deleting a mere chunk')
        await store.delete(whole)
        equal((await store.stats()).bytes, 0, `${order}: bytes left`)
      }
    },
  },
  {
    name: 'a key of choice does not replace a chunk, but a whole content',
    async run({ open }) {
      const store = await open()
      const large = value(LARGE)
      const chunk = await sha256(large.slice(0, await firstChunkBytes(store, large)))
      const name = await store.put(large)
      await fails(() => store.set(chunk, 'other'), 'BAD_KEY', 'set over a chunk')
      await store.set(name, 'other')
      equal(text(await store.get(name)), 'other', 'the content')
      equal((await store.stats()).bytes, 5, 'bytes left')
    },
  },
  {
    name: 'large contents in a transaction are there after its commit, and not after its end by an error',
    async run({ open, reopen }) {
      const store = await open()
      const large = value(LARGE)
      const name = await store.transaction(async (tx) => {
        const stored = await tx.put(inPieces(large, 1_000_000))
        await same(await tx.get(stored), large, 'the content inside')
        equal([await tx.has(stored), await store.has(stored)], [true, false], 'inside and outside')
        return stored
      })
      await same(await (await reopen()).get(name), large, 'the content')
    },
  },
  {
    name: 'a rolled back large content leaves nothing, also to contents that share its chunks',
    async run({ open, reopen }) {
      const store = await open()
      const large = value(LARGE)
      const tx = await store.begin()
      await tx.put(large)
      await tx.put(value(LARGE, 1))
      await tx.rollback()
      equal([(await store.stats()).bytes, await keysOf(store)], [0, []], 'after a rollback')
      const name = await store.put(large)
      const other = await store.begin()
      await other.delete(name)
      await other.rollback()
      await same(await (await reopen()).get(name), large, 'the content')
    },
  },
]

/** The end of the first chunk, found as a reader of pieces sees it. */
async function firstChunkBytes(store: Engine, large: Uint8Array<ArrayBuffer>): Promise<number> {
  const name = await store.put(large)
  const bytes = (await store.piece(name, 0))?.bytes.length ?? 0
  await store.delete(name)
  return bytes
}

const failing: EngineCase[] = [
  {
    name: 'a source that fails rejects with its error, and nothing of the content is left, in or out of a transaction',
    async run({ open }) {
      const store = await open()
      const broken = async function* () {
        yield* inPieces(value(3 * LARGE), 500_000)
        throw new Error('the connection is gone')
      }
      const outcome = await store.put(broken()).catch((error) => error.message)
      equal(outcome, 'the connection is gone', 'error')
      await store.transaction(async (tx) => {
        equal(await tx.put(broken()).catch((error) => error.message), 'the connection is gone', 'error inside')
        await tx.put('after')
      })
      equal([(await keysOf(store)).length, (await store.stats()).bytes], [1, 5], 'what is there')
    },
  },
  {
    name: 'a signal ends a put whose source never answers; the source is told',
    async run({ open }) {
      const store = await open()
      let told = false
      const stuck = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(value(100)),
        cancel() {
          told = true
        },
      })
      const controller = new AbortController()
      const putting = store.put(stuck, { signal: controller.signal, onProgress: () => controller.abort('enough') })
      const error = await fails(() => putting, 'ABORTED', 'put')
      equal([error.cause, told, (await store.stats()).count], ['enough', true, 0], 'reason, source, blobs')
    },
  },
  {
    name: 'progress tells of bytes, and of the total where it is known',
    async run({ open }) {
      const store = await open()
      const bytes = value(LARGE)
      for (const [source, total] of [
        [new Blob([bytes]), LARGE],
        [inPieces(bytes, 1_000_000), Number.POSITIVE_INFINITY],
      ] as const) {
        const told: [number, number][] = []
        await store.put(source, { onProgress: ({ done, total }) => told.push([done, total]) })
        equal([told.length > 3, told.at(-1)], [true, [LARGE, total]], 'progress')
      }
      for (const small of ['', 'abc', new Blob([bytes.subarray(0, 100_000)])]) {
        const size = typeof small === 'string' ? small.length : small.size
        const told: unknown[] = []
        const onProgress = (progress: Progress) => told.push(progress)
        await store.put(small, { onProgress })
        await store.transaction((tx) => tx.put(small, { onProgress }))
        const all = { done: size, total: size }
        equal(told, [all, all], 'progress of what is small')
        const mine = new Error('mine')
        const failing = {
          onProgress() {
            throw mine
          },
        }
        const { count } = await store.stats()
        equal(await store.put('other', failing).catch((error) => error), mine, 'what the put fails with')
        await store.transaction(async (tx) => {
          equal(await tx.put('other', failing).catch((error) => error), mine, 'what the put inside fails with')
        })
        equal((await store.stats()).count, count, 'blobs')
      }
    },
  },
  {
    name: 'another content than the expected one is MISMATCH, and nothing of it is kept',
    async run({ open }) {
      const store = await open()
      for (const bytes of [value(100), value(LARGE)]) {
        await fails(() => store.put(bytes, { expected: key(1) }), 'MISMATCH', 'put')
        await store.transaction(async (tx) => {
          await fails(() => tx.put(inPieces(bytes, 400_000), { expected: key(1) }), 'MISMATCH', 'put inside')
        })
        equal((await store.stats()).count, 0, 'blobs')
        const name = await sha256(bytes)
        equal(await store.put(bytes, { expected: name }), name, 'the expected one')
        await store.delete(name)
      }
    },
  },
  {
    name: 'what is no source is refused with its name',
    async run({ open }) {
      const store = await open()
      for (const source of [undefined, null, 42, {}, [1, 2]]) {
        const error = await store.put(source as never).catch((error) => error)
        equal(error instanceof TypeError, true, `${source}: ${error}`)
      }
      const missing = await store.put(new Response('not here', { status: 404 })).catch((error) => error)
      equal(missing.message.includes('404'), true, missing.message)
      const strings = await store.put(inStrings()).catch((error) => error)
      equal(strings instanceof TypeError, true, 'a stream of strings')
      async function* inStrings(): AsyncGenerator<Uint8Array> {
        yield 'text' as never
      }
    },
  },
  {
    name: 'an upload that a crash cut off is invisible, and is swept away by the next write after it',
    async run({ open, storage, crash, reopen }) {
      const store = await open()
      let snapshot: Awaited<ReturnType<typeof crash>> | undefined
      await store.put(
        (async function* () {
          yield* inPieces(value(3 * LARGE), 500_000)
          snapshot = await crash()
        })(),
      )
      const after = await snapshot?.open()
      const { count, bytes } = (await after?.stats()) ?? {}
      equal([await keysOf(after as Engine), count, (bytes ?? 0) > LARGE], [[], 0, true], 'what is seen, and its chunks')
      const name = await after?.put('next')
      await after?.flush()
      equal([await keysOf(after as Engine), (await after?.stats())?.bytes], [[name], 4], 'after the next write')
      await snapshot?.close()
      equal(storage.openPaths.length > 0, true, 'the first store is still open')
      await reopen()
    },
  },
]

export const contentCases: readonly EngineCase[] = [...storing, ...failing]
