/**
 * Engine cases: what check tells and repair mends: all that can be proven good stays, what is lost is named and does not come back as an older
 * value. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import { MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import { parseKey } from '../format/key.js'
import { equal, fails, placeOf } from './check.js'
import { type EngineCase, type EngineContext, key, keysOf, text, value } from './engine-case.js'

/** Where the first entry of a transaction stands in a new segment. */
const FIRST = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES
const SMALL = { maxSegmentSize: 1024 }

/** A closed store of twelve keys in six segments: 0 and 1 in the first, 2 and 3 in the second. */
async function closed({ open, close }: EngineContext): Promise<void> {
  const store = await open(SMALL)
  for (let number = 0; number < 12; number++) await store.set(key(number), value(450, number))
  await close()
}

/** The values of key 0 to 11 are there, and as they were, except these. */
async function holdsAllBut(lost: readonly number[], { reopen, reopenFromLog }: EngineContext): Promise<void> {
  for (const openAgain of [reopen, reopenFromLog]) {
    const store = await openAgain()
    equal(store.recovery.damaged, [], 'damage at the next opening')
    const kept = Array.from({ length: 12 }, (_, number) => number).filter((number) => !lost.includes(number))
    equal(await keysOf(store), kept.map(key), 'keys')
    for (const number of kept) equal(await store.get(key(number)), value(450, number), `value ${number}`)
    equal((await store.check()).findings, [], 'findings')
  }
}

export const repairCases: readonly EngineCase[] = [
  {
    name: 'a repair of a sound store changes nothing',
    async run({ open, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      await store.flush()
      storage.calls.length = 0
      const { clean, repaired } = await store.check({ repair: true })
      equal([clean, repaired], [true, { kept: 0, lost: [], setAside: [] }], 'report')
      equal(storage.count('write') + storage.count('truncate') + storage.count('remove'), 0, 'changes')
    },
  },
  {
    name: 'a repair keeps the neighbours of a damaged value, names the key that is lost, and sets the segment aside as it was',
    async run(context) {
      const { open, flip, storage } = context
      await closed(context)
      await flip('data/0/1', FIRST + 100)
      const bad = await storage.contents('data/0/1')
      const store = await open()
      const { clean, repaired } = await store.check({ repair: true })
      equal(clean, true, 'clean after it')
      equal(repaired, { kept: 1, lost: [key(2)], setAside: ['lost+found/1.0'] }, 'what was repaired')
      equal(await storage.contents('lost+found/1.0'), bad, 'what is set aside')
      await holdsAllBut([2], context)
    },
  },
  {
    name: 'a repair sets nothing aside of what compaction has retired, and gives its space back',
    async run(context) {
      const { open, close, segments, storage } = context
      await closed(context)
      const store = await open()
      await store.deleteMany(Array.from({ length: 8 }, (_, number) => key(number)))
      await store.put('once more')
      const inUse = async () => (await store.stats()).segments.map(({ segment }) => segment)
      equal((await segments()).length > (await inUse()).length, true, 'files of retired segments')
      const [checkpoint = ''] = (await storage.paths()).filter((path) => path.startsWith('index.'))
      await storage.remove(checkpoint)
      const { clean, findings, repaired } = await store.check({ repair: true })
      equal([clean, findings.map(({ kind }) => kind)], [true, ['checkpoint']], 'what was found')
      equal(repaired, { kept: 0, lost: [], setAside: [] }, 'what was repaired')
      equal(await segments(), await inUse(), 'files after it')
      await close()
    },
  },
  {
    name: 'a segment that is missing is given up by a repair: its keys are named, and the next opening does not miss it',
    async run(context) {
      const { open, storage } = context
      await closed(context)
      await storage.remove('data/0/2')
      const store = await open()
      equal(store.recovery.damaged[0]?.message, 'the segment is missing', 'damage')
      const { clean, repaired } = await store.check({ repair: true })
      equal([clean, repaired], [true, { kept: 0, lost: [key(4), key(5)], setAside: [] }], 'what was repaired')
      await holdsAllBut([4, 5], context)
    },
  },
  {
    name: 'a key that was deleted stays so when the segment that said it is missing, and is given up by a repair',
    async run({ open, close, reopen, reopenFromLog, storage }) {
      const first = await open(SMALL)
      await first.set(key(1), value(100, 1))
      await first.set(key(0), value(900))
      await first.set(key(2), value(300))
      await first.delete(key(1))
      await first.set(key(3), value(900))
      await first.set(key(4), value(300))
      await close()
      await storage.remove('data/0/1')
      const store = await open()
      equal((await store.check({ repair: true })).repaired?.lost.toSorted(), [key(2), key(3)], 'what is lost')
      equal(await keysOf(store), [key(0), key(4)], 'keys after the repair')
      for (const openAgain of [reopen, reopenFromLog]) equal(await keysOf(await openAgain()), [key(0), key(4)], 'keys')
    },
  },
  {
    name: 'a store whose only segment is lost takes new writes, and a repair gives up the rest',
    async run({ open, close, reopen, storage }) {
      for (const withCheckpoint of [true, false]) {
        await (await open()).set(key(1), 'one')
        await close()
        await storage.remove('data/0/0')
        const checkpoints = (await storage.paths()).filter((path) => path.startsWith('index.'))
        if (!withCheckpoint) for (const path of checkpoints) await storage.remove(path)
        const store = await open()
        const kinds = store.recovery.damaged.map(({ kind, segment }) => [kind, segment])
        equal(kinds, [['segment', 0]], 'damage')
        await store.set(key(2), 'two')
        equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
        const again = await reopen()
        equal([again.recovery.damaged, await keysOf(again)], [[], [key(2)]], 'damage and keys')
        await close()
        await storage.clear()
      }
    },
  },
  {
    name: 'no older value of a lost key comes back, and no deleted one, whatever is repaired and compacted',
    async run(context) {
      const { open, close, flip, reopenFromLog } = context
      const first = await open(SMALL)
      await first.set(key(1), 'old')
      await first.set(key(2), value(400))
      // Keeps more than half of the segment alive, or it would be rewritten at once.
      await first.set(key(4), value(800))
      await first.set(key(1), 'new')
      await first.delete(key(2))
      await first.set(key(3), value(900))
      equal((await first.stats()).segments.map(({ segment }) => segment).slice(0, 2), [0, 1], 'the first segments')
      await close()
      await flip('data/0/1', FIRST + 41 + 1)
      const store = await open()
      const { repaired } = await store.check({ repair: true })
      equal(repaired?.lost, [key(1)], 'lost keys')
      equal(await keysOf(await reopenFromLog()), [key(3), key(4)], 'keys')
      await (await reopenFromLog()).compact({ threshold: 0 })
      equal(await keysOf(await reopenFromLog()), [key(3), key(4)], 'keys after compacting')
    },
  },
  {
    name: 'a damaged segment of more than a mebibyte is set aside whole',
    async run({ open, close, flip, storage, reopen }) {
      const first = await open()
      await first.set(key(1), value(1_500_000))
      await first.set(key(2), 'two')
      await close()
      await flip('data/0/0', FIRST + 1_400_000)
      const bad = await storage.contents('data/0/0')
      const store = await open()
      const { repaired } = await store.check({ repair: true })
      equal([repaired?.kept, repaired?.lost], [1, [key(1)]], 'kept, lost')
      const copy = await storage.contents('lost+found/0.0')
      equal([copy.length, copy.every((byte, at) => byte === bad[at])], [bad.length, true], 'the copy')
      equal(await keysOf(await reopen()), [key(2)], 'keys')
    },
  },
  {
    name: 'a content whose list of chunks is lost is named by a repair, as long as it has a name',
    async run({ open, close, flip, storage }) {
      const first = await open()
      const content = await first.put(value(wholeBytesMax(CHUNK_SIZES) + 1))
      await first.transaction(async (tx) => {
        await tx.refs.set('large', content)
        await tx.refs.set('the same', content)
        await tx.refs.set('other', await tx.put('other'))
      })
      await close()
      // The list begins with the key of the content.
      await flip('data/0/0', placeOf(parseKey(content), await storage.contents('data/0/0')))
      const store = await open()
      equal((await store.check({ repair: true })).repaired?.lost, [content], 'what is lost')
      equal(await store.get(content), undefined, 'the content')
    },
  },
  {
    name: 'a repair that cannot write changes nothing, and works when there is room',
    async run(context) {
      const { open, flip, storage } = context
      await closed(context)
      await flip('data/0/1', FIRST + 100)
      const store = await open()
      storage.before = ({ kind, path }) => {
        if (kind === 'write' && path.startsWith('data/')) throw new StoreError('QUOTA', 'no room is left')
      }
      await fails(() => store.check({ repair: true }), 'QUOTA', 'the repair')
      storage.before = () => undefined
      equal((await storage.paths()).includes('data/0/1'), true, 'the damaged segment is there')
      equal(await store.get(key(3)), value(450, 3), 'the neighbour')
      equal((await store.check({ repair: true })).repaired?.lost, [key(2)], 'lost keys')
      await holdsAllBut([2], context)
    },
  },
  {
    name: 'a head that lags behind the log is found by a check, and mended by a repair',
    async run({ open, storage, reopen }) {
      const store = await open()
      await store.set(key(1), 'one')
      storage.before = ({ kind, path }) => {
        if (kind === 'write' && path === 'head') throw new StoreError('IO', 'the head cannot be written')
      }
      await store.set(key(1), 'two')
      const message = 'the head tells of transaction 1, the log of 2'
      equal((await store.check()).findings, [{ kind: 'head', file: 'head', message }], 'findings')
      storage.before = () => undefined
      equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
      equal((await reopen()).recovery.damaged, [], 'damage at the next opening')
    },
  },
  {
    name: 'a checkpoint that vanished is found by a check; one that cannot be opened ends it with IO',
    async run(context) {
      const { open, storage } = context
      await closed(context)
      const store = await open()
      const [path = ''] = (await storage.paths()).filter((path) => path.startsWith('index.'))
      storage.before = (call) => {
        if (call.kind === 'open' && call.path === path) throw new StoreError('IO', 'the disk is gone')
      }
      await fails(() => store.check(), 'IO', 'check')
      storage.before = () => undefined
      await storage.remove(path)
      const message = 'the checkpoint is missing'
      equal((await store.check()).findings, [{ kind: 'checkpoint', file: path, message }], 'findings')
      equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
      await holdsAllBut([], context)
    },
  },
  {
    name: 'content in a segment that vanished under an open store is written anew by a put, once a get of its neighbour met the loss',
    damages: true,
    async run({ open, close, storage }) {
      const first = await open(SMALL)
      const names = await first.putMany(Array.from({ length: 6 }, (_, number) => value(450, number)))
      await close()
      const store = await open()
      await storage.remove('data/0/1')
      await fails(() => store.get(names[2] ?? ''), 'CORRUPT', 'a value in it')
      equal(await store.put(value(450, 3)), names[3], 'the put of its neighbour')
      equal(await store.get(names[3] ?? ''), value(450, 3), 'the neighbour')
    },
  },
  {
    name: 'a segment that vanishes under an open store is found by a check, and so is what the index says of it',
    damages: true,
    async run(context) {
      const { open, storage } = context
      await closed(context)
      const store = await open()
      await storage.remove('data/0/1')
      const { findings } = await store.check()
      equal(findings[0], { kind: 'segment', message: 'the segment is missing', segment: 1 }, 'the first finding')
      const named = findings.filter(({ kind }) => kind === 'index').map(({ key }) => key)
      equal(named.includes(key(2)) && named.includes(key(3)), true, `the keys in it are named: ${named}`)
      equal(text((await store.get(key(4)))?.slice(0, 0)), '', 'another value can be read')
    },
  },
]
