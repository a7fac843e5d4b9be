/** What is done between commits comes to its turn, whoever waits. */

import { expect, test } from 'vitest'
import { memoryStorage } from '../storage/memory.js'
import { engineContext, key, value } from '../testing/engine-case.js'

test('checkpoints and compactions are made beside a writer that always has another write waiting', async () => {
  const { open, storage, segments, close } = engineContext(memoryStorage())
  const store = await open({ maxSegmentSize: 4096, checkpointBytes: 20_000 })
  let flushing = store.flush()
  for (let number = 0; number < 1000; number++) {
    const setting = store.set(key(number % 10), value(400, number))
    flushing = store.flush()
    // The next ones are there before this flush has ended.
    await setting
  }
  await flushing
  expect(storage.count('open', 'index.')).toBeGreaterThan(1)
  expect((await segments()).length).toBeLessThan(20)
  await close()
})
