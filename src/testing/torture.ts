/**
 * The torture run, in two forms. `record` and `survive`: a generated workload is stopped at every call it makes to the disk, and what
 * a crash there leaves is opened again; the recovery is itself stopped at every call, to any depth. `live`: one store goes through crash after crash,
 * and through calls that fail, and works on in between.
 *
 * What must hold each time: it opens and takes no crash for damage; it holds exactly the transactions up to some commit, at
 * least up to the last one acknowledged as durable; a full replay gives the same index; the next transaction works.
 */

import { isStoreError, StoreError } from '../errors.js'
import type { Kernel } from '../kernel/kernel.js'
import { type Engine, openEngine } from '../store/engine.js'
import { Random } from './random.js'
import type { RecyclingKernel } from './recycling-kernel.js'
import { type Loss, SimulatedDisk, type Snapshot } from './simulated-disk.js'
import { changesDisk } from './simulated-opfs.js'
import { ENGINE_OPTIONS, type Model, readAll, sameModel, Workload } from './workload.js'

export interface CrashPoint {
  snapshot: Snapshot
  /** The states that may be found. */
  possible: Model[]
  /** The number of the call before which the crash comes. */
  call: number
}

const LOSSES: readonly Loss[] = ['nothing', 'everything', 'something', 'something', 'something']

/** Runs the workload of this seed once, keeping the disk as it was before each of its calls. */
export async function record(kernel: RecyclingKernel, seed: number, steps: number): Promise<CrashPoint[]> {
  kernel.recycle()
  const disk = new SimulatedDisk()
  const workload = new Workload(disk, kernel, new Random(seed))
  const points: CrashPoint[] = []
  disk.onCall = (call) => {
    if (!changesDisk(call)) return
    points.push({ snapshot: disk.snapshot(), possible: workload.possible, call: points.length })
  }
  await workload.open()
  for (let step = 0; step < steps; step++) await workload.step()
  await workload.close()
  return points
}

/** Crashes at one point and opens again; answers how many crashes that were, those inside the recovery included. */
export async function survive(
  kernel: RecyclingKernel,
  point: CrashPoint,
  random: Random,
  depth: number,
): Promise<number> {
  kernel.recycle()
  const loss = random.pick(LOSSES)
  const disk = SimulatedDisk.crash(point.snapshot, random, loss)
  const before = disk.contents()
  const inside: CrashPoint[] = []
  disk.onCall = (call) => {
    if (depth <= 1 || !changesDisk(call)) return
    inside.push({ ...point, snapshot: disk.snapshot(), call: inside.length })
  }
  try {
    const engine = await openEngine(disk, { ...ENGINE_OPTIONS, kernel })
    disk.onCall = () => {}
    const found = await expectOneOf(engine, point.possible)
    await expectWorks(disk, kernel, engine, found)
  } catch (error) {
    throw new Error(`call ${point.call}, loss of ${loss}: ${(error as Error).message}\n${sizes(before)}`, {
      cause: error,
    })
  }
  let crashes = 1
  for (const again of inside) crashes += await survive(kernel, again, random, depth - 1)
  return crashes
}

/** What a call of a store that goes through `live` can meet. */
class Crash extends Error {}

/** One store's life: `crashes` crashes at random calls, calls that fail in between; answers the number of crashes. */
export async function live(kernel: RecyclingKernel, seed: number, crashes: number): Promise<number> {
  const random = new Random(seed)
  let disk = new SimulatedDisk()
  let start: Model = new Map()
  for (let crash = 0; crash < crashes; crash++) {
    kernel.recycle()
    const workload = new Workload(disk, kernel, random, start)
    const faulty = random.chance(0.5)
    let left = random.below(120)
    let snapshot: Snapshot | undefined
    disk.onCall = (call) => {
      if (!changesDisk(call)) return
      if (left-- <= 0) {
        snapshot ??= disk.snapshot()
        throw new Crash('the machine stops')
      }
      if (faulty && random.chance(0.05)) throw new StoreError(random.pick(['IO', 'QUOTA']), `${call} fails`)
    }
    // A write that fails leaves a part of itself behind.
    disk.room = (bytes) => (faulty && random.chance(0.03) ? random.below(bytes) : bytes)
    try {
      await run(workload, disk)
    } catch (error) {
      if (!(error instanceof Crash || (error as Error).cause instanceof Crash)) throw told(error, seed, crash)
    }
    const possible = workload.possible
    await allEnded()
    disk = SimulatedDisk.crash(snapshot ?? disk.snapshot(), random, random.pick(LOSSES))
    const before = sizes(disk.contents())
    try {
      kernel.recycle()
      const engine = await openEngine(disk, { ...ENGINE_OPTIONS, kernel })
      start = await expectOneOf(engine, possible)
      if (random.chance(0.5)) start = await expectWorks(disk, kernel, engine, start)
      else disk = await killed(disk, engine, random)
    } catch (error) {
      throw told(error, seed, crash, before)
    }
  }
  return crashes
}

/** Works until the machine stops. A call that fails must have changed nothing that a reader can see. */
async function run(workload: Workload, disk: SimulatedDisk): Promise<never> {
  for (;;) {
    try {
      if (!workload.isOpen) {
        await workload.open()
        await undisturbed(disk, () => workload.settle())
      }
      await workload.step()
    } catch (error) {
      if (!isStoreError(error, 'IO') && !isStoreError(error, 'QUOTA')) throw error
      if (error.cause instanceof Crash) throw error
      if (!workload.isOpen) continue
      const held = await undisturbed(disk, () => readAll(workload.engine))
      if (!sameModel(held, workload.history.at(-1) as Model)) {
        throw new Error(`a call that failed (${error.message}) changed the store`)
      }
    }
  }
}

/** Runs `look` while no call fails and no machine stops. */
async function undisturbed<T>(disk: SimulatedDisk, look: () => Promise<T>): Promise<T> {
  const { onCall, room } = disk
  disk.onCall = () => {}
  disk.room = (bytes) => bytes
  try {
    return await look()
  } finally {
    disk.onCall = onCall
    disk.room = room
  }
}

/** The disk as a killed process leaves it: what it had handed to the system is there. */
async function killed(disk: SimulatedDisk, engine: Engine, random: Random): Promise<SimulatedDisk> {
  const left = SimulatedDisk.crash(disk.snapshot(), random, 'nothing')
  await engine.close()
  return left
}

/** Until what the stopped store still had under way has run into its own failure: its memory is used again. */
async function allEnded(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

async function expectOneOf(engine: Engine, possible: Model[]): Promise<Model> {
  if (engine.recovery.damaged.some(({ kind }) => kind === 'entry' || kind === 'segment')) {
    throw new Error(`a crash was taken for damage: ${JSON.stringify(engine.recovery.damaged)}`)
  }
  const held = await readAll(engine)
  const found = possible.find((model) => sameModel(held, model))
  if (found === undefined) throw new Error(`what is found is none of the ${possible.length} committed states`)
  await expectClean(engine)
  return found
}

/** The next transaction works and lasts; closes the store. Answers the state it leaves. */
async function expectWorks(disk: SimulatedDisk, kernel: Kernel, engine: Engine, found: Model): Promise<Model> {
  const key = 'f'.repeat(64)
  const value = new Uint8Array([1, 2, 3])
  await engine.set(key, value)
  await engine.close()
  const expected = new Map([...found, [key, value]])
  const again = await openEngine(disk, { ...ENGINE_OPTIONS, kernel })
  if (!sameModel(await readAll(again), expected)) throw new Error('the transaction after the crash was lost')
  await expectClean(again)
  await again.close()
  return expected
}

async function expectClean(engine: Engine): Promise<void> {
  const { findings } = await engine.check()
  if (findings.length > 0) throw new Error(`check is not clean: ${JSON.stringify(findings.slice(0, 5))}`)
}

function told(error: unknown, seed: number, crash: number, files = ''): Error {
  return new Error(`life ${seed}, crash ${crash}: ${(error as Error).message}\n${files}`, { cause: error })
}

function sizes(contents: Map<string, Uint8Array>): string {
  return [...contents].map(([path, bytes]) => `  ${path}: ${bytes.length} bytes`).join('\n')
}
