/** Lists of chunks, and the counts of who holds what, where something else happens while they are read. */

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { COMMIT, TAG } from '../format/entry.js'
import { hexBytes } from '../format/key.js'
import { manifestKey } from '../format/manifest.js'
import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { key, value } from '../testing/engine-case.js'
import { entry } from '../testing/golden-recipes.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { SimulatedDisk } from '../testing/simulated-disk.js'
import { openEngine } from './engine.js'
import { Holders } from './holders.js'
import { openContext } from './open.js'
import { readManifest } from './read-content.js'

/** Contents over 800 bytes are cut. */
const chunkSizes = { min: 64, average: 256, max: 400 }

/** A store with one content in chunks, closed. */
async function closedStore() {
  const storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage, { chunkSizes })
  const content = await engine.put(value(5000, 1))
  await engine.close()
  return { storage, content: hexBytes(content) }
}

async function contextOf(storage: ObservedStorage) {
  return await openContext({
    storage,
    kernel: await createKernel(),
    create: false,
    maxSegmentSize: undefined,
    chunkSizes: undefined,
    checkpointBytes: 1,
    sliceBytes: 1,
    pause: async () => undefined,
    random: (bytes) => void bytes.fill(1),
    now: () => 0,
    signal: undefined,
  })
}

test('what is forgotten while it is being counted is counted again', async () => {
  const { storage } = await closedStore()
  const context = await contextOf(storage)
  const holders = new Holders(context)
  const loading = holders.load()
  context.state.keys.clear()
  context.state.ownCounts.clear()
  holders.forget()
  await loading
  expect(holders.lists.size).toBe(0)
})

test('a list that goes while it is looked for is not there', async () => {
  const { storage, content } = await closedStore()
  const context = await contextOf(storage)
  const places = [context.state.keys.find(manifestKey(content))]
  expect(places[0]).toBeDefined()
  expect(await readManifest(context, content, () => places.pop())).toBeUndefined()
})

test('a chunk of another size than its list says, as another program may write it, is CORRUPT, and a put heals its content', async () => {
  const { storage, content } = await closedStore()
  const before = await openEngine(storage)
  const { bytes } = (await before.piece(content, 0)) ?? {}
  const chunk = createHash('sha256')
    .update(bytes ?? '')
    .digest()
  await before.close()
  const other = entry(TAG.put, Buffer.concat([chunk, value(3)]))
  const log = await storage.contents('data/0/0')
  await storage.replace('data/0/0', Buffer.concat([log, other, Uint8Array.from(COMMIT)]))
  const engine = await openEngine(storage)
  await expect(engine.get(content)).rejects.toMatchObject({ code: 'CORRUPT', where: { key: chunk.toString('hex') } })
  await engine.put(value(5000, 1))
  expect(await engine.get(content)).toEqual(value(5000, 1))
})

test('a list of chunks that is none, as another program may write it, is CORRUPT, and a put heals its content', async () => {
  const { storage } = await closedStore()
  const bytes = value(100, 2)
  const list = entry(TAG.put, Buffer.concat([manifestKey(hexBytes(key(1))), new Uint8Array(100)]))
  const log = await storage.contents('data/0/0')
  await storage.replace('data/0/0', Buffer.concat([log, list, Uint8Array.from(COMMIT)]))
  const engine = await openEngine(storage)
  await expect(engine.get(key(1))).rejects.toMatchObject({ code: 'CORRUPT', where: { key: key(1) } })
  await engine.set(key(1), bytes)
  expect(await engine.get(key(1))).toEqual(bytes)
})

test('a content goes whose list is damaged and was read before; what its chunks are also part of stays', async () => {
  const disk = new SimulatedDisk()
  const bytes = value(5000, 1)
  const before = await openEngine(disk, { chunkSizes })
  const content = await before.put(bytes)
  const other = await before.put(new Uint8Array([...bytes, ...value(1000, 2)]))
  await before.close()
  const engine = await openEngine(disk)
  await engine.get(content, { length: 1 })
  const log = Buffer.from(disk.contents().get('data/0/0') ?? '')
  const list = log.indexOf(manifestKey(hexBytes(content)))
  disk.overwrite('data/0/0', log.fill(0, list + 50, list + 60))
  await engine.delete(content)
  expect(await engine.get(other)).toHaveLength(6000)
})
