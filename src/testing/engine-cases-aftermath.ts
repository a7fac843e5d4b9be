/**
 * Engine cases: what a store does that goes on with damage it has not met, and what a repair makes of that. Part of engine-cases.ts.
 */

import { StoreError } from '../errors.js'
import { parseKey } from '../format/key.js'
import { equal, fails, placeOf } from './check.js'
import { type EngineCase, type EngineContext, key, keysOf, text, value } from './engine-case.js'

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
      const newest = placeOf(parseKey(key(1)), bytes)
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
  {
    name: 'what was never committed, and could not be cut off in front of damage, stays so when compaction has taken what says it',
    damages: true,
    async run(context) {
      const { store, deleted, keys, reopenFromLog } = await withUncutEnd(context)
      equal((await store.check({ repair: true })).clean, true, 'clean after the repair')
      await store.deleteMany([key(0), key(1)])
      await store.compact({ threshold: 0.9 })
      await store.set(key(2), 'behind it')
      const again = await reopenFromLog()
      equal(again.recovery.damaged, [], 'damage')
      equal(await again.has(deleted), false, 'what was deleted is back')
      equal(await keysOf(again), [...keys, key(2)].sort(), 'keys')
    },
  },
  {
    name: 'what was never committed is not counted among what a repair takes out, when a crash keeps the files',
    damages: true,
    async run(context) {
      const { store, keys, storage, crash } = await withUncutEnd(context)
      storage.before = ({ kind, path }) => {
        if (kind === 'remove' && path.startsWith('data/')) throw new StoreError('IO', 'not now')
      }
      await fails(() => store.check({ repair: true }), 'IO', 'the repair')
      const left = await crash()
      await left.open()
      const again = await left.reopen()
      equal((await again.check()).findings, [], 'findings when the files are gone')
      equal(await keysOf(again), [...keys, key(0), key(1)].sort(), 'keys')
    },
  },
  {
    name: 'the segment in front of one that goes on behind damage is cut: it says so itself, also when the head is lost',
    damages: true,
    async run(context) {
      const { close, reopenFromLog, storage } = context
      const { damaged, last } = await goingOnBehindDamage(context)
      equal(await damaged.has(last), true, 'what is not damaged')
      await close()
      const whole = await storage.contents('data/0/3')
      await storage.replace('data/0/3', whole.slice(0, whole.length - 150))
      await storage.replace('head', new Uint8Array())
      const store = await reopenFromLog()
      equal(
        store.recovery.damaged.map(({ kind, segment }) => [kind, segment]),
        [
          ['head', undefined],
          ['entry', 1],
          ['segment', 3],
        ],
        'damage',
      )
    },
  },
  {
    name: 'the segment in front of one that goes on behind damage is cut, after a repair: so much is known without a checkpoint',
    damages: true,
    async run(context) {
      const { close, reopen, reopenFromLog, storage } = context
      const { damaged, last } = await goingOnBehindDamage(context)
      equal((await damaged.check({ repair: true })).clean, true, 'clean after the repair')
      equal((await reopen()).recovery.damaged, [], 'damage after the repair')
      await close()
      const whole = await storage.contents('data/0/3')
      await storage.replace('data/0/3', whole.slice(0, whole.length - 150))
      const store = await reopenFromLog()
      equal(
        store.recovery.damaged.map(({ kind, segment }) => [kind, segment]),
        [['segment', 3]],
        'damage',
      )
      equal(await store.has(last), false, 'what is lost')
      equal((await store.check({ repair: true })).clean, true, 'clean after the second repair')
      equal((await reopenFromLog()).recovery.damaged, [], 'damage after the second repair')
    },
  },
]

/** A store of which an entry in segment 1 is damaged, so that the log has gone on in segment 4, and the last of those in front of that, which is sound. */
async function goingOnBehindDamage({ open, close, reopenFromLog, flip }: EngineContext) {
  const first = await open({ maxSegmentSize: 1024 })
  for (const number of [0, 1, 2]) await first.put(value(900, number))
  const last = await first.put(value(100))
  await close()
  await flip('data/0/1', 300, 1)
  await flip('data/0/1', 310, 2)
  const damaged = await reopenFromLog()
  await damaged.put(value(100, 4))
  return { damaged, last }
}

/**
 * A store whose machine stopped in a transaction that puts back what was deleted, and in which an entry of that was damaged: so its end could not be
 * cut off, and the log has gone on behind it.
 */
export async function withUncutEnd({ open, crash }: EngineContext) {
  const first = await open({ maxSegmentSize: 1024, checkpointBytes: 100_000 })
  const deleted = await first.put(value(300))
  const keys = [await first.put(value(700, 1))]
  await first.delete(deleted)
  keys.push(await first.put(value(500, 2)))
  const tx = await first.begin()
  await tx.put(value(300))
  // More than waits in memory.
  for (let number = 3; number < 40; number++) await tx.put(value(900, number))
  const crashed = await crash()
  await crashed.flip('data/0/2', 300)
  await crashed.flip('data/0/2', 310)
  const store = await crashed.open()
  equal(store.recovery.rolledBack.bytes, 0, 'bytes cut off')
  for (const number of [0, 1]) await store.set(key(number), value(400, number))
  return { ...crashed, store, deleted, keys }
}
