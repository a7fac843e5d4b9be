/**
 * Damage to a small store: bits flipped, files cut, lost, doubled, swapped. Whatever is done, the store must open; no value may be
 * wrong; what is lost must be said; and nothing may be lost but what the damage touches.
 */

import { isStoreError } from '../errors.js'
import { ENTRY, MAGIC_BYTES, TAG } from '../format/entry.js'
import { keyHex } from '../format/key.js'
import { RESERVE_FILE } from '../format/paths.js'
import { type Engine, openEngine } from '../store/engine.js'
import { readAll } from './model.js'
import { Random } from './random.js'
import type { RecyclingKernel } from './recycling-kernel.js'
import { SimulatedDisk, type Snapshot } from './simulated-disk.js'
import { changesDisk } from './simulated-opfs.js'

/** A close writes no checkpoint over one that is not older than a few hundred bytes. */
const OPTIONS = { maxSegmentSize: 1024, checkpointBytes: 192 * 1024 }

export type Files = Map<string, Uint8Array>

export interface Specimen {
  files: Files
  /** What the store holds. */
  values: Map<string, Uint8Array>
  /** Keys that were deleted. */
  deleted: string[]
  /** Keys whose content is not what they are named after: an older value can't be told from the newest. */
  chosen: Set<string>
}

/** A store of several segments with replaced, deleted and compacted entries, and a checkpoint: with a log behind it, or of all there is. */
export async function specimen(kernel: RecyclingKernel, checkpointOf: 'a part' | 'all'): Promise<Specimen> {
  kernel.recycle()
  const random = new Random(7)
  const disk = new SimulatedDisk()
  const name = (i: number) => `c${'0'.repeat(62)}${i}`
  const options = { ...OPTIONS, kernel, random: (bytes: Uint8Array) => bytes.set(random.bytes(bytes.length)) }
  let engine = await openEngine(disk, options)
  const contents: string[] = []
  for (let i = 0; i < 6; i++) contents.push(await engine.put(random.bytes(60 + 40 * i)))
  for (let i = 0; i < 6; i++) await engine.set(name(i), random.bytes(50))
  await engine.deleteMany([contents[0] as string, contents[1] as string, name(5)])
  await engine.compact()
  await engine.set(name(0), random.bytes(70))
  await engine.close()
  engine = await openEngine(disk, options)
  await engine.transaction(async (tx) => {
    await tx.set(name(1), random.bytes(90))
    await tx.delete(name(4))
    contents.push(await tx.put(random.bytes(200)))
  })
  await engine.delete(contents[2] as string)
  await engine.set(name(2), random.bytes(20))
  await engine.set(name(2), random.bytes(30))
  const values = new Map(await readAll(engine))
  await engine.close()
  if (checkpointOf === 'all') await (await openEngine(disk, { ...options, checkpointBytes: 1 })).close()
  const deleted = [...contents, ...Array.from({ length: 6 }, (_, i) => name(i))].filter((key) => !values.has(key))
  // The reserve holds nothing: there is nothing in it to damage, and losing it is what it is for.
  const files = new Map([...disk.contents()].filter(([path]) => path !== RESERVE_FILE))
  return { files, values, deleted, chosen: new Set(Array.from({ length: 6 }, (_, i) => name(i))) }
}

export function isSegment(path: string): boolean {
  return path.startsWith('data/')
}

/** The same files without the checkpoint: the log alone has to do. */
export function withoutCheckpoint(files: Files): Files {
  return new Map([...files].filter(([path]) => !path.startsWith('index.')))
}

/** The keys of the entries that have a byte in [from, to) of a segment, the store's own among them. */
export function keysTouched(files: Files, path: string, from: number, to: number): Set<string> {
  const keys = new Set<string>()
  const bytes = files.get(path)
  if (bytes === undefined || !isSegment(path)) return keys
  for (const { at, size } of entriesIn(bytes)) {
    const hasKey = bytes[at + ENTRY.tag] !== TAG.commit
    if (hasKey && at < to && at + size > from) keys.add(keyHex(bytes, at + ENTRY.key))
  }
  return keys
}

/** Where each entry of a good segment stands. (What a repair gave up may still be there, and is no good one: then those in front of the damage.) */
export function* entriesIn(segment: Uint8Array): Generator<{ at: number; size: number }> {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.length)
  for (let at = MAGIC_BYTES; at + ENTRY.headerBytes <= segment.length; ) {
    const size = view.getUint32(at + ENTRY.size, true)
    if (size < ENTRY.headerBytes) return
    yield { at, size }
    at += size
  }
}

/** Repairs the damaged store: what could be read before is there afterwards, all else is gone, and nothing is left to be found. */
export async function mend(kernel: RecyclingKernel, whole: Specimen, files: Files, verdict: Verdict): Promise<void> {
  kernel.recycle()
  const disk = SimulatedDisk.of(files)
  const before = await openEngine(disk, { ...OPTIONS, kernel })
  await repaired(before, whole, verdict)
  await before.close()
  const after = await openEngine(disk, { ...OPTIONS, kernel })
  if (after.recovery.damaged.length > 0) throw new Error(`after repair: ${JSON.stringify(after.recovery.damaged)}`)
  for (const [key, value] of whole.values) {
    const got = await after.get(key)
    if (got && Buffer.compare(got, value) !== 0) throw new Error(`after repair, a wrong value of ${key}`)
    if (!got && !verdict.touched.has(key) && !(verdict.mayDoubt && whole.chosen.has(key))) {
      throw new Error(`the repair lost ${key}, which was not touched`)
    }
  }
  await expectClean(after)
  await after.close()
}

/** Repairs at every point at which a repair can be interrupted; each time the next one must end the work. */
export async function mendInterrupted(
  kernel: RecyclingKernel,
  whole: Specimen,
  files: Files,
  verdict: Verdict,
): Promise<number> {
  kernel.recycle()
  const disk = SimulatedDisk.of(files)
  const engine = await openEngine(disk, { ...OPTIONS, kernel })
  const snapshots: Snapshot[] = []
  disk.onCall = (call) => {
    if (changesDisk(call)) snapshots.push(disk.snapshot())
    return undefined
  }
  await engine.check({ repair: true })
  disk.onCall = () => undefined
  await engine.close()
  const random = new Random(1)
  for (const snapshot of snapshots) {
    const left = SimulatedDisk.crash(snapshot, random, random.pick(['nothing', 'everything', 'something'] as const))
    await mend(kernel, whole, left.contents(), verdict)
  }
  return snapshots.length
}

async function repaired(engine: Engine, whole: Specimen, { touched, mayDoubt }: Verdict): Promise<void> {
  const readable = new Map<string, Uint8Array>()
  for (const key of whole.values.keys()) {
    const got = await attempt(engine, key)
    if (got instanceof Uint8Array) readable.set(key, got)
  }
  const report = await engine.check({ repair: true })
  if (!report.clean) throw new Error(`the repair left something: ${JSON.stringify((await engine.check()).findings)}`)
  await expectClean(engine)
  for (const [key, value] of readable) {
    const got = await engine.get(key)
    if (!got || Buffer.compare(got, value) !== 0) throw new Error(`the repair lost ${key}`)
  }
  for (const key of report.repaired?.lost ?? []) {
    if (whole.values.has(key) && !touched.has(key) && !mayDoubt) throw new Error(`the repair gave up ${key}`)
  }
}

async function expectClean(engine: Engine): Promise<void> {
  const { findings } = await engine.check()
  if (findings.length > 0) throw new Error(`the second check is not clean: ${JSON.stringify(findings.slice(0, 3))}`)
}

export interface Verdict {
  /** Keys that can be lost. */
  touched: Set<string>
  /** A checkpoint that is not there, or was never finished, costs time only: nobody has to say so. */
  silent?: boolean
  /** Chosen keys may be refused as well: a lost entry may have replaced any of them. */
  mayDoubt: boolean
}

/** Opens the damaged store, twice, with a put in between, and throws when anything promised does not hold. */
export async function examine(kernel: RecyclingKernel, whole: Specimen, files: Files, verdict: Verdict): Promise<void> {
  kernel.recycle()
  const disk = SimulatedDisk.of(files)
  const first = await openEngine(disk, { ...OPTIONS, kernel })
  await judge(first, whole, verdict)
  const isSaid = first.recovery.damaged.length > 0 || !(await first.check()).clean
  if (!isSaid && !verdict.silent) throw new Error('neither opening nor check sees it')
  const added = await first.put('added behind the damage')
  await first.close()
  const second = await openEngine(disk, { ...OPTIONS, kernel })
  await judge(second, whole, verdict)
  if ((await second.get(added)) === undefined) throw new Error('what was put behind the damage is lost')
  await second.close()
}

async function judge(engine: Engine, whole: Specimen, { touched, mayDoubt }: Verdict): Promise<void> {
  const saysDamage = engine.recovery.damaged.length > 0
  for (const [key, value] of whole.values) {
    const got = await attempt(engine, key)
    if (got instanceof Uint8Array) {
      if (Buffer.compare(got, value) !== 0) throw new Error(`a wrong value of ${key}`)
      continue
    }
    if (got === undefined && !saysDamage) throw new Error(`${key} is lost and nothing is said`)
    const mayLose = touched.has(key) || (mayDoubt && got === 'refused' && whole.chosen.has(key))
    if (!mayLose) throw new Error(`${key} is ${got ?? 'lost'} and was not touched`)
  }
  for (const key of whole.deleted) {
    const got = await attempt(engine, key)
    if (got instanceof Uint8Array && whole.chosen.has(key)) throw new Error(`the deleted ${key} has a value again`)
    if (got instanceof Uint8Array && !saysDamage) throw new Error(`the deleted ${key} is back and nothing is said`)
  }
}

async function attempt(engine: Engine, key: string): Promise<Uint8Array | 'refused' | undefined> {
  try {
    return await engine.get(key)
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error
    const { where } = error
    if (where?.key !== key || where.segment === undefined || where.offset === undefined) {
      throw new Error(`the error of ${key} does not say where`, { cause: error })
    }
    return 'refused'
  }
}
