/** What the tests of imports and exports share: a store with something of everything in it, and archives in memory. */

import { createHash } from 'node:crypto'
import { packTar, type TarEntry, unpackTar } from 'modern-tar'
import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import { createKernel, type Kernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import type { Storage } from '../storage/storage.js'
import { type Engine, type EngineSettings, openEngine } from '../store/engine.js'
import { key } from './engine-case.js'
import { writeFile } from './observed-storage.js'
import { Random } from './random.js'

/** Some chunks. */
export const LARGE_BYTES = wholeBytesMax(CHUNK_SIZES) + 1_234_567

let kernel: Promise<Kernel> | undefined

export async function emptyStore(storage: Storage = memoryStorage(), options: EngineSettings = {}): Promise<Engine> {
  kernel ??= createKernel()
  return await openEngine(storage, { kernel: await kernel, ...options })
}

/** `size` bytes that differ from seed to seed. */
export function value(size: number, seed = 0): Uint8Array<ArrayBuffer> {
  return new Random(seed).bytes(size)
}

/** Small and large contents, two that share chunks, one that is also a chunk, replaced and deleted ones; chosen keys if wanted. */
export async function fullStore(chosen: boolean, options: EngineSettings = {}): Promise<Engine> {
  const store = await emptyStore(memoryStorage(), { maxSegmentSize: 1024 * 1024, ...options })
  await store.putMany([value(0), value(1), value(70_000)])
  const large = value(LARGE_BYTES)
  await store.put(large)
  const other = large.slice()
  other.set(value(1000, 9), LARGE_BYTES - 1000)
  await store.put(other)
  const gone = await store.put(value(300_000, 4))
  if (chosen) {
    await store.set(key(1), 'first')
    await store.set(key(1), 'then')
    await store.set(key(2), 'deleted')
    await store.delete(key(2))
  }
  await store.delete(gone)
  const [cover, small] = [await store.put(large), await store.put(value(1))]
  await store.refs.set('a large one', cover, { type: 'image/png' })
  await store.refs.set('a small one', cover)
  await store.refs.set('a small one', small)
  await store.refs.set('gone', small)
  await store.refs.delete('gone')
  return store
}

/** Everything in a store: key, size and SHA-256 of each content, and the names, sorted. */
export async function contentsOf(store: Engine): Promise<string[]> {
  const lines: string[] = []
  for await (const { key, size } of store.keys()) {
    const bytes = (await store.get(key)) ?? new Uint8Array()
    lines.push(`${key} ${size} ${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`)
  }
  for await (const { name, key, meta } of store.refs.list()) lines.push(`${name}: ${key} ${JSON.stringify(meta)}`)
  return lines.sort()
}

export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
}

/** The bytes as a stream, in pieces of an odd size. */
export function streamOf(bytes: Uint8Array, pieceBytes = 10_007): ReadableStream<Uint8Array> {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at + pieceBytes))
      else controller.close()
      at += pieceBytes
    },
  })
}

export type Files = Map<string, Uint8Array<ArrayBuffer>>

export async function filesIn(tar: Uint8Array<ArrayBuffer>): Promise<Files> {
  const entries = await unpackTar(tar, { strict: true })
  return new Map(entries.map(({ header, data }) => [header.name, data ?? new Uint8Array()]))
}

export async function tarOf(files: Files, ...more: TarEntry[]): Promise<Uint8Array<ArrayBuffer>> {
  const entries = [...files].map(([name, body]) => ({
    header: { name, size: body.length, type: 'file' as const },
    body,
  }))
  return await packTar([...entries, ...more])
}

export async function storageOf(files: Files): Promise<Storage> {
  const storage = memoryStorage()
  for (const [path, bytes] of files) await writeFile(storage, path, bytes)
  return storage
}
