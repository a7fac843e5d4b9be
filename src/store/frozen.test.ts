/** The store as it is at one moment: what happens to a copy when the disk does not play along. */

import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { openEngine } from './engine.js'

async function closedStore() {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage)
  await engine.put('content')
  await engine.close()
  return storage
}

test('a segment that is shorter than it was is CORRUPT', async () => {
  const storage = await closedStore()
  const engine = await openEngine(storage)
  const frozen = await engine.freeze()
  const file = frozen.files.find(({ path }) => path === 'data/0/0')
  const size = file?.size ?? 0
  expect((await file?.read(0, size))?.length).toBe(size)
  await expect(file?.read(1, size)).rejects.toMatchObject({ code: 'CORRUPT', where: { segment: 0, offset: size } })
  frozen.release()
})

test('a freeze that fails holds nothing up: a repair is possible', async () => {
  const storage = await closedStore()
  const engine = await openEngine(storage)
  storage.before = ({ kind }) => {
    if (kind === 'open' || kind === 'read') throw new StoreError('IO', 'the disk is tired')
  }
  await expect(engine.freeze()).rejects.toMatchObject({ code: 'IO' })
  storage.before = () => undefined
  const frozen = await engine.freeze()
  frozen.release()
  frozen.release()
  expect((await engine.check({ repair: true })).clean).toBe(true)
})
