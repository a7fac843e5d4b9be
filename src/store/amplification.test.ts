/** Bytes written for each byte of change: log, copies of compaction, checkpoints and head together. Counted, not timed. */

import { expect, test } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { Random } from '../testing/random.js'
import { type Engine, openEngine } from './engine.js'

const VALUE_BYTES = 1000
const COUNT = 5000
const ROUNDS = 10
/** Blobs replaced by one commit. */
const TOGETHER = 50
const MIB = 1024 * 1024

const keyOf = (blob: number) => blob.toString(16).padStart(64, 'f')

/** A store with the blobs as of round 0, all its bytes durable; counting begins here. */
async function filled(maxSegmentSize: number): Promise<{ storage: ObservedStorage; engine: Engine }> {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage, { maxSegmentSize })
  await engine.transaction((tx) =>
    Promise.all(Array.from({ length: COUNT }, (_, blob) => tx.set(keyOf(blob), noise(VALUE_BYTES, blob)))),
  )
  await engine.flush()
  storage.calls.length = 0
  return { storage, engine }
}

test('deleting one blob of 5,000 writes its tombstone, a COMMIT and a slot of the head', async () => {
  const { storage, engine } = await filled(16 * MIB)
  expect(await engine.delete(keyOf(1234))).toBe(true)
  await engine.flush()
  expect(storage.written('data/')).toBe(41 + 9)
  expect(storage.written()).toBe(41 + 9 + 64)
})

const churns: [order: string, isShuffled: boolean, segments: string, segmentBytes: number][] = [
  ['in order', false, 'of 16 MiB', 16 * MIB],
  ['in order', false, 'of 1 MiB', MIB],
  ['in any order', true, 'of 16 MiB', 16 * MIB],
  ['in any order', true, 'of 1 MiB', MIB],
]
test.each(churns)(
  'replacing all of 5,000 blobs ten times, %s (%s), writes at most twice their bytes, in segments %s',
  async (_order, isShuffled, _segments, segmentBytes) => {
    const { storage, engine } = await filled(segmentBytes)
    const random = new Random(5000)
    for (let round = 1; round <= ROUNDS; round++) {
      const places = Array.from({ length: COUNT }, (_, blob) => ({ blob, at: isShuffled ? random.next() : blob }))
      const order = places.sort((a, b) => a.at - b.at).map(({ blob }) => blob)
      for (let at = 0; at < COUNT; at += TOGETHER) {
        const group = order.slice(at, at + TOGETHER)
        await engine.transaction((tx) =>
          Promise.all(group.map((blob) => tx.set(keyOf(blob), noise(VALUE_BYTES, round * COUNT + blob)))),
        )
        await engine.flush()
      }
    }
    await engine.close()
    const changed = ROUNDS * COUNT * VALUE_BYTES
    expect(storage.written() / changed).toBeGreaterThan(1)
    expect(storage.written() / changed).toBeLessThanOrEqual(2)
  },
)
