/**
 * Invariant 5 on a disk that is full to the last byte: a put fails and changes nothing, reads go on, deletes and compaction work. In each of
 * the ways in which browsers say that they are full.
 */

import { describe, expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { type Engine, openEngine } from '../store/engine.js'
import { noise } from './bytes.js'
import { readAll, sameModel } from './model.js'
import { SimulatedDisk } from './simulated-disk.js'
import type { Fault } from './simulated-opfs.js'

const OPTIONS = { maxSegmentSize: 20_000 }

/** From now on the disk has room for what is on it, and for nothing more. */
function full(disk: SimulatedDisk, limit = used(disk)): void {
  disk.room = (wanted) => Math.min(wanted, Math.max(0, limit - used(disk)))
}

function used(disk: SimulatedDisk): number {
  return [...disk.contents().values()].reduce((sum, { length }) => sum + length, 0)
}

async function filled(whenFull: Fault): Promise<{ disk: SimulatedDisk; engine: Engine; keys: string[] }> {
  const disk = new SimulatedDisk()
  disk.whenFull = whenFull
  const engine = await openEngine(disk, OPTIONS)
  const keys: string[] = []
  for (let i = 0; i < 100; i++) keys.push(await engine.put(noise(1000, i)))
  return { disk, engine, keys }
}

const files = (disk: SimulatedDisk) => [...disk.contents().keys()].filter((path) => path.startsWith('data/')).length

/**
 * Ten values that were replaced again and again: most files are of segments that compaction has retired, and no checkpoint has come since. To copy them
 * takes more than the reserve.
 */
async function churned(whenFull: Fault) {
  const disk = new SimulatedDisk()
  disk.whenFull = whenFull
  const engine = await openEngine(disk, { maxSegmentSize: 800_000 })
  const churn = async () => {
    for (let i = 0; i < 300; i++) await engine.set(`ab${'0'.repeat(61)}${i % 10}`, noise(40_000, i))
  }
  await churn()
  // What is done between commits has been done, too.
  await engine.flush()
  expect(files(disk)).toBeGreaterThan(12)
  return { disk, engine, churn }
}

describe.each<{ name: string; whenFull: Fault }>([
  { name: 'a full disk that throws QuotaExceededError (Chromium)', whenFull: 'quota' },
  { name: 'a full disk that answers a short count (Firefox)', whenFull: 'short' },
  { name: 'a full disk that answers 4294967288 (private windows of Chromium)', whenFull: 'number' },
])('$name', ({ whenFull }) => {
  test('a put that does not fit fails with QUOTA, changes nothing, and fits again when there is room', async () => {
    const { disk, engine } = await filled(whenFull)
    const before = await readAll(engine)
    full(disk)
    const error = await engine.put(noise(5000, 1000)).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ code: 'QUOTA', name: 'QuotaExceededError' })
    expect(sameModel(await readAll(engine), before)).toBe(true)
    disk.room = (bytes) => bytes
    const key = await engine.put(noise(5000, 1000))
    expect(await engine.get(key)).toEqual(noise(5000, 1000))
    expect((await engine.check()).clean).toBe(true)
  })

  test('a delete with no byte free counts: chunks, names and what holds what', async () => {
    const disk = new SimulatedDisk()
    disk.whenFull = whenFull
    const engine = await openEngine(disk, { ...OPTIONS, chunkSizes: { min: 64, average: 256, max: 400 } })
    const large = noise(5000, 1)
    const other = large.slice()
    other.set(noise(20, 2), 2500)
    const [one = '', two = ''] = await engine.putMany([large, other])
    await engine.refs.set('name', two)
    full(disk)
    expect(await engine.delete(one)).toBe(true)
    expect((await engine.stats()).count).toBe(1)
    expect(await engine.refs.delete('name')).toBe(true)
    expect(await engine.delete(two)).toBe(true)
    expect(await engine.stats()).toMatchObject({ count: 0, bytes: 0 })
    expect((await engine.check()).clean).toBe(true)
  })

  test('with no byte free a delete works, by itself and in a transaction', async () => {
    const { disk, engine, keys } = await filled(whenFull)
    full(disk)
    expect(await engine.delete(keys[0] as string)).toBe(true)
    await engine.transaction(async (tx) => {
      await tx.delete(keys[1] as string)
      await tx.delete(keys[2] as string)
    })
    expect(await engine.hasMany(keys.slice(0, 4))).toEqual([false, false, false, true])
    expect((await engine.check()).clean).toBe(true)
  })

  test('a delete that waits with a put that does not fit is done all the same', async () => {
    const { disk, engine, keys } = await filled(whenFull)
    full(disk)
    const [put, deleted] = await Promise.allSettled([engine.put(noise(9000, 2000)), engine.delete(keys[0] as string)])
    expect(put).toMatchObject({ status: 'rejected', reason: { code: 'QUOTA' } })
    expect(deleted).toMatchObject({ status: 'fulfilled', value: true })
  })

  test('with no byte free compaction gives back what deletes left, and puts work again', async () => {
    const { disk, engine, keys } = await filled(whenFull)
    full(disk)
    for (let i = 0; i < keys.length; i++) if (i % 10 !== 0) await engine.delete(keys[i] as string)
    await engine.compact()
    const { logBytes } = await engine.stats()
    expect(logBytes).toBeLessThan(30_000)
    for (let i = 0; i < 40; i++) await engine.put(noise(1000, 3000 + i))
    for (let i = 0; i < keys.length; i += 10) expect(await engine.get(keys[i] as string)).toEqual(noise(1000, i))
    await engine.close()
    const again = await openEngine(disk, OPTIONS)
    expect((await again.check()).clean).toBe(true)
    expect((await again.stats()).count).toBe(50)
  })

  test.each([
    ['a put', (engine: Engine, bytes: Uint8Array<ArrayBuffer>) => engine.put(bytes)],
    ['a compaction', (engine: Engine) => engine.compact({ threshold: 0.0001 })],
  ])('%s on a disk that what compaction has retired fills gets the room of that', async (_, write) => {
    const { disk, engine, churn } = await churned(whenFull)
    full(disk)
    await write(engine, noise(15_000, 1))
    expect(files(disk)).toBeLessThan(8)
    await churn()
    expect((await engine.check()).clean).toBe(true)
    expect((await engine.stats()).count).toBeGreaterThanOrEqual(10)
  })

  test('a transaction that finds such a disk full fails, and the next one has room', async () => {
    const { disk, engine } = await churned(whenFull)
    full(disk)
    const write = () => engine.transaction((tx) => tx.put(noise(15_000, 1)))
    await expect(write()).rejects.toMatchObject({ code: 'QUOTA' })
    expect(await engine.has(await write())).toBe(true)
  })

  test('with no byte free a store opens whose torn tail has to be set aside', async () => {
    const { disk, engine, keys } = await filled(whenFull)
    await engine.close()
    const contents = new Map(disk.contents())
    const last = [...contents.keys()].filter((path) => path.startsWith('data/')).at(-1) as string
    // Entries of which the beginning was lost, and their COMMIT.
    const log = contents.get(last) as Uint8Array
    contents.set(last, Buffer.concat([log, log.subarray(200)]))
    const torn = SimulatedDisk.of(contents)
    torn.whenFull = whenFull
    full(torn)
    const again = await openEngine(torn, OPTIONS)
    expect(again.recovery).toMatchObject({
      damaged: [],
      setAside: [`lost+found/${last.split('/').at(-1)}.${log.length}`],
    })
    expect(await again.delete(keys[0] as string)).toBe(true)
    expect((await again.check()).clean).toBe(true)
  })

  test('with no byte free a store opens whose torn tail is larger than the reserve: it is moved, also when crashes interrupt that', async () => {
    const { disk, engine, keys } = await filled(whenFull)
    await engine.close()
    const contents = new Map(disk.contents())
    const last = [...contents.keys()].filter((path) => path.startsWith('data/')).at(-1) as string
    const log = contents.get(last) as Uint8Array<ArrayBuffer>
    // Its COMMIT is what is moved first.
    const tail = Buffer.concat([noise(600_000, 1), log.subarray(200)])
    contents.set(last, Buffer.concat([log, tail]))
    let found = contents
    for (const crash of [5, 10, 15, undefined]) {
      const torn = SimulatedDisk.of(found)
      torn.whenFull = whenFull
      full(torn, used(SimulatedDisk.of(contents)))
      let calls = 0
      torn.onCall = (call) => {
        if (call === 'flush' && ++calls === crash) found = torn.contents()
        return undefined
      }
      const again = await openEngine(torn, OPTIONS)
      if (crash !== undefined) continue
      expect(again.recovery.damaged).toEqual([])
      expect(await again.delete(keys[0] as string)).toBe(true)
      expect((await again.check()).clean).toBe(true)
      const moved = new Uint8Array(tail.length)
      for (const [path, bytes] of torn.contents()) {
        const [, from] = /^lost\+found\/\d+\.(\d+)$/.exec(path) ?? []
        if (from) moved.set(bytes, Number(from) - log.length)
      }
      expect(Buffer.compare(moved, tail)).toBe(0)
    }
  })

  test('the reserve is filled again when there is room', async () => {
    const { disk, engine, keys } = await filled(whenFull)
    const size = () => disk.contents().get('reserve')?.length
    const whole = size()
    expect(whole).toBeGreaterThan(0)
    full(disk)
    await engine.delete(keys[0] as string)
    expect(size()).toBe(0)
    disk.room = (bytes) => bytes
    await engine.put('small')
    await engine.flush()
    expect(size()).toBe(whole)
  })
})
