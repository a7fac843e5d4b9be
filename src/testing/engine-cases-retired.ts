/**
 * Engine cases: compaction, damage and crashes together: what is damaged is not compacted away, and what is retired does not come back. Part of
 * engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import { equal, fails } from './check.js'
import { type EngineCase, type EngineContext, key, keysOf, text, value } from './engine-case.js'
import { filled, holds } from './engine-cases-compaction.js'

export const retiredCases: readonly EngineCase[] = [
  {
    name: 'a segment that a compaction kept, and that is lost later, is told of even without a checkpoint',
    damages: true,
    async run({ open, close, storage, reopenFromLog }) {
      const store = await filled(open, 12)
      await store.deleteMany([key(0), key(1), key(3), key(4)])
      await store.compact({ threshold: 0.3 })
      const [oldest] = (await store.stats()).segments
      equal((oldest?.segment ?? 0) > 0, true, 'segments were rewritten')
      await close()
      await storage.remove(`data/0/${oldest?.segment}`)
      const again = await reopenFromLog()
      const told = again.recovery.damaged.map(({ kind, segment, message }) => [kind, segment, message])
      equal(told, [['segment', oldest?.segment, 'the segment is missing']], 'damage')
    },
  },
  {
    name: 'a segment that turns out damaged is not compacted away: what is good in it stays readable',
    damages: true,
    async run({ open, close, flip, storage }) {
      const first = await filled(open, 12)
      await first.compact({ threshold: 1 })
      await first.delete(key(1))
      await close()
      // The checkpoint covers segment 0, so opening does not read it and cannot see the damage.
      await flip('data/0/0', 8 + 105 + 60)
      const store = await open()
      await store.compact({ threshold: 0 })
      const error = await fails(() => store.get(key(0)), 'CORRUPT', 'the damaged value')
      equal(error.where?.segment, 0, 'the segment of the damaged value')
      equal((await storage.paths()).includes('data/0/0'), true, 'its file is there')
      equal(await store.get(key(2)), value(300, 2), 'its neighbour')
      equal(text(await store.get(key(1))), undefined, 'the deleted key')
    },
  },
  {
    name: 'a segment that was cut short between two entries is not compacted away either',
    damages: true,
    async run({ open, close, storage }) {
      const first = await filled(open, 1)
      const firstCommit = (await storage.contents('data/0/0')).length
      for (let number = 1; number < 12; number++) await first.set(key(number), value(300, number))
      await close()
      await storage.replace('data/0/0', (await storage.contents('data/0/0')).slice(0, firstCommit))
      const store = await open()
      equal(store.recovery.damaged, [], 'the checkpoint covers it')
      await store.compact({ threshold: 0 })
      equal((await storage.paths()).includes('data/0/0'), true, 'its file is there')
      equal(await store.get(key(0)), value(300, 0), 'what stands before the cut')
      await fails(() => store.get(key(1)), 'CORRUPT', 'what stood behind it')
    },
  },
  {
    name: 'a segment whose file is a copy of another is not compacted away either',
    damages: true,
    async run({ open, close, storage }) {
      await filled(open, 12)
      await close()
      await storage.replace('data/0/2', await storage.contents('data/0/1'))
      const store = await open()
      equal(store.recovery.damaged, [], 'the checkpoint covers it')
      await store.compact({ threshold: 0 })
      equal((await storage.paths()).includes('data/0/2'), true, 'its file is there')
    },
  },
  {
    name: 'a segment whose file is a copy of another takes nothing with it when a repair has retired it, also when a crash keeps its file',
    async run({ open, close, storage, crash }) {
      const keys = await keysOf(await filled(open, 12))
      await close()
      await storage.replace('data/0/2', await storage.contents('data/0/1'))
      const store = await open()
      let crashed: EngineContext | undefined
      storage.before = async ({ kind, path }) => {
        if (kind === 'remove' && path === 'data/0/2') crashed = await crash()
      }
      const { clean, repaired } = await store.check({ repair: true })
      const lost = repaired?.lost ?? []
      equal([clean, lost.length > 0], [true, true], 'repaired, and something lost')
      const left = keys.filter((name) => !lost.includes(name))
      const again = crashed ?? (await crash())
      for (const openAgain of [again.open, again.reopenFromLog]) {
        const found = await openAgain()
        equal([found.recovery.damaged, await keysOf(found)], [[], left], 'damage and keys after the crash')
        equal((await found.check()).findings, [], 'findings')
      }
      await again.close()
    },
  },
  {
    name: 'a segment that was cut to nothing casts no doubt on older values when a repair has retired it, also when a crash keeps its file',
    async run({ open, close, storage, crash }) {
      await filled(open, 12)
      await close()
      await storage.replace('data/0/2', new Uint8Array(1))
      const store = await open()
      let crashed: EngineContext | undefined
      storage.before = async ({ kind, path }) => {
        if (kind === 'remove' && path === 'data/0/2') crashed = await crash()
      }
      equal((await store.check({ repair: true })).clean, true, 'repaired')
      const again = await (crashed ?? (await crash())).reopenFromLog()
      equal(again.recovery.damaged, [], 'damage after the crash')
      equal(await again.get(key(0)), value(300, 0), 'an older value')
      await again.close()
    },
  },
  {
    name: 'retired segments whose files come back after a crash count for nothing, and go again',
    async run({ open, close, reopen, reopenFromLog, storage, segments }) {
      const first = await filled(open, 12)
      await first.deleteMany([key(0), key(1), key(3), key(4)])
      await first.flush()
      const before = new Map<number, Uint8Array>()
      for (const segment of await segments()) before.set(segment, await storage.contents(`data/0/${segment}`))
      // In two steps: the second compaction drops tombstones whose PUTs went in the first.
      await first.compact({ threshold: 0.3 })
      await first.compact({ threshold: 0 })
      await close()
      const after = await segments()
      const comeBack = async () => {
        let count = 0
        for (const [segment, bytes] of before) {
          if (after.includes(segment)) continue
          await storage.replace(`data/0/${segment}`, bytes)
          count++
        }
        return count
      }
      const kept = [2, 5, 6, 7, 8, 9, 10, 11]
      equal((await comeBack()) > 2, true, 'segments come back')
      // Once with the checkpoint, which does not know them, and once without.
      for (const openAgain of [open, reopenFromLog]) {
        await close()
        await comeBack()
        const store = await openAgain()
        await holds(store, kept)
        equal((await store.check()).findings, [], 'findings')
        await store.compact({ threshold: 0 })
        const left = (await store.stats()).segments.map(({ segment }) => segment)
        await holds(await reopen(), kept)
        await close()
        equal(await segments(), left, 'segments after the next compaction')
      }
    },
  },
  {
    name: 'a retired segment that was damaged before its file went leaves nothing behind in the index',
    async run({ open, close, reopen, crash }) {
      await filled(open, 12)
      await reopen()
      const store = await reopen()
      for (const number of [0, 1, 2]) await store.delete(key(number))
      await store.flush()
      equal((await store.stats()).segments[0]?.segment, 1, 'the first segment that is left')
      const stopped = await crash()
      await close()
      const whole = await stopped.storage.contents('data/0/0')
      const flipped = whole.slice()
      flipped[300] = (flipped[300] ?? 0) ^ 1
      const damages: [string, Uint8Array][] = [
        ['flipped', flipped],
        ['cut inside an entry', whole.slice(0, 300)],
        ['cut between two entries', whole.slice(0, 8 + 105 + 41 + 300)],
        ['emptied', new Uint8Array()],
      ]
      for (const [what, bytes] of damages) {
        const after = await stopped.crash()
        await after.storage.replace('data/0/0', bytes)
        for (const openAgain of [after.open, after.reopen, after.reopenFromLog]) {
          const survivor = await openAgain()
          equal(survivor.recovery.damaged, [], `damage when it was ${what}`)
          equal((await survivor.check()).findings, [], `findings when it was ${what}`)
          await holds(survivor, [3, 4, 5, 6, 7, 8, 9, 10, 11])
        }
        await after.close()
      }
    },
  },
  {
    name: 'a checkpoint from before a compaction whose segments are gone is not leaned on',
    async run({ open, close, storage }) {
      await (await filled(open, 12)).deleteMany([key(0), key(1), key(3), key(4)])
      await close()
      const [old = ''] = (await storage.paths()).filter((path) => path.startsWith('index.'))
      const bytes = await storage.contents(old)
      await (await open()).compact({ threshold: 0 })
      await close()
      for (const path of await storage.paths()) if (path.startsWith('index.')) await storage.remove(path)
      await storage.replace(old, bytes)
      const store = await open()
      equal([store.recovery.source, store.recovery.damaged], ['log', []], 'source, damage')
      await holds(store, [2, 5, 6, 7, 8, 9, 10, 11])
    },
  },
  {
    name: 'a crash at any moment of a compaction leaves every key',
    async run({ open, storage, crash }) {
      const store = await filled(open, 12)
      for (let number = 0; number < 12; number += 3) await store.delete(key(number))
      const kept = Array.from({ length: 12 }, (_, number) => number).filter((number) => number % 3 > 0)
      let call = 0
      let crashes = 0
      for (let stopAt = 1; ; stopAt++) {
        call = 0
        storage.before = ({ kind }) => {
          // Closing a file changes nothing on the disk, and must not fail or the file stays open here.
          if (kind !== 'read' && kind !== 'close' && ++call >= stopAt) throw new StoreError('IO', 'the machine stopped')
        }
        const outcome = await store.compact({ threshold: 0.2 }).catch((error: unknown) => error)
        storage.before = () => undefined
        const after = await crash()
        const survivor = await after.open()
        await holds(survivor, kept)
        equal((await survivor.check()).findings, [], `findings after a stop at call ${stopAt}`)
        await after.close()
        if (!(outcome instanceof StoreError)) break
        crashes++
      }
      equal(crashes > 5, true, `${crashes} crashes`)
    },
  },
]
