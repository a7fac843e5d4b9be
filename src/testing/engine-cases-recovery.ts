/**
 * Engine cases: what is found after a crash. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import { equal, fails } from './check.js'
import { type EngineCase, engineContext, key, keysOf, text, value } from './engine-case.js'

export const recoveryCases: readonly EngineCase[] = [
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
        await storage.clear()
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
    name: 'what the system had not yet written before a crash is flushed by the opening, before the head tells of it',
    async run({ open, crash }) {
      await (await open({ durability: 'relaxed' })).set(key(1), 'one')
      const after = await crash()
      await after.open()
      const calls = after.storage.calls.filter(({ kind }) => kind === 'flush' || kind === 'write')
      const [log, head] = ['data/0/0', 'head'].map((path) => calls.findIndex((call) => call.path === path))
      equal(calls[log ?? -1]?.kind, 'flush', 'the first change of the log')
      equal((log ?? 0) < (head ?? 0), true, `the log at ${log}, the head at ${head}`)
      await after.close()
    },
  },
  {
    name: 'a slot of the head that is damaged is told of, and leaves the other one',
    async run({ open, close, flip, reopen }) {
      await (await open()).set(key(1), 'one')
      await close()
      for (const at of [20, 84]) {
        await flip('head', at)
        const store = await open()
        const message = 'one slot of the head cannot be read: torn by a crash, or damaged'
        equal(store.recovery.damaged, [{ kind: 'head', file: 'head', message }], 'damage')
        equal(await keysOf(store), [key(1)], 'keys')
        equal((await reopen()).recovery.damaged, [], 'damage at the next opening')
        await close()
      }
    },
  },
  {
    name: 'a head that is gone from a store in which nothing was ever stored is nothing to tell of',
    async run({ open, close, storage, reopen }) {
      await open()
      await close()
      await storage.remove('head')
      equal((await open()).recovery.damaged, [], 'damage')
      equal((await (await reopen()).check()).findings, [], 'findings')
    },
  },
  {
    name: 'a tail of more than a mebibyte that holds the bytes of a COMMIT is set aside whole before it is cut',
    async run({ open, crash, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      const log = await storage.contents('data/0/0')
      const after = await crash()
      const tail = value(2_500_000)
      // Where two pieces of the copy meet, so that a search that forgets the seam would miss it.
      tail.set(log.slice(-9), 1024 * 1024 - 4)
      await after.storage.replace('data/0/0', new Uint8Array([...log, ...tail]))
      const { recovery } = await after.open()
      equal([recovery.damaged, recovery.rolledBack.bytes], [[], tail.length], 'damage, bytes rolled back')
      equal(recovery.setAside, [`lost+found/0.${log.length}`], 'set aside')
      const copy = await after.storage.contents(recovery.setAside[0] ?? '')
      equal([copy.length, copy.every((byte, at) => byte === tail[at])], [tail.length, true], 'the copy')
      equal(await after.storage.contents('data/0/0'), log, 'the segment')
      await after.close()
    },
  },
  {
    name: 'a tail that cannot be set aside, as the disk fails, is not cut: the opening fails, and the next one sets it aside',
    async run({ open, crash, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      const log = await storage.contents('data/0/0')
      const after = await crash()
      await after.storage.replace('data/0/0', new Uint8Array([...log, ...value(40), ...log.slice(-9), 0]))
      const torn = await after.storage.contents('data/0/0')
      after.storage.before = ({ kind, path }) => {
        if (kind === 'write' && path.startsWith('lost+found/')) throw new StoreError('IO', 'the disk fails')
      }
      await fails(() => after.open(), 'IO', 'the opening')
      equal(await after.storage.contents('data/0/0'), torn, 'the segment')
      after.storage.before = () => undefined
      const { recovery } = await after.open()
      equal(recovery.setAside, [`lost+found/0.${log.length}`], 'set aside')
      equal(await after.storage.contents(recovery.setAside[0] ?? ''), torn.slice(log.length), 'the copy')
      await after.close()
    },
  },
  {
    name: 'what was set aside stays when another tail is set aside from the same place; the same one is not copied twice',
    async run({ open, crash, storage }) {
      const store = await open()
      await store.set(key(1), 'one')
      const log = await storage.contents('data/0/0')
      let after = await crash()
      const tails = [5, 6, 6, 7].map((seed) => new Uint8Array([...value(40, seed), ...log.slice(-9), seed]))
      const path = `lost+found/0.${log.length}`
      for (const [i, tail] of tails.entries()) {
        await after.storage.replace('data/0/0', new Uint8Array([...log, ...tail]))
        const { recovery } = await after.open()
        equal(recovery.setAside, [[path, `${path}.1`, `${path}.1`, `${path}.2`][i]], `set aside ${i}`)
        after = await after.crash()
      }
      const copies = [path, `${path}.1`, `${path}.2`]
      for (const [i, tail] of [tails[0], tails[1], tails[3]].entries()) {
        equal(await after.storage.contents(copies[i] ?? ''), tail, `copy ${i}`)
      }
      equal(
        (await after.storage.paths()).filter((each) => each.startsWith('lost+found/')),
        copies,
        'copies',
      )
    },
  },
  {
    name: 'a head that is gone or damaged in both slots is told of, and written anew',
    async run({ open, close, storage, reopen }) {
      await (await open()).set(key(1), 'one')
      await close()
      for (const bytes of [new Uint8Array(), value(128), value(3), value(300)]) {
        await storage.replace('head', bytes)
        const store = await open()
        equal(
          store.recovery.damaged.map(({ kind }) => kind),
          ['head'],
          'damage',
        )
        equal(await keysOf(store), [key(1)], 'keys')
        equal((await reopen()).recovery.damaged, [], 'damage at the next opening')
        await close()
        equal((await storage.contents('head')).length, 128, 'bytes of the head')
      }
    },
  },
]
