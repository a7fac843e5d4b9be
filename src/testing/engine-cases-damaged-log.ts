/**
 * Engine cases: damage to the log as a whole: ends, marks, segments that are lost, cut, copied or another store's. Part of engine-cases.ts.
 */

import { MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import type { Engine } from '../store/engine.js'
import { equal, fails } from './check.js'
import { type EngineCase, key, keysOf, text, value } from './engine-case.js'

/** Where the first entry of a transaction stands in a new segment. */
const FIRST = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES

export const damagedLogCases: readonly EngineCase[] = [
  {
    name: 'a segment that is missing takes its own keys with it and no others, and is told of',
    damages: true,
    async run({ open, close, storage }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 12; number++) await first.set(key(number), value(400, number))
      await close()
      await storage.remove('data/0/2')
      const store = await open()
      equal(
        store.recovery.damaged.map(({ kind, segment }) => [kind, segment]),
        [['segment', 2]],
        'damage',
      )
      let readable = 0
      for (let number = 0; number < 12; number++) {
        const got = await store.get(key(number)).catch((error: { code: string }) => error.code)
        if (got === 'CORRUPT') continue
        equal(got as Uint8Array, value(400, number), `value ${number}`)
        readable++
      }
      equal(readable >= 9 && readable < 12, true, `${readable} values are readable`)
      equal((await store.compact({ threshold: 0 })).segments, 0, 'segments rewritten in a degraded store')
    },
  },
  {
    name: 'a segment that is cut short behind its neighbours, or replaced by another, is told of',
    damages: true,
    async run({ open, close, crash }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 12; number++) await first.set(key(number), value(400, number))
      await close()
      for (const change of ['cut', 'swap'] as const) {
        const after = await crash()
        const [one, two] = [await after.storage.contents('data/0/1'), await after.storage.contents('data/0/2')]
        await after.storage.replace('data/0/1', change === 'cut' ? one.slice(0, 600) : two)
        if (change === 'swap') await after.storage.replace('data/0/2', one)
        const store = await after.reopenFromLog()
        equal(
          store.recovery.damaged.some(({ segment }) => segment === 1),
          true,
          `${change} is told of`,
        )
        for (let number = 0; number < 12; number++) {
          const got = await store.get(key(number)).catch(() => undefined)
          if (got) equal(got, value(400, number), `value ${number} after a ${change}`)
        }
        await after.close()
      }
    },
  },
  {
    name: 'a transaction whose COMMIT is destroyed, but vouched for by the head, stays when the head is lost later',
    damages: true,
    async run({ open, close, storage, reopen }) {
      const first = await open()
      await first.set(key(1), 'one')
      await first.transaction(async (tx) => {
        await tx.set(key(2), 'two')
        await tx.delete(key(1))
      })
      await close()
      await storage.remove('index.0')
      const log = await storage.contents('data/0/0')
      await storage.replace('data/0/0', log.fill(0xaa, log.length - 9))
      const store = await open()
      equal(store.recovery.damaged.length, 1, 'damage')
      equal(await keysOf(store), [key(2)], 'keys by the word of the head')
      await store.set(key(3), 'three')
      await close()
      await storage.remove('head')
      equal(await keysOf(await reopen()), [key(2), key(3)], 'keys by the word of the segment behind')
    },
  },
  {
    name: 'what a crash left behind damage never happens, whatever is committed after it',
    damages: true,
    async run({ open, close, storage, crash }) {
      for (const isFirst of [true, false]) {
        const store = await open()
        if (!isFirst) await store.set(key(1), 'one')
        const at = isFirst ? 0 : (await storage.contents('data/0/0')).length
        const tx = await store.begin()
        // More than the buffer holds, so that part of it is written out.
        for (let number = 0; number < 3; number++) await tx.set(key(10 + number), value(600_000, number))
        const after = await crash()
        await tx.rollback()
        // What no crash leaves: a beginning that is none, or a value before the durable mark that is damaged.
        await after.flip('data/0/0', isFirst ? 1 : at - 10, 3)
        const survivor = await after.open()
        equal(survivor.recovery.damaged.length > 0, true, 'damage is told of')
        await survivor.set(key(3), 'three')
        for (const openAgain of [after.reopen, after.reopenFromLog]) {
          const found = await keysOf(await openAgain())
          equal(found, isFirst ? [key(3)] : [key(1), key(3)], 'keys')
        }
        await after.close()
        await close()
      }
    },
  },
  {
    name: 'damage behind the durable mark is no torn tail when other segments follow: what stands behind it stays readable',
    damages: true,
    async run({ open, close, flip, storage, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      await first.set(key(0), value(200))
      await first.flush()
      const [head, at] = [await storage.contents('head'), (await storage.contents('data/0/0')).length]
      for (let number = 1; number < 8; number++) await first.set(key(number), value(200, number))
      await close()
      await storage.replace('head', head)
      await flip('data/0/0', at + 41 + 10)
      const store = await reopenFromLog()
      const told = store.recovery.damaged.map(({ kind, segment, offset, key }) => [kind, segment, offset, key])
      equal(told, [['entry', 0, at, key(1)]], 'damage')
      for (const number of [0, 2, 3, 4, 5, 6, 7]) equal(await store.get(key(number)), value(200, number), `${number}`)
    },
  },
  {
    name: 'a closed segment that is cut between two commits is told of by the next one, which remembers its length',
    damages: true,
    async run({ open, close, storage, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      await first.set(key(0), value(400))
      const at = (await storage.contents('data/0/0')).length
      for (let number = 1; number < 8; number++) await first.set(key(number), value(400, number))
      await close()
      const log = await storage.contents('data/0/0')
      await storage.replace('data/0/0', log.slice(0, at))
      const store = await reopenFromLog()
      const message = `the segment has ${at} bytes, and had ${log.length} when it was closed`
      equal<unknown>(store.recovery.damaged, [{ kind: 'segment', message, segment: 0, offset: at }], 'damage')
      equal(await store.get(key(7)), value(400, 7), 'a value behind it')
    },
  },
  {
    name: 'a file of the log that is copied under a later number retires nothing',
    damages: true,
    async run({ open, close, storage, reopenFromLog, flip }) {
      const store = await open({ maxSegmentSize: 1024 })
      const put = (number: number) => store.put(value(450, number))
      const names = [await put(0), await put(1), await put(2)]
      await store.delete(names.shift() ?? '')
      await store.compact({ threshold: 0.3 })
      const list = Math.max(...(await store.stats()).segments.map(({ segment }) => segment))
      for (let number = 3; number < 10; number++) names.push(await put(number))
      await close()
      await storage.replace(`data/0/${list + 9}`, await storage.contents(`data/0/${list}`))
      const again = await reopenFromLog()
      const told = again.recovery.damaged.map(({ segment, message }) => [segment, message])
      equal(told[0], [list + 9, `the file holds segment ${list}`], 'damage')
      const sizes = async (store: Engine) => (await store.getMany(names)).map((bytes) => bytes?.length)
      const whole = names.map(() => 450)
      equal(await sizes(again), whole, 'values')
      await close()
      // Two bits: so the header says no more whose it is. (At the end of the log it would look torn.)
      await storage.replace(`data/0/${list + 10}`, await storage.contents(`data/0/${list}`))
      for (const bit of [0, 1]) await flip(`data/0/${list + 9}`, FIRST - 1, bit)
      equal(await sizes(await reopenFromLog()), whole, 'values, with a header that says nothing')
    },
  },
  {
    name: "a store's file that is kept as a value is never taken for the log, not even when the entry around it is damaged",
    damages: true,
    async run({ open, close, storage, crash }) {
      const inner = await open()
      await inner.set(key(2), 'the value of the inner store')
      await inner.delete(key(2))
      await close()
      const file = await storage.contents('data/0/0')
      await storage.clear()
      const first = await open()
      await first.set(key(2), 'the value of the outer store')
      await first.flush()
      const at = (await storage.contents('data/0/0')).length
      await first.set(key(3), file)
      const name = await first.put('behind it')
      const after = await crash()
      const log = await after.storage.contents('data/0/0')
      await after.storage.replace('data/0/0', log.fill(0xee, at, at + 9))
      const store = await after.reopenFromLog()
      equal(
        store.recovery.damaged.map(({ kind, offset }) => [kind, offset]),
        [['entry', at]],
        'damage: no word about segments',
      )
      await fails(() => store.get(key(2)), 'CORRUPT', 'an older value, which may have been replaced')
      equal(text(await store.get(name)), 'behind it', 'a content behind it, which proves itself')
      await after.close()
    },
  },
  {
    name: "a segment of another store is told of, and the config's store stays, with a head to decide or without",
    damages: true,
    async run({ open, close, storage }) {
      await (await open()).set(key(1), 'theirs')
      await close()
      const theirs = await storage.contents('data/0/0')
      for (const lost of [['index.0'], ['index.0', 'head']]) {
        await storage.clear()
        const ours = await open()
        await ours.set(key(2), 'ours')
        await close()
        for (const path of lost) await storage.remove(path)
        await storage.replace('data/0/1', theirs)
        const store = await open()
        equal(store.id, ours.id, 'id')
        const told = store.recovery.damaged.find(({ segment }) => segment === 1)?.message
        equal(told, "the segment is another store's", 'damage')
        await fails(() => store.get(key(1)), 'CORRUPT', 'a value of the other store')
        await store.set(key(2), 'anew')
        equal(text(await store.get(key(2))), 'anew', 'a new value')
        await close()
      }
    },
  },
  {
    name: 'a log that ends between two commits before the place up to which it was durable has lost something, and says what',
    damages: true,
    async run({ open, close, storage, reopenFromLog }) {
      const first = await open()
      await first.set(key(1), 'one')
      await first.flush()
      const at = (await storage.contents('data/0/0')).length
      await first.set(key(2), 'two')
      await close()
      const log = await storage.contents('data/0/0')
      await storage.replace('data/0/0', log.slice(0, at))
      const message = `the segment ends at ${at} and was durable up to ${log.length}`
      const damage = { kind: 'segment', message, segment: 0, offset: at, size: log.length - at }
      for (const openAgain of [open, reopenFromLog]) {
        const store = await openAgain()
        equal<unknown>(store.recovery.damaged, [damage], 'damage')
        await fails(() => store.get(key(1)), 'CORRUPT', 'a value that may have been replaced')
      }
    },
  },
  {
    name: 'behind damage nothing is cut off, so that the next opening finds it again',
    damages: true,
    async run({ open, crash }) {
      const store = await open({ maxSegmentSize: 1024 })
      await store.set(key(1), 'one')
      const tx = await store.begin()
      for (let number = 10; number < 20; number++) await tx.set(key(number), value(450, number))
      const after = await crash()
      await tx.rollback()
      await after.flip('data/0/1', FIRST + 41 + 10)
      const contents = async () => {
        const files: number[][] = []
        for (const segment of [0, 1, 2, 3]) files.push([...(await after.storage.contents(`data/0/${segment}`))])
        return files
      }
      const before = await contents()
      for (const openAgain of [after.open, after.reopen]) {
        const survivor = await openAgain()
        const told = survivor.recovery.damaged.map(({ kind, segment }) => [kind, segment])
        equal(told, [['entry', 1]], 'damage')
        equal(await contents(), before, 'the segments')
        equal(await keysOf(survivor), [key(1)], 'keys')
      }
      await after.close()
    },
  },
]
