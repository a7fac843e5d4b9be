/**
 * Engine cases: damage to what tells of other damage (headers, lists of segments, the head, a checkpoint, the config), most of it two strokes at
 * once. Part of engine-cases.ts.
 */

import {
  COMMIT,
  ENTRY,
  encodeSegmentList,
  MAGIC_BYTES,
  SEGMENT_HEADER,
  SEGMENT_HEADER_ENTRY_BYTES,
  SEGMENT_LIST_KEY,
  TAG,
} from '../format/entry.js'
import { KEY_BYTES, sameKey } from '../format/key.js'
import { createKernel } from '../kernel/kernel.js'
import type { Engine } from '../store/engine.js'
import { equal } from './check.js'
import { type EngineCase, engineContext, key, text, value } from './engine-case.js'
import { withUncutEnd } from './engine-cases-aftermath.js'

/** Places in a segment's header entry: its checksum, size, tag, key, and the number and the id in its value. */
const HEADER_PLACES = [
  0,
  ENTRY.size,
  ENTRY.tag,
  ENTRY.key + 15,
  ENTRY.key + 16,
  ENTRY.putHeaderBytes,
  ENTRY.putHeaderBytes + SEGMENT_HEADER.previousEnd,
  SEGMENT_HEADER_ENTRY_BYTES - 1,
]

/** Where a key stands in a segment; -1 when it does not. */
function placeOf(key: Uint8Array, log: Uint8Array): number {
  for (let at = 0; at <= log.length - KEY_BYTES; at++) if (sameKey(log, at, key, 0)) return at
  return -1
}

async function sealedPut(key: Uint8Array, value: Uint8Array): Promise<Uint8Array> {
  const size = ENTRY.putHeaderBytes + value.length
  const arena = (await createKernel()).arena(size)
  arena.view(ENTRY.key, KEY_BYTES).set(key)
  arena.view(ENTRY.putHeaderBytes, value.length).set(value)
  arena.seal(0, size, TAG.put)
  return arena.view(0, size).slice()
}

export const witnessCases: readonly EngineCase[] = [
  {
    name: 'a file that holds another segment is known for it with one bit of its header flipped too: it gives no older value',
    damages: true,
    async run({ open, close, storage, reopen, reopenFromLog, flip }) {
      const first = await open({ maxSegmentSize: 1024 })
      await first.set(key(1), value(100, 1))
      await first.set(key(2), value(1000))
      // Of the same size, so that both stand in the same place of their segments.
      await first.set(key(1), value(100, 2))
      await first.set(key(3), value(1000))
      await first.set(key(4), value(100))
      await close()
      const older = await storage.contents('data/0/0')
      const whole = new Map(
        await Promise.all((await storage.paths()).map(async (path) => [path, await storage.contents(path)] as const)),
      )
      for (const at of HEADER_PLACES) {
        for (const openAgain of [reopen, reopenFromLog]) {
          for (const [path, bytes] of whole) await storage.replace(path, bytes)
          await storage.replace('data/0/1', older)
          await flip('data/0/1', MAGIC_BYTES + at, at % 8)
          const store = await openAgain()
          const got = await store.get(key(1)).catch((error) => error.code)
          equal(got, 'CORRUPT', `the value, with byte ${at} flipped`)
          equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
          equal(await store.get(key(1)), undefined, 'the value after the repair')
          equal(await store.get(key(4)), value(100), 'what was not touched')
          await close()
          for (const path of await storage.paths()) await storage.remove(path)
        }
      }
    },
  },
  {
    name: 'what was never committed, and could not be cut off in front of damage, stays so with one bit of the header flipped that says it',
    damages: true,
    async run(context) {
      const { store, deleted, close, flip, segments, reopenFromLog } = await withUncutEnd(context)
      const fresh = (await segments()).at(-1)
      // What is damaged in the last segment, behind what the head tells of, would look torn.
      await store.set(key(2), value(400))
      await close()
      await flip(`data/0/${fresh}`, MAGIC_BYTES + ENTRY.putHeaderBytes, 3)
      equal(await (await reopenFromLog()).has(deleted), false, 'what was deleted, with the bit flipped')
    },
  },
  {
    name: 'a list of segments in which one bit is flipped says all the same which were given up',
    damages: true,
    async run({ open, close, reopenFromLog, storage, flip }) {
      const first = await open({ maxSegmentSize: 1024 })
      await first.set(key(1), value(1000))
      for (const seed of [1, 2, 3]) await first.set(key(2), value(1000, seed))
      await first.compact()
      await close()
      const last = (await storage.paths()).filter((path) => path.startsWith('data/')).at(-1) as string
      const list = placeOf(SEGMENT_LIST_KEY, await storage.contents(last))
      await flip(last, list + KEY_BYTES + 2)
      const store = await reopenFromLog()
      equal(
        store.recovery.damaged.map(({ kind, message }) => [kind, message]),
        [['entry', 'one bit of the entry is flipped']],
        'damage',
      )
      equal(await store.get(key(1)), value(1000), 'what stands in front of it')
    },
  },
  {
    name: "a list of segments in another store's file gives up nothing here",
    damages: true,
    async run({ open, close, reopenFromLog, storage }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (const seed of [1, 2, 3]) await first.set(key(1), value(1000, seed))
      await first.compact()
      await close()
      const last = (await storage.paths()).filter((path) => path.startsWith('data/')).at(-1) as string
      const other = await storage.contents(last)
      equal(placeOf(SEGMENT_LIST_KEY, other) > 0, true, 'a list is in it')
      await storage.clear()
      const second = await open()
      const segment = Number(last.split('/').at(-1))
      const contents: string[] = []
      for (let seed = 0; seed < segment + 2; seed++) contents.push(await second.put(value(1000, 10 + seed)))
      await close()
      await storage.replace(last, other)
      const store = await reopenFromLog()
      contents.splice(segment, 1)
      await keptThroughRepair(store, contents)
    },
  },
  {
    name: 'a list of segments in a value, in front of which damage has no known end, gives up nothing',
    damages: true,
    async run({ open, close, reopenFromLog, storage }) {
      const first = await open({ maxSegmentSize: 1024 })
      const contents: string[] = []
      for (const seed of [1, 2, 3]) contents.push(await first.put(value(1000, seed)))
      const list = encodeSegmentList({ segment: 3, staying: [], ends: [] })
      const entry = await sealedPut(SEGMENT_LIST_KEY, list)
      await first.put(new Uint8Array([...value(200), ...entry, ...COMMIT, ...value(200)]))
      await first.set(key(1), value(1000))
      await close()
      const log = await storage.contents('data/0/3')
      log.fill(0, MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES, MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES + 64)
      await storage.replace('data/0/3', log)
      const store = await reopenFromLog()
      await keptThroughRepair(store, contents)
    },
  },
  {
    name: 'a tombstone in a file that holds another segment deletes nothing with one bit of it flipped either',
    damages: true,
    async run({ open, close, reopenFromLog, storage, flip }) {
      const first = await open({ maxSegmentSize: 1024 })
      const content = await first.put('deleted, and put again')
      await first.put(value(1000, 1))
      await first.delete(content)
      await first.put(value(1000, 2))
      await first.put('deleted, and put again')
      for (const seed of [3, 4]) await first.put(value(1000, seed))
      await close()
      await storage.replace('data/0/3', await storage.contents('data/0/1'))
      await flip('data/0/3', MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES, 2)
      const store = await reopenFromLog()
      equal(
        store.recovery.damaged.filter(({ kind }) => kind === 'entry').map(({ key }) => key),
        [content],
        'damaged entries',
      )
      equal(text(await store.get(content)), 'deleted, and put again', 'the content')
    },
  },
  {
    name: 'a checkpoint that came back, behind a segment in which the log has gone on since and that is cut, hides nothing',
    damages: true,
    async run({ open, close, storage }) {
      const first = await open({ maxSegmentSize: 1024 })
      await first.set(key(1), value(100))
      await close()
      const before = await storage.contents('index.0')
      // Another checkpoint in the same segment closes that first.
      const second = await open({ checkpointBytes: 1 })
      const content = await second.put('in front of it')
      await close()
      const back = await storage.contents('index.1')
      const closed = (await storage.contents('data/0/0')).length
      await storage.replace('index.0', before)
      await storage.remove('index.1')
      // How many segments the log has since: the last of them is told of by the head, others by the next one.
      for (const count of [1, 2, 3]) {
        const third = engineContext(await storage.snapshot(), { checkpointBytes: 1_000_000 })
        const store = await third.open()
        for (let number = 0; number < count; number++) await store.set(key(3 + number), value(1000, number))
        const after = await third.crash()
        equal((await after.segments()).length, count, 'segments')
        await after.storage.replace('index.1', back)
        const log = await after.storage.contents('data/0/0')
        await after.storage.replace('data/0/0', log.slice(0, closed))
        const found = await after.open()
        equal(
          found.recovery.damaged.map(({ kind, segment, offset }) => [kind, segment, offset]),
          [['segment', 0, closed]],
          `damage, with ${count} segments`,
        )
        equal(text(await found.get(content)), 'in front of it', 'what stands in front of the cut')
        await after.close()
        await third.close()
      }
    },
  },
  {
    name: 'a checkpoint that could not be read is gone after a repair',
    damages: true,
    async run({ open, close, storage, reopen, flip }) {
      // Of a number that the log has come to, and of one that it has not: the newest is looked at first.
      for (const name of ['index.0', 'index.7']) {
        await (await open()).set(key(1), value(100))
        await close()
        const bytes = await storage.contents('index.0')
        await storage.remove('index.0')
        await storage.replace(name, bytes)
        await flip(name, 60)
        await flip('data/0/0', 200)
        const store = await open()
        equal(
          store.recovery.damaged.map(({ kind }) => kind),
          ['checkpoint', 'entry'],
          'damage',
        )
        equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
        equal((await storage.paths()).filter((path) => path.startsWith('index.')).length, 1, 'checkpoints')
        equal((await reopen()).recovery.damaged, [], 'damage after the repair')
        await close()
        await storage.clear()
      }
    },
  },
  {
    name: "one bit of the id in the config is flipped and the head is lost: the segments are no other store's",
    damages: true,
    async run({ open, close, storage, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (const number of [1, 2, 3]) await first.set(key(number), value(1000, number))
      await close()
      const good = text(await storage.contents('config')) as string
      const id = first.id.replace(/[0-8]/, (digit) => String(Number(digit) ^ 1))
      await storage.replace('config', new TextEncoder().encode(good.replace(first.id, id)))
      await storage.remove('head')
      const store = await reopenFromLog()
      equal([store.id, store.recovery.damaged.map(({ kind }) => kind)], [first.id, ['head', 'config']], 'damage')
      for (const number of [1, 2, 3]) equal(await store.get(key(number)), value(1000, number), 'a value')
      equal(text(await storage.contents('config')), good, 'the config')
    },
  },
  {
    name: 'a file at the end of the log that holds another segment is not cut where the log ended: what stands there may be whole',
    damages: true,
    async run({ open, close, storage, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      const [content = ''] = await first.transaction(async (tx) => [await tx.put(value(900)), await tx.put(value(100))])
      await close()
      // It has no COMMIT, and the log ended in the middle of the content that is in it.
      const other = await storage.contents('data/0/0')
      equal(other.length > (await storage.contents('data/0/1')).length, true, 'it is longer')
      await storage.replace('data/0/1', other)
      const store = await reopenFromLog()
      equal(
        store.recovery.damaged.map(({ segment, message }) => [segment, message]),
        [[1, 'the file holds segment 0']],
        'damage',
      )
      equal((await storage.contents('data/0/1')).length, other.length, 'bytes of the file')
      equal(await store.get(content), value(900), 'the content')
      equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
      equal(await store.get(content), value(900), 'the content after the repair')
    },
  },
]

/** All of the contents are there, before a repair and after it. */
async function keptThroughRepair(store: Engine, contents: readonly string[]): Promise<void> {
  const found = () => Promise.all(contents.map((content) => store.has(content)))
  const all = contents.map(() => true)
  equal(await found(), all, 'contents')
  equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
  equal(await found(), all, 'contents after the repair')
}
