/**
 * How the golden stores were made: whole stores of a few kilobytes, as this version writes them and as the seed did. scripts/make-golden.mjs
 * runs the recipes and writes what they give into golden/, once for each version of the format; golden.test.ts opens what
 * lies there, and so must every later version.
 */

import { crc32 } from 'node:zlib'
import { memoryStorage } from '../storage/memory.js'
import type { Engine, EngineSettings } from '../store/engine.js'
import type { Recovery } from '../types.js'
import { engineContext, key, value } from './engine-case.js'
import { ObservedStorage } from './observed-storage.js'

/** What opening a store has to find. */
export interface Expected {
  id: string
  /** Size and CRC-32 of each value. */
  keys: Record<string, string>
  /** The key that each name points to, and what is noted with it; absent when there are none. */
  names?: Record<string, string>
  recovery: Pick<Recovery, 'source' | 'replayed' | 'rolledBack' | 'setAside'>
  /** The kinds of damage it tells of. */
  damaged: string[]
}

export interface Recipe {
  name: string
  make(): Promise<ObservedStorage>
}

/** Random numbers that are always the same: 0, 1, 2 ... in each array. */
export function counting(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = i
}

const OPTIONS: EngineSettings = { maxSegmentSize: 1024, random: counting }

/** The store of FORMAT.md's worked example. */
export async function makeExample(): Promise<ObservedStorage> {
  const { open, close, storage } = engineContext(memoryStorage())
  const store = await open({ random: counting })
  const name = Uint8Array.from({ length: 32 }, (_, i) => i)
  await store.set(name, 'hello')
  await store.put('abc')
  await store.delete(name)
  await close()
  return storage
}

async function fill(store: Engine, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) await store.set(key(number), value(200, number))
}

/** Several segments: replaced and deleted keys, a compaction, a tombstone that is still needed, and commits behind it. */
async function makeCompacted(): Promise<ObservedStorage> {
  const { open, close, storage } = engineContext(memoryStorage())
  const store = await open(OPTIONS)
  await fill(store, 0, 16)
  await store.set(key(1), 'replaced')
  await store.deleteMany([key(2), key(8), key(9), key(10), key(11)])
  await store.compact({ threshold: 0.4 })
  await fill(store, 20, 24)
  await store.delete(key(20))
  await close()
  return storage
}

/** A checkpoint, and two commits behind it: the machine stopped before the store was closed. */
async function makeCheckpointed(): Promise<ObservedStorage> {
  const { open, reopen, crash } = engineContext(memoryStorage())
  await fill(await open(OPTIONS), 0, 6)
  const store = await reopen()
  await store.set(key(6), value(200, 6))
  await store.delete(key(0))
  return (await crash()).storage
}

/** The machine stopped while a commit was being written: 30 bytes of it are missing, and the head knows the one before it. */
async function makeTorn(): Promise<ObservedStorage> {
  const { open, crash, storage } = engineContext(memoryStorage())
  const store = await open(OPTIONS)
  await fill(store, 0, 2)
  const { storage: before } = await crash()
  await store.set(key(2), value(200, 2))
  const log = await storage.contents('data/0/0')
  await before.replace('data/0/0', log.slice(0, -30))
  return before
}

/** The machine stopped inside a transaction that had filled two segments. */
async function makeUncommitted(): Promise<ObservedStorage> {
  const { open, crash } = engineContext(memoryStorage())
  const store = await open(OPTIONS)
  await fill(store, 0, 2)
  const tx = await store.begin()
  await tx.delete(key(0))
  for (let number = 10; number < 20; number++) await tx.set(key(number), value(200, number))
  return (await crash()).storage
}

/** Contents in chunks, two of which share some, one that is also a chunk, names, and an ingest that is not complete. */
async function makeLarge(): Promise<ObservedStorage> {
  const { open, close, storage } = engineContext(memoryStorage())
  const store = await open({ ...OPTIONS, chunkSizes: { min: 64, average: 256, max: 400 } })
  const first = value(3000, 1)
  const second = first.slice()
  second.fill(0, 1500, 1510)
  const names = await store.putMany([first, second])
  const piece = await store.piece(names[0] ?? '', 0)
  await store.put(piece?.bytes ?? '')
  await store.refs.set('first', names[0] ?? '', { type: 'text/plain' })
  await store.refs.set('the other', names[1] ?? '')
  const ingest = await store.ingest(key(1), { size: 10_000 })
  await ingest.write(value(5000, 2))
  await close()
  return storage
}

/** A store by the rules of the seed: a COMMIT ends each file, no head, no checkpoint of ours, no headers in the segments. */
async function makeSeed(): Promise<ObservedStorage> {
  const storage = new ObservedStorage(memoryStorage())
  const id = Buffer.alloc(32, 0xc5).toString('hex')
  const config = `[store]\nversion = 1\nsegments_per_dir = 2\nmax_segment_size = 5242880\nid = ${id}\n\n`
  const put = (number: number, text: string) => entry(0, Buffer.concat([keyBytes(number), Buffer.from(text)]))
  const remove = (number: number) => entry(1, keyBytes(number))
  const segment = (...entries: Buffer[]) =>
    Buffer.concat([Buffer.from('DSEGMENT'), ...entries, entry(2, Buffer.alloc(0))])
  await storage.replace('README', Buffer.from('This is a DARC store'))
  await storage.replace('config', Buffer.from(config))
  await storage.replace('data/0/0', segment(put(1, 'one'), put(2, 'two'), put(3, 'three')))
  // The seed writes a DELETE before a PUT that replaces, and counts segments by two in this store's directories.
  await storage.replace('data/0/1', segment(remove(2), put(2, 'two again'), remove(3)))
  // Segment 2 was compacted away. Segment 4 was never committed.
  await storage.replace('data/1/3', segment(put(4, ''), put(5, 'five')))
  await storage.replace('data/2/4', Buffer.concat([Buffer.from('DSEGMENT'), put(6, 'six')]))
  // The seed's own index and hints have these names; to us they say nothing.
  await storage.replace('index.3', value(200, 3))
  await storage.replace('hints.3', value(20, 3))
  return storage
}

function keyBytes(number: number): Buffer {
  return Buffer.from(key(number), 'hex')
}

export function entry(tag: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(9 + body.length)
  bytes.writeUInt32LE(bytes.length, 4)
  bytes[8] = tag
  bytes.set(body, 9)
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
  return bytes
}

export const recipes: readonly Recipe[] = [
  { name: '1-example', make: makeExample },
  { name: '1-compacted', make: makeCompacted },
  { name: '1-checkpoint', make: makeCheckpointed },
  { name: '1-torn-tail', make: makeTorn },
  { name: '1-uncommitted-tail', make: makeUncommitted },
  { name: '1-large', make: makeLarge },
  { name: 'seed', make: makeSeed },
]

/** What an open store holds and says. */
export async function observe(store: Engine): Promise<Expected> {
  const keys: Expected['keys'] = {}
  const found: string[] = []
  for await (const { key } of store.keys()) found.push(key)
  for (const name of found.sort()) {
    const bytes = (await store.get(name)) ?? new Uint8Array()
    keys[name] = `${bytes.length} ${crc32(bytes).toString(16).padStart(8, '0')}`
  }
  const names: [string, string][] = []
  for await (const { name, key, meta } of store.refs.list()) names.push([name, `${key} ${JSON.stringify(meta)}`])
  const { source, replayed, rolledBack, setAside, damaged } = store.recovery
  return {
    id: store.id,
    keys,
    ...(names.length > 0 && { names: Object.fromEntries(names) }),
    recovery: { source, replayed, rolledBack, setAside },
    damaged: damaged.map(({ kind }) => kind),
  }
}

/** Makes a store and opens a copy of it: its files, and what is expected of them. */
export async function makeGolden(recipe: Recipe): Promise<{ files: Map<string, Uint8Array>; expected: Expected }> {
  const storage = await recipe.make()
  const files = new Map<string, Uint8Array>()
  for (const path of await storage.paths()) files.set(path, await storage.contents(path))
  const copy = engineContext(await storage.snapshot())
  const expected = await observe(await copy.open({ create: false }))
  await copy.close()
  return { files, expected }
}
