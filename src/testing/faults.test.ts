/**
 * Each way in which a browser's files fail, at each call of a workload, once and from there on: invariant 5. And what a store does whose
 * handles the system has closed, as it may to an app in the background.
 */

import { describe, expect, test } from 'vitest'
import { createKernel } from '../kernel/kernel.js'
import { type Engine, openEngine } from '../store/engine.js'
import { noise } from './bytes.js'
import { key, text } from './engine-case.js'
import { readAll } from './model.js'
import { RecyclingKernel } from './recycling-kernel.js'
import { SimulatedDisk } from './simulated-disk.js'
import type { Call, Fault } from './simulated-opfs.js'
import { endure } from './torture.js'

const STEPS = 10
const SEEDS = [1, 2]

describe.each<{ name: string; fault: Fault }>([
  { name: 'a call that the system refuses', fault: 'error' },
  { name: 'a call that throws QuotaExceededError (Chromium, full)', fault: 'quota' },
  { name: 'a write that answers a short count (Firefox, full)', fault: 'short' },
  { name: 'a write that answers 4294967288 (private windows of Chromium, full)', fault: 'number' },
  { name: 'a handle that the system has closed', fault: 'gone' },
])('$name', { timeout: 300_000 }, ({ fault }) => {
  test.each([
    { when: 'once', isLasting: false },
    { when: 'from any call on', isLasting: true },
  ])('$when changes nothing, and the store works on after it', async ({ isLasting }) => {
    const kernel = new RecyclingKernel(await createKernel())
    for (const seed of SEEDS) {
      let call = 0
      for (; ; call++) {
        const trial = { fault, call, isLasting }
        const wasHit = await endure(kernel, seed, STEPS, trial).catch((error) => {
          throw new Error(`seed ${seed}, call ${call}: ${error.message}`, { cause: error })
        })
        if (!wasHit) break
      }
      expect(call).toBeGreaterThan(15)
    }
  })
})

describe('handles that the system has closed', () => {
  /** A store with one value, some of whose handles are then closed. */
  async function closed(which: (path: string) => boolean): Promise<{ disk: SimulatedDisk; engine: Engine }> {
    const disk = new SimulatedDisk()
    const engine = await openEngine(disk)
    await engine.set(key(1), 'one')
    for (const [path, handle] of [...disk.handles]) if (which(path)) handle.end()
    return { disk, engine }
  }
  const isData = (path: string) => path.startsWith('data/')
  const isNotLock = (path: string) => path !== 'README'

  test('a get finds its value, and calls nothing damaged', async () => {
    const { engine } = await closed(isNotLock)
    expect(text(await engine.get(key(1)))).toBe('one')
  })

  test('a getMany finds its values', async () => {
    const { engine } = await closed(isNotLock)
    expect((await engine.getMany([key(1), key(2), key(1)])).map(text)).toEqual(['one', undefined, 'one'])
  })

  test('a set that meets them fails with IO or works, the next one works, and both last as they were answered', async () => {
    const { disk, engine } = await closed(isNotLock)
    const isSet = await engine.set(key(2), 'two').then(
      () => true,
      (error) => expect(error).toMatchObject({ code: 'IO' }),
    )
    await engine.set(key(3), 'three')
    await engine.close()
    const again = await openEngine(disk)
    expect(await again.hasMany([key(1), key(2), key(3)])).toEqual([true, isSet === true, true])
    expect((await again.check()).clean).toBe(true)
  })

  test('a flush of relaxed commits succeeds', async () => {
    const disk = new SimulatedDisk()
    const engine = await openEngine(disk)
    await engine.set(key(1), 'one', { durability: 'relaxed' })
    let flushes = 0
    disk.onCall = (call, path) => {
      if (call === 'flush' && isData(path)) flushes++
      return undefined
    }
    for (const [path, handle] of [...disk.handles]) if (isData(path)) handle.end()
    await engine.flush().catch(() => engine.flush())
    expect(flushes).toBe(1)
  })

  test.each<{ name: string; call: (engine: Engine) => Promise<unknown> }>([
    { name: 'check', call: async (engine) => expect((await engine.check()).findings).toEqual([]) },
    { name: 'compact', call: (engine) => engine.compact({ threshold: 0 }) },
    { name: 'delete', call: (engine) => engine.delete(key(1)) },
    { name: 'keys', call: async (engine) => expect((await readAll(engine)).size).toBe(1) },
  ])('$name works, at the second time if not at once', async ({ call }) => {
    const { engine } = await closed(isNotLock)
    await call(engine).catch((error) => {
      expect(error).toMatchObject({ code: 'IO' })
      return call(engine)
    })
  })

  test('one that goes while a rollback cuts: the cut is flushed before anything is written in its place', async () => {
    const disk = new SimulatedDisk()
    const engine = await openEngine(disk)
    await engine.set(key(1), 'one')
    const tx = await engine.begin()
    // More than the buffer holds, so that part of it is written out.
    for (let number = 0; number < 3; number++) await tx.set(key(10 + number), new Uint8Array(600_000))
    const calls: Call[] = []
    disk.onCall = (call, path) => {
      if (!isData(path)) return undefined
      calls.push(call)
      return call === 'size' && calls.at(-2) === 'truncate' ? 'gone' : undefined
    }
    await tx.rollback()
    await engine.set(key(2), 'two')
    expect(calls.filter((call) => call !== 'size')).toEqual(['truncate', 'open', 'flush', 'write', 'flush'])
  })

  test('what a content needs stays when who holds it cannot be read for a while', async () => {
    const chunkSizes = { min: 64, average: 256, max: 400 }
    const disk = new SimulatedDisk()
    const first = await openEngine(disk, { chunkSizes, maxSegmentSize: 3000 })
    const large = noise(5000, 1)
    const other = noise(5000, 1)
    other.set(noise(20, 2), 2500)
    const [one = '', two = ''] = await first.putMany([large, other])
    await first.close()
    const engine = await openEngine(disk)
    disk.onCall = (call) => (call === 'read' ? 'gone' : undefined)
    await expect(engine.delete(one)).rejects.toMatchObject({ code: 'CORRUPT', cause: { code: 'IO' } })
    await expect(engine.stats()).rejects.toMatchObject({ code: 'CORRUPT', cause: { code: 'IO' } })
    disk.onCall = () => undefined
    expect([...(await readAll(engine)).keys()].sort()).toEqual([one, two].sort())
    expect(await engine.delete(one)).toBe(true)
    expect(await engine.get(two)).toEqual(other)
  })

  test('a content that cannot be read for a while stays one when it is put as a chunk of a larger one', async () => {
    const chunkSizes = { min: 64, average: 256, max: 400 }
    const disk = new SimulatedDisk()
    const engine = await openEngine(disk, { chunkSizes, maxSegmentSize: 3000 })
    const large = noise(5000, 1)
    const whole = await engine.put(large)
    const first = (await engine.piece(whole, 0))?.bytes ?? new Uint8Array()
    await engine.delete(whole)
    const part = await engine.put(first)
    await engine.set(key(1), noise(4000, 3))
    disk.onCall = (call) => (call === 'read' ? 'gone' : undefined)
    await engine.put(large)
    disk.onCall = () => undefined
    expect([...(await readAll(engine)).keys()].sort()).toEqual([part, whole, key(1)].sort())
  })

  test('close frees what is left', async () => {
    const { disk, engine } = await closed(isData)
    await engine.close()
    expect([...disk.handles.keys()]).toEqual([])
  })

  test('with the lock among them nothing is opened anew: another may have the store by now, and what it wrote stays', async () => {
    const { disk, engine } = await closed(() => true)
    const other = await openEngine(disk)
    await other.set(key(2), 'two')
    await other.close()
    for (let times = 0; times < 2; times++)
      await expect(engine.set(key(1), 'three')).rejects.toMatchObject({ code: 'IO' })
    await engine.close().catch(() => undefined)
    const again = await openEngine(disk)
    expect((await again.getMany([key(1), key(2)])).map(text)).toEqual(['one', 'two'])
    expect((await again.check()).clean).toBe(true)
  })
})
