/**
 * Checkpoints that are written in slices between commits: they stand in nobody's way, commits and whatever else go on beside them, and
 * what is left behind at any moment opens as the store that it was.
 */

import { describe, expect, it } from 'vitest'
import { StoreError } from '../errors.js'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { contentsOf, engineContext, key, value } from '../testing/engine-case.js'
import { type Model, readAll, sameModel } from '../testing/model.js'
import type { ObservedStorage } from '../testing/observed-storage.js'
import { Random } from '../testing/random.js'
import { SimulatedDisk, type Snapshot } from '../testing/simulated-disk.js'
import { changesDisk } from '../testing/simulated-opfs.js'
import { type Engine, openEngine } from './engine.js'

const KEYS = 60
const SLICE_BYTES = 256
/** KEYS records of 44 bytes. */
const SLICES_LEAST = Math.floor((KEYS * 44) / SLICE_BYTES)

const OPTIONS = { maxSegmentSize: 4096, checkpointBytes: 20_000, sliceBytes: SLICE_BYTES }

/** Pauses that end when the test says so. */
class Pauses {
  readonly #waiting: (() => void)[] = []

  get count(): number {
    return this.#waiting.length
  }

  readonly pause = (): Promise<void> => new Promise((resolve) => this.#waiting.push(resolve))

  /** Ends the pause there is, and lets the store go on until it has come to rest. */
  async end(): Promise<void> {
    this.#waiting.shift()?.()
    await settled()
  }

  async endAll(): Promise<void> {
    while (this.count > 0) await this.end()
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** A store whose first checkpoint has just begun to be written. */
async function underWay() {
  const pauses = new Pauses()
  const context = engineContext(memoryStorage(), { ...OPTIONS, pause: pauses.pause })
  const store = await context.open()
  await fill(store)
  expect(pauses.count).toBe(1)
  return { ...context, store, pauses }
}

async function fill(store: Engine): Promise<void> {
  await store.transaction(async (tx) => {
    for (let number = 0; number < KEYS; number++) await tx.set(key(number), value(400, number))
  })
  await settled()
}

const indexFiles = async (storage: ObservedStorage) =>
  (await storage.paths()).filter((path) => path.startsWith('index.'))

/** How far the checkpoint has come: calls on its file. */
const progress = (storage: ObservedStorage) => storage.count('write', 'index.') + storage.count('flush', 'index.')

async function expectHolds(store: Engine, expected: string[]): Promise<void> {
  expect(await contentsOf(store)).toEqual(expected)
  expect((await store.check()).findings).toEqual([])
}

describe('a checkpoint of many slices', () => {
  it('is written one slice for each pause, and ends by itself', async () => {
    const { store, pauses, storage, crash } = await underWay()
    const bytes: number[] = []
    for (; pauses.count > 0; await pauses.end()) bytes.push(storage.written('index.'))
    bytes.push(storage.written('index.'))
    expect(bytes.length).toBeGreaterThan(SLICES_LEAST)
    for (let i = 1; i < bytes.length; i++) {
      expect((bytes[i] as number) - (bytes[i - 1] as number)).toBeLessThanOrEqual(SLICE_BYTES)
    }
    const held = await contentsOf(store)
    const again = await (await crash()).open()
    expect([again.recovery.source, again.recovery.replayed.entries]).toEqual(['checkpoint', 0])
    await expectHolds(again, held)
    await store.close()
  })

  it('does nothing while commits are made, and they end before it', async () => {
    const { store, pauses, storage, crash } = await underWay()
    for (let number = 0; number < 20; number++) {
      const before = progress(storage)
      await store.set(key(number), value(50, number + 100))
      await settled()
      expect(progress(storage)).toBe(before)
      await pauses.end()
      expect(progress(storage)).toBeGreaterThan(before)
      if (pauses.count === 0) break
    }
    await pauses.endAll()
    const held = await contentsOf(store)
    const again = await (await crash()).open()
    expect(again.recovery.source).toBe('checkpoint')
    expect(again.recovery.replayed.transactions).toBeGreaterThan(10)
    await expectHolds(again, held)
    await store.close()
  })

  it('goes on, and nothing is tried again and again, when what a failed put left cannot be read', async () => {
    const pauses = new Pauses()
    const chunkSizes = { min: 64, average: 256, max: 400 }
    const context = engineContext(memoryStorage(), { ...OPTIONS, chunkSizes, pause: pauses.pause })
    const { storage } = context
    const store = await context.open()
    const broken = async function* () {
      yield value(5000)
      // Until what has come is stored.
      await settled()
      storage.before = ({ kind }) => {
        if (kind === 'read' || kind === 'write') throw new StoreError('IO', 'the disk is gone')
      }
      throw new Error('the connection is gone')
    }
    await expect(store.put(broken())).rejects.toMatchObject({ code: 'IO' })
    storage.before = ({ kind }) => {
      if (kind === 'read') throw new StoreError('IO', 'the disk cannot be read')
    }
    await fill(store)
    expect(pauses.count).toBe(1)
    let steps = 0
    for (; pauses.count > 0 && steps < 1000; await pauses.end()) steps++
    expect(steps).toBeLessThan(1000)
    expect(await indexFiles(storage)).toHaveLength(1)
    storage.before = () => undefined
    await store.put('next')
    await settled()
    expect((await store.stats()).bytes).toBe(KEYS * 400 + 4)
    await store.close()
  })

  it('leaves what it does not cover to the next one', async () => {
    const { store, pauses, storage } = await underWay()
    await store.set(key(1), noise(30_000))
    await pauses.endAll()
    expect(await indexFiles(storage)).toHaveLength(1)
    const [first] = await indexFiles(storage)
    // More than 20,000 bytes since the first one began.
    await store.set(key(2), 'x')
    await settled()
    await pauses.endAll()
    expect(await indexFiles(storage)).toHaveLength(1)
    expect(await indexFiles(storage)).not.toEqual([first])
    await store.close()
  })

  it('whose store is stopped at any call, with commits in between, is a store that opens', async () => {
    const disk = new SimulatedDisk()
    const pauses = new Pauses()
    const options = { ...OPTIONS, pause: pauses.pause }
    const store = await openEngine(disk, options)
    await fill(store)
    const stops: { snapshot: Snapshot; possible: Model[] }[] = []
    let possible = [await readAll(store)]
    disk.onCall = (call) => {
      if (changesDisk(call)) stops.push({ snapshot: disk.snapshot(), possible })
      return undefined
    }
    for (let number = 0; pauses.count > 0; number++) {
      await pauses.end()
      const committed = new Map(possible[0])
      if (number % 2 === 0) committed.delete(key(number))
      else committed.set(key(number), value(300, number + 200))
      possible = [committed, ...possible]
      if (number % 2 === 0) await store.delete(key(number))
      else await store.set(key(number), value(300, number + 200))
      possible = [committed]
      await settled()
    }
    expect(stops.length).toBeGreaterThan(2 * SLICES_LEAST)
    disk.onCall = () => undefined
    await store.close()
    const random = new Random(1)
    for (const { snapshot, possible } of stops) {
      for (const loss of ['nothing', 'something', 'everything'] as const) {
        const again = await openEngine(SimulatedDisk.crash(snapshot, random, loss), OPTIONS)
        const found = await readAll(again)
        expect(possible.some((model) => sameModel(found, model))).toBe(true)
        expect((await again.check()).findings).toEqual([])
        await again.close()
      }
    }
  })

  it('is given up for that of a close, and opening finds everything', async () => {
    const { store, pauses, storage, close, open } = await underWay()
    await pauses.end()
    await store.set(key(1), 'one')
    const held = await contentsOf(store)
    await close()
    expect(storage.openPaths).toEqual([])
    expect(await indexFiles(storage)).toHaveLength(1)
    const calls = storage.calls.length
    await pauses.endAll()
    expect(storage.calls.length).toBe(calls)
    const again = await open()
    expect([again.recovery.source, again.recovery.replayed.entries]).toEqual(['checkpoint', 0])
    await expectHolds(again, held)
    await close()
  })

  it.each(['compact', 'repair'] as const)('is given up for that of a %s', async (what) => {
    const { store, pauses, storage, crash } = await underWay()
    if (what === 'repair') {
      // Something to repair: the checkpoint of before is gone. The next one is under way.
      await pauses.endAll()
      for (const path of await indexFiles(storage)) await storage.remove(path)
      await store.set(key(1), noise(30_000))
      await settled()
    }
    await pauses.end()
    expect(pauses.count).toBe(1)
    for (let number = 0; number < KEYS; number += 2) await store.delete(key(number))
    const held = await contentsOf(store)
    if (what === 'compact') await store.compact()
    else expect((await store.check({ repair: true })).clean).toBe(true)
    const ended = await indexFiles(storage)
    expect(ended).toHaveLength(1)
    await pauses.endAll()
    expect(await indexFiles(storage)).toEqual(ended)
    const again = await (await crash()).open()
    expect(again.recovery.source).toBe('checkpoint')
    await expectHolds(again, held)
    await store.close()
  })

  it('that ends after a compaction keeps the files that were retired meanwhile', async () => {
    const { store, pauses, storage, segments, crash } = await underWay()
    await pauses.end()
    const before = await segments()
    // Compacted between commits, when more than half of the log is dead.
    await store.deleteMany(Array.from({ length: KEYS - 5 }, (_, number) => key(number)))
    await settled()
    const live = (await store.stats()).segments.map(({ segment }) => segment)
    const retired = before.filter((segment) => !live.includes(segment))
    expect(retired.length).toBeGreaterThan(0)
    const held = await contentsOf(store)
    await pauses.endAll()
    expect(storage.count('remove', 'data/')).toBe(0)
    const again = await (await crash()).open()
    expect(again.recovery.source).toBe('checkpoint')
    await expectHolds(again, held)
    await store.compact({ threshold: 0 })
    for (const segment of retired) expect(await segments()).not.toContain(segment)
    await store.close()
  })

  it.each(['write', 'flush'] as const)('whose %s fails is tried again later, and nothing is lost', async (kind) => {
    for (let failing = 0; ; failing++) {
      const { store, pauses, storage, reopen } = await underWay()
      let left = failing
      let wasHit = false
      storage.before = (call) => {
        if (call.kind !== kind || !call.path.startsWith('index.') || left-- !== 0) return
        wasHit = true
        throw new StoreError('QUOTA', 'the disk is full')
      }
      await pauses.endAll()
      expect(await indexFiles(storage)).toHaveLength(wasHit ? 0 : 1)
      await store.set(key(1), noise(3000))
      await settled()
      expect(pauses.count).toBe(0)
      await store.set(key(2), noise(3000))
      await settled()
      await pauses.endAll()
      expect(await indexFiles(storage)).toHaveLength(1)
      const held = await contentsOf(store)
      const again = await reopen()
      await expectHolds(again, held)
      await again.close()
      if (!wasHit) break
      expect(failing).toBeLessThan(100)
    }
  })
})
