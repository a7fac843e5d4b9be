/** Engine cases: contents of any size on their way out: ranges, streams, and chunks that are damaged. Part of engine-cases.ts. */

import { CHUNK_SIZES } from '../format/chunks.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, value } from './engine-case.js'
import { LARGE, MIB, readAll, same, sha256 } from './large-content.js'

export const readingCases: readonly EngineCase[] = [
  {
    name: 'a part of a content is what the same slice of the bytes is',
    async run({ open }) {
      const store = await open()
      for (const size of [10, LARGE]) {
        const bytes = value(size, 3)
        const name = await store.put(bytes)
        for (const [offset, length] of [
          [0, 1],
          [3, 4],
          [size - 1, 1],
          [size - 1, 5],
          [size, 1],
          [0, 0],
          [5, undefined],
          [0, size],
          [Math.floor(size / 2), 2 * MIB],
        ] as const) {
          const part = await store.get(name, { offset, ...(length !== undefined && { length }) })
          await same(
            part,
            bytes.slice(offset, length === undefined ? undefined : offset + length),
            `${size}: ${offset}, ${length}`,
          )
        }
      }
    },
  },
  {
    name: 'a range that is none, or begins behind the end, is RANGE',
    async run({ open }) {
      const store = await open()
      const names = await store.putMany([value(10), value(LARGE)])
      for (const name of names) {
        for (const range of [
          { offset: -1 },
          { offset: 1.5 },
          { length: -1 },
          { length: Number.NaN },
          { offset: LARGE + 1 },
        ]) {
          await fails(() => store.get(name, range), 'RANGE', JSON.stringify(range))
          await fails(() => store.stream(name, range), 'RANGE', JSON.stringify(range))
        }
      }
      equal(await store.get(key(5), { offset: 3 }), undefined, 'a content that is not there')
    },
  },
  {
    name: 'a stream gives the bytes, whole or in part, and reads no further than it is read',
    async run({ open, storage }) {
      const store = await open()
      for (const size of [0, 10, LARGE]) {
        const bytes = value(size, 4)
        const name = await store.put(bytes)
        await same(await readAll(await store.stream(name)), bytes, `stream of ${size}`)
        const part = await store.stream(name, { offset: Math.floor(size / 3), length: Math.floor(size / 2) })
        await same(
          await readAll(part),
          bytes.slice(Math.floor(size / 3), Math.floor(size / 3) + Math.floor(size / 2)),
          'a part',
        )
      }
      equal(await store.stream(key(1)), undefined, 'what is not there')
      const name = await store.put(value(10 * MIB, 5))
      const before = storage.calls.length
      const reader = (await store.stream(name))?.getReader()
      await reader?.read()
      const read = storage.calls
        .slice(before)
        .reduce((sum, { kind, bytes }) => (kind === 'read' ? sum + bytes : sum), 0)
      equal(read < 2 * CHUNK_SIZES.max + 10_000, true, `${read} bytes read for one piece`)
      await reader?.cancel()
    },
  },
  {
    name: 'a stream ends with an error when its signal fires or its content is deleted',
    async run({ open }) {
      const store = await open()
      const name = await store.put(value(LARGE))
      const controller = new AbortController()
      const first = (await store.stream(name, { signal: controller.signal }))?.getReader()
      await first?.read()
      controller.abort('enough')
      await fails(async () => await first?.read(), 'ABORTED', 'after the signal')
      const second = (await store.stream(name))?.getReader()
      await second?.read()
      await store.delete(name)
      await fails(async () => await second?.read(), 'NOT_FOUND', 'after the delete')
    },
  },
  {
    name: 'a large content that is deleted or replaced while it is read is there or not there, and nothing of it is called damaged',
    async run({ open }) {
      const store = await open({ chunkSizes: { min: 2048, average: 8192, max: 16_000 } })
      const bytes = value(600_000, 6)
      for (const go of [
        async (name: string) => void (await store.delete(name)),
        async (name: string) => await store.set(name, 'another'),
      ]) {
        const name = await store.put(bytes)
        let isGone = false
        const going = go(name).finally(() => {
          isGone = true
        })
        const reads: Promise<number | undefined>[] = []
        // They begin all along the change: so some are half way when it is committed.
        for (let turn = 0; !isGone; turn++) {
          await (turn % 64 === 63 ? new Promise((resolve) => setTimeout(resolve)) : undefined)
          if (turn % 8 !== 0) continue
          reads.push(store.get(name).then((read) => read?.length))
          reads.push(store.getMany([name]).then(([read]) => read?.length))
          reads.push(store.piece(name, 3).then((piece) => piece?.size))
        }
        await going
        for (const size of await Promise.all(reads)) {
          equal([bytes.length, 7, undefined].includes(size), true, `a read of ${size} bytes`)
        }
      }
    },
  },
  {
    name: 'a damaged chunk is CORRUPT with its own key, all else is readable, and a put of the content heals it',
    damages: true,
    async run({ open, close, flip, reopen }) {
      const bytes = value(LARGE, 8)
      const first = await open()
      const name = await first.put(bytes)
      const { length = 0 } = (await first.piece(name, 0))?.bytes ?? {}
      const chunk = await sha256(bytes.slice(0, length))
      await close()
      await flip('data/0/0', 500)
      const store = await open()
      const error = await fails(() => store.get(name), 'CORRUPT', 'get')
      equal(error.where?.key, chunk, 'the key of the chunk')
      await same(await store.get(name, { offset: length }), bytes.slice(length), 'the other chunks')
      equal(await store.put(bytes), name, 'the put that heals')
      await same(await (await reopen()).get(name), bytes, 'the healed content')
    },
  },
]
