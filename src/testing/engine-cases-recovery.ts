/**
 * Engine cases: what is found after a crash, and after damage. Part of engine-cases.ts.
 */

import { MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import { equal, fails } from './check.js'
import { type EngineCase, engineContext, key, keysOf, text, value } from './engine-case.js'

/** Where the first entry of a transaction stands in a new segment. */
const FIRST = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES

const crashes: EngineCase[] = [
  {
    name: 'what was acknowledged before a crash is there after it, and the crash is told of',
    async run({ open, crash }) {
      const store = await open()
      await store.set(key(1), 'one')
      await store.set(key(2), 'two')
      const after = await crash()
      const survivor = await after.open()
      equal((await survivor.getMany([key(1), key(2)])).map(text), ['one', 'two'], 'values')
      equal([survivor.recovery.source, survivor.recovery.replayed.transactions], ['log', 2], 'where it came from')
      equal([survivor.recovery.damaged, survivor.recovery.setAside], [[], []], 'damage, files set aside')
      await after.close()
    },
  },
  {
    name: 'a transaction that a crash interrupts is gone, and the next one takes its place',
    async run({ open, crash }) {
      const store = await open({ maxSegmentSize: 1024 })
      await store.set(key(1), 'one')
      const tx = await store.begin()
      for (let number = 10; number < 20; number++) await tx.set(key(number), value(500, number))
      const after = await crash()
      await tx.rollback()
      const survivor = await after.open()
      equal(await keysOf(survivor), [key(1)], 'keys')
      const { entries, bytes } = survivor.recovery.rolledBack
      equal([entries > 5, bytes > 2500], [true, true], `${entries} entries and ${bytes} bytes rolled back`)
      equal(await after.segments(), [0], 'segments')
      await survivor.set(key(10), 'again')
      equal(await keysOf(await after.reopenFromLog()), [key(1), key(10)], 'keys')
      equal((await (await after.reopen()).check()).findings, [], 'findings')
      await after.close()
    },
  },
  {
    name: 'a log that is cut at any byte of its last commit opens with the commits before it',
    async run({ open, crash, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      const before = (await storage.contents('data/0/0')).length
      const older = await crash()
      await store.transaction(async (tx) => {
        await tx.set(key(2), 'two')
        await tx.delete(key(1))
      })
      const log = await storage.contents('data/0/0')
      for (let size = before; size <= log.length; size++) {
        // The head is as it was before the commit: it is written after the log.
        const torn = engineContext(await older.storage.snapshot())
        await torn.storage.replace('data/0/0', log.slice(0, size))
        const survivor = await torn.open()
        const expected = size < log.length ? [key(1)] : [key(2)]
        equal(await keysOf(survivor), expected, `keys after ${size} bytes`)
        equal(survivor.recovery.damaged, [], `damage after ${size} bytes`)
        await survivor.set(key(3), 'three')
        equal(await keysOf(await torn.reopenFromLog()), [...expected, key(3)], 'keys after the next commit')
        await torn.close()
      }
    },
  },
  {
    name: 'the end of a file that a crash left full of zeros or noise is rolled back',
    async run({ open, crash, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      const log = await storage.contents('data/0/0')
      for (const tail of [new Uint8Array(100), value(100), value(5)]) {
        const torn = await crash()
        const file = new Uint8Array(log.length + tail.length)
        file.set(log)
        file.set(tail, log.length)
        await torn.storage.replace('data/0/0', file)
        const survivor = await torn.open()
        equal([survivor.recovery.rolledBack.bytes, survivor.recovery.damaged], [tail.length, []], 'rolled back, damage')
        equal((await torn.storage.contents('data/0/0')).length, log.length, 'bytes of the segment')
        equal(await keysOf(survivor), [key(1)], 'keys')
        await torn.close()
      }
    },
  },
  {
    name: 'a segment file that a crash left empty is no obstacle',
    async run({ open, close, reopen, storage }) {
      await (await open()).set(key(1), 'one')
      await close()
      await storage.replace('data/0/1', new Uint8Array())
      const store = await reopen()
      equal(store.recovery.damaged, [], 'damage')
      await store.set(key(2), 'two')
      equal(await keysOf(store), [key(1), key(2)], 'keys')
    },
  },
  {
    name: 'a creation that a crash interrupted, after any number of its writes, is finished by the next opening',
    async run({ open, close, storage }) {
      let interrupted = 0
      for (let stopAt = 1; ; stopAt++) {
        let call = 0
        storage.before = ({ kind }) => {
          if (kind !== 'close' && kind !== 'list' && ++call === stopAt) throw new Error('the machine stopped')
        }
        const stopped = await open().then(
          () => false,
          () => true,
        )
        storage.before = () => undefined
        await close()
        const store = await open()
        await store.put('works')
        equal((await store.stats()).count, 1, 'blobs')
        await close()
        if (!stopped) break
        interrupted++
        for (const path of await storage.paths()) await storage.remove(path)
        if ((await storage.list('')).length > 0) await storage.remove('data')
      }
      equal(interrupted > 10, true, `${interrupted} interruptions`)
    },
  },
  {
    name: 'a clean close leaves a checkpoint, and opening then reads only what came after it',
    async run({ open, reopen, crash }) {
      const store = await open()
      for (let number = 0; number < 10; number++) await store.set(key(number), 'value')
      const again = await reopen()
      equal([again.recovery.source, again.recovery.replayed.entries], ['checkpoint', 0], 'source, entries read')
      await again.set(key(10), 'value')
      const after = await crash()
      const survivor = await after.open()
      equal([survivor.recovery.source, survivor.recovery.replayed.transactions], ['checkpoint', 1], 'after a crash')
      equal((await keysOf(survivor)).length, 11, 'keys')
      await after.close()
    },
  },
  {
    name: 'a checkpoint that is torn, empty, flipped or gone costs a replay and nothing else',
    async run({ open, close, storage }) {
      const store = await open()
      for (let number = 0; number < 10; number++) await store.set(key(number), value(50, number))
      await store.delete(key(3))
      await close()
      const good = await storage.contents('index.0')
      const changes: [string, Uint8Array, boolean][] = [
        ['empty', new Uint8Array(), false],
        ['never finished', new Uint8Array([...new Uint8Array(128), ...good.slice(128)]), false],
        ['cut short', good.slice(0, -1), true],
        ['cut in its header', good.slice(0, 100), false],
        ['too long', new Uint8Array([...good, 0]), true],
      ]
      for (let at = 0; at < good.length; at += 13) {
        const flipped = good.slice()
        flipped[at] = (flipped[at] ?? 0) ^ 4
        changes.push([`flipped at ${at}`, flipped, true])
      }
      for (const [what, bytes, told] of changes) {
        await storage.replace('index.0', bytes)
        const again = await open()
        equal(again.recovery.source, 'log', `source with a checkpoint that is ${what}`)
        const kinds = again.recovery.damaged.map(({ kind }) => kind)
        equal(kinds, told ? ['checkpoint'] : [], `damage told of with a checkpoint that is ${what}`)
        equal((await keysOf(again)).length, 9, `keys with a checkpoint that is ${what}`)
        await close()
      }
    },
  },
  {
    name: 'a head that is gone or damaged in both slots is told of, and written anew',
    async run({ open, close, storage, reopen }) {
      await (await open()).set(key(1), 'one')
      await close()
      for (const bytes of [new Uint8Array(), value(128), value(3)]) {
        await storage.replace('head', bytes)
        const store = await open()
        equal(store.recovery.damaged.map(({ kind }) => kind), ['head'], 'damage') // biome-ignore format: one row
        equal(await keysOf(store), [key(1)], 'keys')
        equal((await reopen()).recovery.damaged, [], 'damage at the next opening')
        await close()
      }
    },
  },
]

const damage: EngineCase[] = [
  {
    name: 'a damaged value is CORRUPT with its key and place, all others are readable, and a put of the same bytes heals it',
    damages: true,
    async run({ open, close, flip, reopen }) {
      const first = await open()
      const [name = '', other = ''] = await first.putMany(['content', 'neighbour'])
      await close()
      await flip('data/0/0', FIRST + 41 + 2, 5)
      const store = await open()
      const error = await fails(() => store.get(name), 'CORRUPT', 'get')
      equal(error.where, { key: name, segment: 0, offset: FIRST }, 'where')
      await fails(() => store.getMany([other, name]), 'CORRUPT', 'getMany')
      equal(text(await store.get(other)), 'neighbour', 'the other value')
      equal(await store.has(name), true, 'the damaged key is there')
      equal(await store.put('content'), name, 'the put that heals')
      equal(text(await store.get(name)), 'content', 'the healed value')
      equal(text(await (await reopen()).get(name)), 'content', 'after reopening')
    },
  },
  {
    name: 'a put heals damage that only a check has met',
    damages: true,
    async run({ open, close, flip }) {
      const name = await (await open()).put('content')
      await close()
      await flip('data/0/0', FIRST + 41 + 2, 5)
      const store = await open()
      const { clean, findings } = await store.check()
      equal([clean, findings.map(({ kind, key }) => [kind, key])], [false, [['entry', name]]], 'findings')
      await store.put('content')
      equal(text(await store.get(name)), 'content', 'the healed value')
    },
  },
  {
    name: 'damage that a replay meets is told of by key, segment and offset, and the store takes new writes',
    damages: true,
    async run({ open, close, flip, storage, reopen }) {
      const first = await open()
      await first.set(key(1), 'one')
      await first.set(key(2), 'two')
      await close()
      await storage.remove('index.0')
      await flip('data/0/0', FIRST + 41 + 1)
      const store = await open()
      equal(
        store.recovery.damaged.map(({ kind, key, segment, offset }) => ({ kind, key, segment, offset })),
        [{ kind: 'entry', key: key(1), segment: 0, offset: FIRST }],
        'damage',
      )
      await fails(() => store.get(key(1)), 'CORRUPT', 'the damaged value')
      equal(text(await store.get(key(2))), 'two', 'the value behind it')
      await store.set(key(3), 'three')
      await store.set(key(1), 'new')
      const again = await reopen()
      equal((await again.getMany([key(1), key(2), key(3)])).map(text), ['new', 'two', 'three'], 'after reopening')
    },
  },
  {
    name: 'one flipped bit anywhere in the newest commit loses no finished transaction without a word',
    damages: true,
    async run({ open, storage, crash }) {
      const store = await open()
      await store.set(key(1), 'one')
      const before = (await storage.contents('data/0/0')).length
      await store.set(key(2), 'two')
      const log = await storage.contents('data/0/0')
      for (let bit = before * 8; bit < log.length * 8; bit++) {
        const after = await crash()
        await after.flip('data/0/0', bit >> 3, bit & 7)
        const survivor = await after.open()
        equal(survivor.recovery.damaged.length > 0, true, `bit ${bit} is told of`)
        equal(text(await survivor.get(key(1))), 'one', `the older value, with bit ${bit} flipped`)
        const newer = await survivor.get(key(2)).catch((error: { code: string }) => error.code)
        const told = typeof newer === 'string' ? newer : text(newer)
        equal(told === 'two' || told === 'CORRUPT' || told === undefined, true, `the newer value is ${told}`)
        await after.close()
      }
    },
  },
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
        equal(store.recovery.damaged.some(({ segment }) => segment === 1), true, `${change} is told of`) // biome-ignore format: one row
        for (let number = 0; number < 12; number++) {
          const got = await store.get(key(number)).catch(() => undefined)
          if (got) equal(got, value(400, number), `value ${number} after a ${change}`)
        }
        await after.close()
      }
    },
  },
  {
    name: 'check finds nothing in a sound store and reads all of it, with progress',
    async run({ open }) {
      const store = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 12; number++) await store.set(key(number), value(400, number))
      const seen: number[] = []
      const report = await store.check({ onProgress: ({ done }) => seen.push(done) })
      equal([report.clean, report.findings], [true, []], 'findings')
      const { logBytes, segments } = await store.stats()
      equal(report.bytes, logBytes - segments.length * MAGIC_BYTES, 'bytes read')
      equal(seen.length >= segments.length && seen.at(-1) === report.bytes, true, `progress ${seen}`)
    },
  },
]

export const recoveryCases: readonly EngineCase[] = [...crashes, ...damage]
