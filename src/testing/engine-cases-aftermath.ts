/**
 * Engine cases: what a store does that goes on with damage it has not met, and what a repair makes of that. Part of engine-cases.ts.
 */

import { equal } from './check.js'
import { type EngineCase, key, text, value } from './engine-case.js'

export const aftermathCases: readonly EngineCase[] = [
  {
    name: 'nothing is written behind a checkpoint into a file that holds another segment',
    damages: true,
    async run({ open, close, storage, reopen }) {
      const first = await open({ maxSegmentSize: 1024 })
      for (let number = 0; number < 3; number++) await first.set(key(number), value(900, number))
      await first.set(key(3), value(100))
      await close()
      await storage.replace('data/0/3', (await storage.contents('data/0/2')).slice(0, 600))
      const store = await open()
      equal(store.recovery.source, 'checkpoint', 'where the index came from')
      equal(
        store.recovery.damaged.map(({ kind, segment }) => [kind, segment]),
        [['segment', 3]],
        'damage',
      )
      await store.set(key(4), 'written behind it')
      equal(text(await (await reopen()).get(key(4))), 'written behind it', 'the value')
    },
  },
  {
    name: 'a checkpoint is not given up for a file that is longer as it holds another segment',
    damages: true,
    async run({ open, reopen, close, storage }) {
      const first = await open({ maxSegmentSize: 1024, checkpointBytes: 1 })
      for (const size of [900, 1000, 100]) await first.set(key(size), value(size))
      // Another checkpoint in the same segment closes that first.
      const second = await reopen()
      await second.set(key(1), value(100))
      await close()
      equal((await storage.paths()).includes('index.3'), true, 'a checkpoint at the start of a segment')
      await storage.replace('data/0/2', await storage.contents('data/0/0'))
      equal((await open()).recovery.source, 'checkpoint', 'where the index came from')
    },
  },
  {
    name: 'a DELETE in a file that holds another segment is not believed',
    damages: true,
    async run({ open, close, storage, reopen, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      const content = await first.put('content')
      await first.delete(content)
      await first.set(key(0), value(900))
      await first.put('content')
      await first.set(key(1), value(900))
      await first.set(key(2), value(900))
      await close()
      // The newest file becomes a copy of the oldest.
      await storage.replace('data/0/2', await storage.contents('data/0/0'))
      const store = await reopenFromLog()
      equal(text(await store.get(content)), 'content', 'what was put again')
      equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
      equal(text(await (await reopen()).get(content)), 'content', 'the same after a repair')
    },
  },
  {
    name: 'no older value comes back by a repair of a log in which a compaction took it for replaced by what is lost',
    damages: true,
    async run({ open, crash }) {
      const first = await open({ maxSegmentSize: 1024 })
      const stays = await first.transaction(async (tx) => {
        await tx.set(key(1), value(100, 0))
        return await tx.put(value(1000))
      })
      await first.transaction(async (tx) => {
        await tx.set(key(1), value(100, 1))
        await tx.set(key(2), value(1000))
      })
      // Meanwhile the files of what compaction retires stay, as they do until a checkpoint knows of it.
      const frozen = await first.freeze()
      await first.deleteMany([key(2)])
      await first.set(key(1), value(100, 2))
      await first.compact()
      const after = await crash()
      frozen.release()
      equal((await after.segments()).includes(1), true, 'what is retired is still there')
      const path = 'data/0/3'
      const bytes = await after.storage.contents(path)
      const newest = Buffer.from(bytes).indexOf(key(1), 'hex')
      await after.storage.replace(path, bytes.fill(0, newest, newest + 100))
      const again = await after.reopenFromLog()
      await again.check({ repair: true })
      equal(await again.get(key(1)), undefined, 'the value')
      equal(await again.get(stays), value(1000), 'what was not touched')
      await after.close()
    },
  },
  {
    name: 'a segment that is cut between two commits is told of by the list of a compaction, which took the one behind it away',
    damages: true,
    async run({ open, close, storage, reopenFromLog }) {
      const first = await open({ maxSegmentSize: 1024 })
      await first.set(key(1), value(100))
      const kept = (await storage.contents('data/0/0')).length
      await first.set(key(2), value(1000))
      for (const seed of [1, 2]) await first.set(key(3), value(1000, seed))
      await first.compact()
      await close()
      await storage.replace('data/0/0', (await storage.contents('data/0/0')).slice(0, kept))
      equal(
        (await reopenFromLog()).recovery.damaged.map(({ kind, segment, offset }) => [kind, segment, offset]),
        [['segment', 0, kept]],
        'damage',
      )
    },
  },
  {
    name: 'a check that finds the log damaged makes sure that the head outlives a crash, and so the damage looks like none of it',
    damages: true,
    async run({ open, close, storage, flip }) {
      const first = await open()
      for (const number of [1, 2]) await first.set(key(number), value(100, number))
      await close()
      await flip('data/0/0', 300)
      const store = await open()
      await store.set(key(3), value(100))
      equal(store.recovery.damaged, [], 'the checkpoint covers it')
      const flushes = storage.count('flush', 'head')
      equal((await store.check()).clean, false, 'clean')
      equal(storage.count('flush', 'head'), flushes + 1, 'flushes of the head')
      // Once that is so, there is nothing to make sure of.
      await store.check({ repair: true })
      const after = storage.count('flush', 'head')
      equal((await store.check()).clean, true, 'clean after the repair')
      equal(storage.count('flush', 'head'), after, 'flushes of the head by a check that finds nothing')
    },
  },
  {
    name: 'a config that is damaged under an open store is found by a check, and mended',
    async run({ open, storage, reopen }) {
      const store = await open()
      await storage.replace('config', new Uint8Array(200))
      const found = { kind: 'config', file: 'config', message: 'the config is missing or damaged' } as const
      equal((await store.check()).findings, [found], 'findings')
      equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
      equal((await reopen()).recovery.damaged, [], 'damage at the next opening')
    },
  },
]
