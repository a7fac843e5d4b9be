/**
 * Engine cases: what compaction gives back, what it must keep, and that nobody notices it. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import type { Engine } from '../store/engine.js'
import { equal, fails } from './check.js'
import { type EngineCase, type EngineContext, key, keysOf, value } from './engine-case.js'

const SMALL = { maxSegmentSize: 1024 }

/** A store of `count` keys in segments of three or so, each stored by itself. */
export async function filled(open: EngineContext['open'], count: number): Promise<Engine> {
  const store = await open(SMALL)
  for (let number = 0; number < count; number++) await store.set(key(number), value(300, number))
  return store
}

export async function holds(store: Engine, numbers: readonly number[]): Promise<void> {
  equal(await keysOf(store), numbers.map(key), 'keys')
  for (const number of numbers) equal(await store.get(key(number)), value(300, number), `value ${number}`)
}

export const compactionCases: readonly EngineCase[] = [
  {
    name: 'segments that are mostly dead are rewritten between commits, without being told',
    async run({ open, segments }) {
      const store = await filled(open, 9)
      for (let round = 0; round < 10; round++) {
        for (let number = 0; number < 9; number++) await store.set(key(number), value(300, number))
      }
      await holds(
        store,
        Array.from({ length: 9 }, (_, number) => number),
      )
      const { liveBytes, logBytes } = await store.stats()
      equal(logBytes < 4 * liveBytes, true, `${logBytes} bytes of log for ${liveBytes} live ones`)
      await store.close()
      equal((await segments()).length < 20, true, 'segments on the disk')
    },
  },
  {
    name: 'compact gives back what was retired between commits, and what a copy of the store held until its release',
    async run({ open, segments }) {
      const store = await filled(open, 30)
      const inUse = async () => (await store.stats()).segments.map(({ segment }) => segment)
      await store.deleteMany(Array.from({ length: 15 }, (_, number) => key(number)))
      await store.put('once more')
      equal((await segments()).length > (await inUse()).length, true, 'files of retired segments')
      await store.compact()
      equal(await segments(), await inUse(), 'files after a compaction')
      const frozen = await store.freeze()
      await store.deleteMany(Array.from({ length: 15 }, (_, number) => key(15 + number)))
      await store.compact()
      equal((await segments()).length > (await inUse()).length, true, 'files that the copy holds')
      frozen.release()
      equal((await store.compact()).segments, 0, 'segments still to be rewritten')
      equal(await segments(), await inUse(), 'files after the release')
    },
  },
  {
    name: 'compact gives back what is dead and says how much',
    async run({ open, storage }) {
      const store = await filled(open, 30)
      for (let number = 0; number < 30; number += 3) await store.delete(key(number))
      const before = await store.stats()
      const report = await store.compact({ threshold: 0.2 })
      const after = await store.stats()
      equal(report.segments > 5, true, 'segments rewritten')
      equal(before.logBytes - after.logBytes, report.freedBytes, 'bytes given back')
      equal(after.deadBytes < before.deadBytes, true, 'dead bytes')
      const sizes = await Promise.all(after.segments.map(({ segment }) => storage.contents(`data/0/${segment}`)))
      equal(
        sizes.map(({ length }) => length),
        after.segments.map(({ bytes }) => bytes),
        'sizes of the files',
      )
      equal(
        (await storage.paths()).filter((path) => path.startsWith('data/0/')).length <= sizes.length + 1,
        true,
        'no other file',
      )
      await holds(
        store,
        Array.from({ length: 30 }, (_, number) => number).filter((number) => number % 3 > 0),
      )
    },
  },
  {
    name: 'compacting everything, twice, keeps everything',
    async run({ open, reopen }) {
      const numbers = Array.from({ length: 20 }, (_, number) => number)
      const store = await filled(open, 20)
      await store.compact({ threshold: 0 })
      await holds(store, numbers)
      await store.compact({ threshold: 0 })
      await holds(await reopen(), numbers)
    },
  },
  {
    name: 'compacting a store that is empty, or has nothing dead, rewrites nothing of it',
    async run({ open }) {
      const store = await open(SMALL)
      equal(await store.compact(), { segments: 0, copiedBytes: 0, freedBytes: 0 }, 'the report of an empty store')
      await store.put(value(900))
      equal((await store.compact()).segments, 0, 'segments rewritten')
    },
  },
  {
    name: 'a store whose every key is deleted shrinks to nothing but a list',
    async run({ open }) {
      const store = await filled(open, 30)
      await store.deleteMany(await keysOf(store))
      await store.compact()
      await store.compact()
      const { logBytes, count, segments } = await store.stats()
      equal(count, 0, 'blobs')
      equal(logBytes < 1000, true, `${logBytes} bytes in ${segments.length} segments`)
    },
  },
  {
    name: 'a tombstone survives compaction while an older PUT of its key is left',
    async run({ open, reopenFromLog }) {
      const store = await open({ maxSegmentSize: 4096 })
      // The PUT of key 1 lies in a segment that stays, among live ones; its tombstone in one that is rewritten.
      await store.set(key(1), value(100))
      for (let number = 10; number < 20; number++) await store.set(key(number), value(400, number))
      await store.delete(key(1))
      for (let number = 20; number < 32; number++) await store.set(key(number), value(400, number))
      for (let number = 20; number < 30; number++) await store.delete(key(number))
      await store.compact({ threshold: 0.5 })
      const left = (await store.stats()).segments.map(({ segment }) => segment)
      equal(
        [left.includes(0), left.includes(1)],
        [true, false],
        'the segment of the PUT and that of its tombstone are there',
      )
      const replayed = await reopenFromLog()
      equal(await replayed.has(key(1)), false, 'the deleted key after a replay')
      equal(await replayed.has(key(31)), true, 'a kept key')
    },
  },
  {
    name: 'a tombstone goes when no older PUT of its key is left',
    async run({ open }) {
      const store = await filled(open, 12)
      for (let number = 0; number < 12; number++) await store.delete(key(number))
      await store.set(key(50), value(300, 50))
      for (let round = 0; round < 3; round++) await store.compact({ threshold: 0 })
      const { liveBytes } = await store.stats()
      // 341 bytes of the PUT, the note that keys are chosen, and the segment list of a few numbers. Twelve tombstones would be 492 more.
      equal(liveBytes < 341 + 41 + 41 + 40, true, `${liveBytes} live bytes`)
    },
  },
  {
    name: 'what is read while segments are rewritten is right',
    async run({ open }) {
      const store = await filled(open, 60)
      for (let number = 0; number < 60; number += 2) await store.delete(key(number))
      let compacting = true
      let reads = 0
      const done = store.compact({ threshold: 0.1 }).finally(() => {
        compacting = false
      })
      while (compacting) {
        const number = (reads++ * 7) % 60
        const expected = number % 2 === 0 ? undefined : value(300, number)
        equal(await store.get(key(number)), expected, `value ${number}`)
        const both = await store.getMany([key(number), key(59)])
        equal(both, [expected, value(300, 59)], `values ${number} and 59`)
      }
      equal((await done).segments > 10, true, 'segments rewritten')
      equal(reads > 10, true, `${reads} reads meanwhile`)
    },
  },
  {
    name: 'deleting one of many small blobs does not rewrite the others',
    async run({ open, storage }) {
      const store = await open()
      const keys = await store.putMany(Array.from({ length: 1000 }, (_, number) => value(1000, number)))
      storage.calls.length = 0
      await store.delete(keys[500] ?? '')
      equal(storage.written() < 500, true, `${storage.written()} bytes written`)
    },
  },
  {
    name: 'a compaction that finds little room goes on with one segment at a time, the deadest first',
    async run({ open, close, storage }) {
      const first = await filled(open, 12)
      await first.compact({ threshold: 1 })
      await close()
      const store = await open()
      const read = () => [
        ...new Set(storage.calls.filter(({ kind, bytes }) => kind === 'read' && bytes > 1000).map(({ path }) => path)),
      ]
      let refused: string[] = []
      storage.calls.length = 0
      storage.before = ({ kind, path }) => {
        if (kind !== 'write' || !path.startsWith('data/') || refused.length > 0 || read().length === 0) return
        refused = read()
        storage.calls.length = 0
        throw new StoreError('QUOTA', 'no room is left')
      }
      // Half of the log. Segment 0 holds an entry of the store's own besides, so that segment 1 has less to copy; of segment 2 nothing is left.
      await store.deleteMany([0, 1, 3, 4, 6, 7, 8, 9].map(key))
      await store.flush()
      const deadestFirst = ['data/0/2', 'data/0/1', 'data/0/0']
      equal([refused, read()], [deadestFirst, deadestFirst.slice(0, 1)], 'what is read before the refusal and after it')
      equal((await store.compact({ threshold: 0.3 })).segments > 0, true, 'segments rewritten once there is room')
      await holds(store, [2, 5, 10, 11])
    },
  },
  {
    name: 'a compaction that cannot write leaves everything as it was, and works when there is room',
    async run({ open, storage }) {
      const store = await filled(open, 30)
      for (let number = 0; number < 30; number += 3) await store.delete(key(number))
      const kept = Array.from({ length: 30 }, (_, number) => number).filter((number) => number % 3 > 0)
      const before = await store.stats()
      storage.before = ({ kind, path }) => {
        if (kind === 'write' && path.startsWith('data/')) throw new StoreError('QUOTA', 'no room is left')
      }
      await fails(() => store.compact({ threshold: 0.2 }), 'QUOTA', 'compact')
      await holds(store, kept)
      storage.before = () => undefined
      equal((await store.stats()).liveBytes, before.liveBytes, 'live bytes')
      equal((await store.compact({ threshold: 0.2 })).segments > 0, true, 'segments rewritten')
      await holds(store, kept)
    },
  },
]
