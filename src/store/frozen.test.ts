/** The store as it is at one moment: what happens to a copy when the disk does not play along. */

import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import type { StorageFile } from '../storage/storage.js'
import { key, value } from '../testing/engine-case.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { RecyclingKernel } from '../testing/recycling-kernel.js'
import { SimulatedDisk } from '../testing/simulated-disk.js'
import type { Frozen } from '../types.js'
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
  const open = storage.open.bind(storage)
  let segment: StorageFile | undefined
  storage.open = async (path, options) => {
    const file = await open(path, options)
    if (path === 'data/0/0') segment = file
    return file
  }
  const engine = await openEngine(storage)
  const frozen = await engine.freeze()
  const file = frozen.files.find(({ path }) => path === 'data/0/0')
  const size = file?.size ?? 0
  expect((await file?.read(0, size))?.length).toBe(size)
  segment?.truncate(size - 1)
  await expect(file?.read(1, size - 1)).rejects.toMatchObject({
    code: 'CORRUPT',
    where: { segment: 0, offset: size - 1 },
  })
  frozen.release()
})

test('a damaged store whose head cannot be read for a while can be frozen after it, and repaired', async () => {
  const disk = new SimulatedDisk()
  const first = await openEngine(disk)
  await first.put('one')
  await first.put('two')
  await first.close()
  const log = disk.contents().get('data/0/0') as Uint8Array
  log.fill(0, 120, 130)
  await disk.remove('index.0').catch(() => undefined)
  const engine = await openEngine(disk)
  expect(engine.recovery.damaged.map(({ kind }) => kind)).toContain('entry')
  disk.onCall = (call, path) => (call === 'read' && path === 'head' ? 'gone' : undefined)
  await expect(engine.freeze()).rejects.toMatchObject({ code: 'IO' })
  disk.onCall = () => undefined
  const frozen = await engine.freeze()
  expect(frozen.files.map(({ path }) => path)).toContain('head')
  frozen.release()
  expect(await engine.check({ repair: true })).toMatchObject({ clean: true })
})

test.each<[name: string, range: (size: number) => [at: number, length: number]]>([
  ['behind the end', (size) => [1, size]],
  ['in front of the beginning', () => [-1, 1]],
  ['of a length below nothing', () => [1, -1]],
  ['at half a byte', () => [0.5, 1]],
  ['of half a byte', () => [0, 0.5]],
])('of a file nothing is read %s', async (_, range) => {
  const engine = await openEngine(await closedStore())
  const frozen = await engine.freeze()
  for (const { path, size, read } of frozen.files) {
    await expect(read(...range(size))).rejects.toMatchObject({ code: 'RANGE', where: { file: path } })
  }
  expect(frozen.files.length).toBe(4)
})

test('each record of the entries has its value, and there are no others', async () => {
  const engine = await openEngine(await closedStore())
  const frozen = await engine.freeze()
  await engine.put('later')
  const count = (await frozen.entries()).length / 44
  expect(count).toBe(1)
  expect(new TextDecoder().decode(await frozen.value(0))).toBe('content')
  for (const index of [-1, 0.5, count]) await expect(frozen.value(index)).rejects.toMatchObject({ code: 'RANGE' })
})

test('what is frozen at any moment of a repair is a whole store, of before it or of after it', async () => {
  const kernel = new RecyclingKernel(await createKernel())
  const damaged = new ObservedStorage(memoryStorage())
  const first = await openEngine(damaged, { kernel, maxSegmentSize: 1024 })
  for (let number = 0; number < 8; number++) await first.set(key(number), value(450, number))
  await first.close()
  const bytes = await damaged.contents('data/0/1')
  const place = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES + 100
  bytes[place] = (bytes[place] ?? 0) ^ 1
  await damaged.replace('data/0/1', bytes)
  const outcomes = new Set<string>()
  for (let moment = 1; ; moment++) {
    kernel.recycle()
    const storage = await damaged.snapshot()
    const engine = await openEngine(storage, { kernel })
    let calls = 0
    let freezing: Promise<Frozen> | undefined
    storage.before = () => {
      // Not in the middle of a call of the disk.
      if (++calls === moment) freezing = Promise.resolve().then(() => engine.freeze())
    }
    const repair = await engine.check({ repair: true }).catch((error: StoreError) => error.code)
    storage.before = () => undefined
    if (freezing === undefined) break
    const frozen = await freezing
    const copy = new ObservedStorage(memoryStorage())
    for (const { path, size, read } of frozen.files) await copy.replace(path, await read(0, size))
    frozen.release()
    await engine.close()
    const copied = await openEngine(copy, { kernel })
    for (const number of [0, 1, 3, 4, 5, 6, 7]) expect(await copied.get(key(number))).toEqual(value(450, number))
    const isDamaged = copied.recovery.damaged.length > 0
    outcomes.add(`${repair === 'LOCKED' ? 'refused' : 'repaired'}, ${isDamaged ? 'before' : 'after'}`)
    const again = await openEngine(storage, { kernel })
    expect((await again.check()).clean).toBe(repair !== 'LOCKED')
    expect(await copied.has(key(2))).toBe(isDamaged)
  }
  expect([...outcomes]).toEqual(['refused, before', 'repaired, before', 'repaired, after'])
}, 30_000)

test('of one that was released nothing can be read', async () => {
  const engine = await openEngine(await closedStore())
  const frozen = await engine.freeze()
  frozen.release()
  const released = { code: 'CLOSED', message: expect.stringContaining('freeze the store again') }
  for (const { read } of frozen.files) await expect(read(0, 1)).rejects.toMatchObject(released)
  await expect(frozen.entries()).rejects.toMatchObject(released)
  await expect(frozen.value(0)).rejects.toMatchObject(released)
})

test('of one whose store is closed nothing can be read', async () => {
  const engine = await openEngine(await closedStore())
  const frozen = await engine.freeze()
  await engine.close()
  const closed = { code: 'CLOSED', message: expect.stringContaining('open it again') }
  for (const { read } of frozen.files) await expect(read(0, 1)).rejects.toMatchObject(closed)
  await expect(frozen.entries()).rejects.toMatchObject(closed)
  await expect(frozen.value(0)).rejects.toMatchObject(closed)
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
