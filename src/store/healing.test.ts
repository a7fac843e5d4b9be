/** What a put promises about content that is there but damaged, and what a close and a repair leave behind. */

import { expect, test } from 'vitest'
import { isStoreError, StoreError } from '../errors.js'
import { TAG } from '../format/entry.js'
import { hexBytes } from '../format/key.js'
import { manifestKey } from '../format/manifest.js'
import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { isSegment } from '../testing/damage.js'
import { engineContext, key, keysOf, value } from '../testing/engine-case.js'
import { entry } from '../testing/golden-recipes.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { SimulatedDisk } from '../testing/simulated-disk.js'
import { openEngine } from './engine.js'

/** The files of a closed store with these values in it, one to a segment. */
async function closedStore(values: Uint8Array[]): Promise<{ files: Map<string, Uint8Array>; keys: string[] }> {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk, { maxSegmentSize: 1024 })
  const keys: string[] = []
  for (const value of values) keys.push(await engine.put(value))
  await engine.close()
  return { files: new Map(disk.contents()), keys }
}

const values = Array.from({ length: 6 }, (_, i) => noise(2000, i))

test('a healing put whose transaction was rolled back does not keep the next put from healing', async () => {
  const { files, keys } = await closedStore(values)
  const path = 'data/0/2'
  const bytes = files.get(path)?.slice() as Uint8Array
  bytes[1000] = (bytes[1000] as number) ^ 1
  const engine = await openEngine(SimulatedDisk.of(new Map([...files, [path, bytes]])))
  const key = keys[2] as string
  await expect(engine.get(key)).rejects.toMatchObject({ code: 'CORRUPT' })
  const tx = await engine.begin()
  await tx.put(values[2] as Uint8Array)
  await tx.rollback()
  expect(await engine.put(values[2] as Uint8Array)).toBe(key)
  expect(await engine.get(key)).toEqual(values[2])
})

test('a put of content whose segment is missing writes it anew, though no get has met the loss', async () => {
  const { files, keys } = await closedStore(values)
  files.delete('data/0/1')
  const engine = await openEngine(SimulatedDisk.of(files))
  expect(engine.recovery.damaged.map(({ kind }) => kind)).toContain('segment')
  for (const value of values) await engine.put(value)
  expect(await engine.getMany(keys)).toEqual(values)
})

test('a put of a large content whose list of chunks a check found damaged writes the list anew, though it was read before', async () => {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk, { chunkSizes: { min: 64, average: 256, max: 400 } })
  const large = noise(5000, 1)
  const content = await engine.put(large)
  expect(await engine.get(content)).toEqual(large)
  const log = disk.contents().get('data/0/0') as Uint8Array
  const list = Buffer.from(log).lastIndexOf(Buffer.from(content, 'hex'))
  log[list] = (log[list] as number) ^ 1
  expect((await engine.check()).findings).toMatchObject([{ kind: 'entry', segment: 0 }])
  await engine.put(large)
  await engine.close()
  expect(await (await openEngine(disk)).get(content)).toEqual(large)
})

test('a large content whose damaged list of chunks was written anew goes as a whole', async () => {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk, { chunkSizes: { min: 64, average: 256, max: 400 } })
  const large = noise(5000, 1)
  const content = await engine.put(large)
  // Now it is known what holds what.
  expect(await engine.stats()).toMatchObject({ count: 1, bytes: 5000 })
  const log = disk.contents().get('data/0/0') as Uint8Array
  const list = Buffer.from(log).lastIndexOf(Buffer.from(content, 'hex'))
  log[list] = (log[list] as number) ^ 1
  await engine.check()
  await engine.put(large)
  expect(await engine.stats()).toMatchObject({ count: 1, bytes: 5000 })
  expect(await engine.delete(content)).toBe(true)
  expect(await engine.stats()).toMatchObject({ count: 0, bytes: 0 })
})

test('a repair whose last steps fail has given up the names that it lost: what they pointed to can be deleted at once', async () => {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk)
  const content = await engine.put('content')
  await engine.refs.set('the name', content)
  await engine.refs.set('another', await engine.put('other'))
  // Now it is known what holds what.
  await expect(engine.delete(content)).rejects.toMatchObject({ code: 'IN_USE' })
  const log = disk.contents().get('data/0/0') as Uint8Array
  const name = Buffer.from(log).indexOf('the name')
  log[name] = (log[name] as number) ^ 1
  disk.onCall = (call, path) => (call === 'remove' && path === 'data/0/0' ? 'error' : undefined)
  await expect(engine.check({ repair: true })).rejects.toMatchObject({ code: 'IO' })
  expect(await engine.delete(content)).toBe(true)
  disk.onCall = () => undefined
  expect(await engine.check({ repair: true })).toMatchObject({ clean: true })
  expect(await keysOf(engine)).toEqual([(await engine.refs.get('another'))?.key])
})

/** A store with one large content, whose config has then lost the sizes of its chunks or has got others, as `change` makes it. */
async function recut(large: Uint8Array<ArrayBuffer>, change: (config: string) => string) {
  const storage = new ObservedStorage(memoryStorage())
  const first = await openEngine(storage, { chunkSizes: { min: 64, average: 256, max: 400 } })
  const content = await first.put(large)
  await first.close()
  const config = new TextDecoder().decode(await storage.contents('config'))
  await storage.replace('config', new TextEncoder().encode(change(config)))
  return { storage, content }
}

test.each([
  ['larger', (config: string) => config.replace(/chunks = .*\n/, '')],
  ['smaller', (config: string) => config.replace('64 256 400', '64 128 200')],
])('a content that is put again where chunks have become %s is there once, and goes as a whole', async (_, change) => {
  const large = noise(5000, 1)
  const { storage, content } = await recut(large, change)
  const engine = await openEngine(storage)
  await engine.put(large)
  expect(await keysOf(engine)).toEqual([content])
  expect(await engine.stats()).toMatchObject({ count: 1, bytes: large.length })
  expect(await engine.get(content)).toEqual(large)
  expect(await engine.delete(content)).toBe(true)
  expect(await engine.stats()).toMatchObject({ count: 0, bytes: 0 })
})

test('a put heals a content of which a chunk was lost, also where chunks have got other sizes since', async () => {
  const large = noise(5000, 1)
  const { storage, content } = await recut(large, (config) => config.replace('64 256 400', '80 256 400'))
  const log = await storage.contents('data/0/0')
  log[500] = (log[500] as number) ^ 1
  await storage.replace('data/0/0', log)
  const engine = await openEngine(storage)
  expect(await engine.check({ repair: true })).toMatchObject({ clean: true })
  await expect(engine.get(content)).rejects.toMatchObject({ code: 'CORRUPT' })
  await engine.put(large)
  expect(await engine.get(content)).toEqual(large)
})

test('a content that is a chunk of another one stays that when it is cut itself', async () => {
  const large = noise(5000, 1)
  const { storage, content } = await recut(large, (config) => config.replace('64 256 400', '64 64 100'))
  const engine = await openEngine(storage)
  const part = (await engine.piece(content, 0))?.bytes as Uint8Array<ArrayBuffer>
  expect(part.length).toBeGreaterThan(200)
  const key = await engine.put(part)
  expect((await keysOf(engine)).sort()).toEqual([content, key].sort())
  expect(await engine.get(content)).toEqual(large)
  expect(await engine.delete(content)).toBe(true)
  expect(await engine.get(key)).toEqual(part)
})

test('a close waits for the reads that are under way, and leaves no file open', async () => {
  const { files, keys } = await closedStore(values)
  const disk = SimulatedDisk.of(files)
  const engine = await openEngine(disk)
  const read = engine.getMany(keys)
  await engine.close()
  expect(await read).toEqual(values)
  for (const path of disk.contents().keys()) {
    if (isSegment(path)) (await disk.open(path)).close() // LOCKED if anybody still had it
  }
})

test('a repair whose checkpoint stands where the damaged one did keeps it', async () => {
  const disk = new SimulatedDisk()
  const options = { checkpointBytes: 64 }
  for (let round = 0; round < 2; round++) {
    const engine = await openEngine(disk, options)
    await engine.set('ab'.repeat(32), `round ${round}`)
    await engine.close()
  }
  const engine = await openEngine(disk, options)
  const file = await disk.open('index.1')
  expect(file.size()).toBeGreaterThan(128)
  file.write(new Uint8Array([1, 2, 3]), 40)
  file.close()
  expect(await engine.check({ repair: true })).toMatchObject({ clean: true, findings: [{ kind: 'checkpoint' }] })
  expect((await engine.check()).clean).toBe(true)
  await engine.close()
  expect((await openEngine(disk, options)).recovery.source).toBe('checkpoint')
})

test('after a repair of which the disk refuses one call, whichever, the store works on, and is found whole', async () => {
  const { files, keys } = await closedStore(values)
  const path = 'data/0/2'
  const bytes = files.get(path)?.slice() as Uint8Array
  bytes[1000] = (bytes[1000] as number) ^ 1
  files.set(path, bytes)
  const kernel = await createKernel()
  const kept = keys.filter((_, i) => i !== 2)
  const refusals = new Set<string>()
  for (let refused = 0; ; refused++) {
    const disk = SimulatedDisk.of(files)
    // One checkpoint is under way and goes on when the repair has ended, one is due at the close.
    let goOn: () => void = () => undefined
    const pause = () => new Promise<void>((resolve) => (goOn = resolve))
    const engine = await openEngine(disk, { kernel, checkpointBytes: 1, sliceBytes: 44, pause })
    expect(engine.recovery.damaged).toEqual([])
    await engine.put(noise(5000, 1000))
    await engine.flush()
    let call = 0
    disk.onCall = (kind) => (kind !== 'close' && call++ === refused ? 'error' : undefined)
    const error = await engine.check({ repair: true }).catch((caught: unknown) => caught)
    disk.onCall = () => undefined
    if (call <= refused) break
    if (isStoreError(error)) refusals.add(error.message.split(' ', 2).join(' '))
    await engine.put(noise(3000, refused))
    for (let step = 0; step < 20; step++) {
      goOn()
      await engine.flush()
    }
    await engine.put(noise(100, refused))
    await engine.compact({ threshold: 0.1 })
    await engine.close()
    const again = await openEngine(disk, { kernel })
    expect(again.recovery.damaged, `call ${refused}: ${error}`).toEqual([])
    expect(await again.getMany(kept)).toEqual(values.filter((_, i) => i !== 2))
    expect(await again.check({ repair: true })).toMatchObject({ clean: true })
    await again.close()
  }
  expect(refusals).toContain('cannot remove')
})

test('a checkpoint that is refused where the one before it stood leaves none, and nothing that a check would miss', async () => {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk)
  await engine.put(noise(3000, 1))
  const repair = async () => {
    const head = disk.contents().get('head') as Uint8Array
    head[6] = (head[6] as number) ^ 1
    return await engine.check({ repair: true })
  }
  expect(await repair()).toMatchObject({ clean: true })
  disk.onCall = (call, path) => (call === 'write' && path.startsWith('index.') ? 'error' : undefined)
  await expect(repair()).rejects.toMatchObject({ code: 'IO' })
  disk.onCall = () => undefined
  expect((await engine.check()).findings).toEqual([])
})

test.each([6, 70])(
  'a head that goes bad at byte %i under an open store is found by a check, and mended',
  async (at) => {
    const disk = new SimulatedDisk()
    const engine = await openEngine(disk)
    await engine.put('a value')
    await engine.flush()
    const head = disk.contents().get('head') as Uint8Array
    head[at] = (head[at] as number) ^ 1
    const found = { kind: 'head', file: 'head', message: 'a slot of the head cannot be read' }
    expect((await engine.check()).findings).toEqual([found])
    expect(await engine.check({ repair: true })).toMatchObject({ clean: true })
    expect((await engine.check()).findings).toEqual([])
  },
)

test('a flush after a commit that failed does not make it last', async () => {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk)
  const kept = await engine.put('kept')
  await engine.flush() // and what is done between commits
  const fails = new Set(['flush', 'truncate']) // the flush of the commit, and the cut that undoes it
  disk.onCall = (call) => {
    if (fails.delete(call)) throw new StoreError('IO', `${call} fails`)
  }
  await expect(engine.put('refused')).rejects.toMatchObject({ code: 'IO' })
  expect(fails.size).toBe(0)
  disk.onCall = () => {}
  await engine.flush()
  const left = await openEngine(SimulatedDisk.of(disk.contents()))
  expect((await left.stats()).count).toBe(1)
  expect(await left.get(kept)).toEqual(new TextEncoder().encode('kept'))
})

test('a head that is written behind a segment that was closed for nothing makes no torn tail of that segment durable', async () => {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage)
  const [first = ''] = await engine.putMany([noise(2000, 1), noise(2000, 2)])
  await engine.put('three', { durability: 'relaxed' })
  // The flush before the compaction closes the segment cannot tell the head; then the compaction cannot read.
  storage.before = ({ kind, path }) => {
    if ((kind === 'write' && path === 'head') || (kind === 'read' && path === 'data/0/0')) {
      throw new StoreError('IO', 'the disk is tired')
    }
  }
  await expect(engine.compact({ threshold: 0 })).rejects.toMatchObject({ code: 'IO' })
  storage.before = () => undefined
  await engine.close()
  for (const path of await storage.paths()) if (path.startsWith('index.')) await storage.remove(path)
  // As a crash leaves it: the log went on in the first segment, and a transaction there has no COMMIT.
  const torn = entry(TAG.put, Buffer.concat([hexBytes('ab'.repeat(32)), new Uint8Array(10)]))
  await storage.replace('data/0/0', Buffer.concat([await storage.contents('data/0/0'), torn]))
  const again = await openEngine(storage)
  expect(again.recovery).toMatchObject({ rolledBack: { entries: 1 }, damaged: [] })
  expect(await again.has('ab'.repeat(32))).toBe(false)
  expect(await again.has(first)).toBe(true)
  await again.close()
})

// Torture seed 2000660: a checkpoint of a log whose last segment was just closed, a removal that a crash undid.
test('a checkpoint that comes back after the log went on without it hides nothing that was committed since', async () => {
  const { open, close, crash, storage } = engineContext(memoryStorage())
  const first = await open({ checkpointBytes: 64 })
  // The second checkpoint of a segment closes it, and stands behind it.
  for (let number = 0; number < 2; number++) await first.set(key(1), value(2000, number))
  await close()
  const checkpoint = await storage.contents('index.1')
  await storage.remove('index.1')
  await (await open({ checkpointBytes: 100_000 })).set(key(2), value(100, 2))
  const crashed = await crash()
  await crashed.storage.replace('index.1', checkpoint)
  const again = await crashed.open()
  expect(again.recovery.damaged).toEqual([])
  expect(await again.get(key(2))).toEqual(value(100, 2))
  expect((await again.check()).findings).toEqual([])
})

test('a named content that is a chunk of another one outlives that one, though a repair had to give up its own list', async () => {
  const disk = new SimulatedDisk()
  const engine = await openEngine(disk, { chunkSizes: { min: 64, average: 256, max: 400 } })
  const larger = await engine.put(noise(5000, 1))
  const chunk = (await engine.piece(larger, 0))?.bytes as Uint8Array<ArrayBuffer>
  const content = await engine.put(chunk)
  await engine.refs.set('latest', content)
  const log = disk.contents().get('data/0/0') as Uint8Array
  const list = Buffer.from(log).lastIndexOf(manifestKey(hexBytes(content)))
  log[list + 40] = (log[list + 40] as number) ^ 1
  expect((await engine.check({ repair: true })).clean).toBe(true)
  const bytes = 5000 - chunk.length
  expect(await engine.gc({ grace: 0, dryRun: true })).toEqual({ count: 1, bytes })
  expect(await engine.gc({ grace: 0 })).toEqual({ count: 1, bytes })
  expect(await keysOf(engine)).toEqual([content])
  expect(await engine.get(content)).toEqual(chunk)
})
