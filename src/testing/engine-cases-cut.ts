/**
 * Engine cases: closed segments that are cut between two entries, which looks like a log that never went on, where no later segment remembers their
 * length: only the checkpoint does. Part of engine-cases.ts.
 */

import { MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import { equal, fails } from './check.js'
import { type EngineCase, type EngineContext, key, keysOf, value } from './engine-case.js'

const SMALL = { maxSegmentSize: 1024, checkpointBytes: 64 }
/** Entry and COMMIT of a value of `bytes` that is set under a chosen key. */
const setBytes = (bytes: number) => 41 + bytes + 9
/** Behind the first value that a store ever gets under a chosen key, with the entry that says so. */
const FIRST_SET_END = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES + 41 + setBytes(300)

/** Key 1 has lost its newest value, in `segment`; what is older, or was never there, is not given for it, whatever is done. */
async function losesNewest(
  { open, reopen, reopenFromLog }: EngineContext,
  segment: number,
  end: number,
): Promise<void> {
  const store = await open()
  await fails(() => store.get(key(1)), 'CORRUPT', 'the value that is cut off')
  const { findings, clean, repaired } = await store.check({ repair: true })
  const damage = findings
    .filter(({ kind }) => kind !== 'index')
    .map((found) => [found.kind, found.segment, found.offset])
  equal(damage, [['segment', segment, end]], 'what the check finds')
  equal([clean, repaired?.lost], [true, [key(1)]], 'after the repair')
  for (const openAgain of [reopen, reopenFromLog]) {
    const again = await openAgain()
    equal(await again.get(key(1)), undefined, 'the value after the repair')
    equal(await again.get(key(0)), value(300), 'its neighbour')
    equal((await again.check()).findings, [], 'findings after the repair')
  }
}

export const cutCases: readonly EngineCase[] = [
  {
    name: 'the last segment before a checkpoint is cut between two entries, or emptied: a repair lets no older value come back',
    damages: true,
    async run(context) {
      const { open, reopen, close, storage } = context
      const first = await open(SMALL)
      await first.set(key(0), value(300))
      await first.set(key(1), value(100, 1))
      // A checkpoint of its own, so that the next one ends the segment.
      const second = await reopen()
      await second.set(key(1), value(100, 2))
      await close()
      equal((await storage.paths()).includes('index.1'), true, 'a checkpoint at the start of a segment')
      const end = FIRST_SET_END + setBytes(100)
      await storage.replace('data/0/0', (await storage.contents('data/0/0')).slice(0, end))
      await losesNewest(context, 0, end)
    },
  },
  {
    name: 'a segment whose follower was compacted away is cut between two entries: a repair lets no older value come back',
    damages: true,
    async run(context) {
      const { open, close, segments, storage } = context
      const store = await open(SMALL)
      await store.set(key(1), value(100, 1))
      await store.set(key(0), value(300))
      await store.set(key(6), value(500))
      const end = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES + setBytes(600)
      await store.set(key(2), value(600))
      await store.set(key(1), value(500, 2))
      await store.set(key(3), value(500))
      await store.set(key(4), value(700))
      await store.set(key(5), value(700))
      await store.deleteMany([key(3), key(4)])
      await store.compact({ threshold: 0.5 })
      await close()
      equal(
        [await segments(), (await storage.contents('data/0/1')).length],
        [[0, 1, 3], end + setBytes(500)],
        'segments',
      )
      await storage.replace('data/0/1', (await storage.contents('data/0/1')).slice(0, end))
      await losesNewest(context, 1, end)
    },
  },
  {
    name: 'a log that goes on behind a cut segment remembers how long that was',
    damages: true,
    async run({ open, reopen, close, reopenFromLog, storage }) {
      await (await open(SMALL)).set(key(0), value(300))
      await (await reopen()).set(key(1), value(100))
      await close()
      const whole = await storage.contents('data/0/0')
      await storage.replace('data/0/0', whole.slice(0, FIRST_SET_END))
      await (await open()).set(key(2), value(100))
      const { recovery } = await reopenFromLog()
      const message = `the segment has ${FIRST_SET_END} bytes, and had ${whole.length} when it was closed`
      equal<unknown>(recovery.damaged, [{ kind: 'segment', message, segment: 0, offset: FIRST_SET_END }], 'damage')
    },
  },
  {
    name: 'a segment is lost in which a transaction ended, and only the checkpoint knows that: what stands before it stays, also after a repair',
    damages: true,
    async run({ open, close, reopen, reopenFromLog, storage }) {
      const first = await open({ ...SMALL, checkpointBytes: 1 })
      await first.transaction(async (tx) => {
        await tx.set(key(0), value(1000))
        await tx.set(key(1), value(100, 1))
      })
      // Its checkpoint comes in the same segment as the one before it, and ends that.
      await first.set(key(2), value(100, 2))
      await close()
      equal((await storage.paths()).includes('index.2'), true, 'a checkpoint at the start of a segment')
      await storage.remove('data/0/1')
      const store = await open()
      equal(await store.get(key(0)), value(1000), 'what stands before the lost segment')
      const { clean, repaired } = await store.check({ repair: true })
      equal([clean, repaired?.lost], [true, [key(1), key(2)]], 'after the repair')
      for (const openAgain of [reopen, reopenFromLog]) {
        const again = await openAgain()
        equal([again.recovery.damaged, await keysOf(again)], [[], [key(0)]], 'damage and keys at the next opening')
        equal(await again.get(key(0)), value(1000), 'what stands before the lost segment, then')
      }
    },
  },
]
