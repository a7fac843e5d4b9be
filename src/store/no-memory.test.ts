/** Memory that ends: a transaction for which the index has no room fails as a whole, before it is in the log. */

import { expect, test } from 'vitest'
import { createKernel, type Kernel } from '../kernel/kernel.js'
import { Table } from '../kernel/table.js'
import { memoryStorage } from '../storage/memory.js'
import { key, keysOf, value } from '../testing/engine-case.js'
import { limitedMemory } from '../testing/limited-memory.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import type { Transaction } from '../types.js'
import { type Engine, openEngine } from './engine.js'

const { arena } = await createKernel()
/** Each table has room for some 3,000 keys. */
const kernel: Kernel = { arena, table: (seed) => new Table(limitedMemory(4), seed) }

/** Runs transactions, each with more of what `change` does, until one fails; answers its number. */
async function untilNoMemory(engine: Engine, change: (tx: Transaction, nth: number) => Promise<unknown>) {
  for (let transaction = 0; ; transaction++) {
    const before = await keysOf(engine)
    try {
      await engine.transaction(async (tx) => {
        for (let i = 0; i < 400; i++) await change(tx, transaction * 400 + i)
      })
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      expect(await keysOf(engine)).toEqual(before)
      return transaction
    }
  }
}

test('a transaction of more new keys than there is memory for changes nothing, and smaller ones go on', async () => {
  const storage = memoryStorage()
  const engine = await openEngine(storage, { kernel })
  expect(await untilNoMemory(engine, (tx, nth) => tx.set(key(nth), 'value'))).toBeGreaterThan(4)
  expect(await engine.check()).toMatchObject({ clean: true })
  expect(await engine.delete(key(1))).toBe(true)
  await engine.put('small')
  const keys = await keysOf(engine)
  await engine.close()
  const again = await openEngine(storage, { kernel })
  expect(await keysOf(again)).toEqual(keys)
  expect(await again.check()).toMatchObject({ clean: true })
})

test('so does one that deletes more keys than there is memory to remember them', async () => {
  const engine = await openEngine(memoryStorage(), { kernel })
  for (let round = 0; round < 4; round++) {
    const base = round * 1000
    await engine.transaction(async (tx) => {
      for (let i = 0; i < 1000; i++) await tx.set(key(base + i), 'value')
    })
    const failed = engine.transaction(async (tx) => {
      for (let i = 0; i < 1000; i++) await tx.delete(key(base + i))
    })
    if (round < 3) await failed
    else await expect(failed).rejects.toBeInstanceOf(RangeError)
  }
  expect((await keysOf(engine)).length).toBe(1000)
  expect(await engine.check()).toMatchObject({ clean: true })
})

test('and one of a large content of more chunks than there is memory to count', async () => {
  let tables = 0
  // The index has two tables and a transaction one; the fourth counts who holds a chunk.
  const table = (seed: bigint) => new Table(limitedMemory(tables++ === 3 ? 4 : 40), seed)
  const engine = await openEngine(memoryStorage(), {
    kernel: { arena, table },
    chunkSizes: { min: 64, average: 64, max: 64 },
  })
  const large = value(64 * 2000)
  const name = await engine.put(large)
  await expect(engine.put(value(64 * 5000, 2))).rejects.toBeInstanceOf(RangeError)
  expect(await keysOf(engine)).toEqual([name])
  expect(await engine.get(name)).toEqual(large)
  await engine.flush()
  expect(await engine.check()).toMatchObject({ clean: true })
})

test('an opening for which there is no memory, wherever it ends, leaves no file open', async () => {
  const storage = new ObservedStorage(memoryStorage())
  await (await openEngine(storage, { kernel })).close()
  for (let left = 0; ; left++) {
    let taken = 0
    const take = <T>(made: T): T => {
      if (taken++ === left) throw new RangeError('there is no memory')
      return made
    }
    const ending: Kernel = {
      arena: (bytes) => take(arena(bytes)),
      table: (seed) => take(kernel.table(seed)),
    }
    const engine = await openEngine(storage, { kernel: ending }).catch((error: unknown) => {
      expect(error).toBeInstanceOf(RangeError)
    })
    if (engine) {
      expect(left).toBeGreaterThan(5)
      return await engine.close()
    }
    expect([left, storage.openPaths]).toEqual([left, []])
  }
})
