/**
 * The torture run, in two forms. `record` and `survive`: a generated workload is stopped at every call it makes to the disk, and what
 * a crash there leaves is opened again; the recovery is itself stopped at every call, to any depth. `live`: one store goes through crash after crash,
 * and through calls that fail, and works on in between. `endure`: no crash, but one call, or every call from one on, fails in one way.
 *
 * What must hold each time: it opens and takes no crash for damage; it holds exactly the transactions up to some commit, at
 * least up to the last one acknowledged as durable; a full replay gives the same index; the next transaction works.
 */

import { isStoreError, type StoreError } from '../errors.js'
import { README_FILE } from '../format/paths.js'
import type { Kernel } from '../kernel/kernel.js'
import { type Engine, openEngine } from '../store/engine.js'
import { differencesOf, draftOf, EMPTY, readState, type State, sameState } from './model.js'
import { Random } from './random.js'
import type { RecyclingKernel } from './recycling-kernel.js'
import { type Loss, SimulatedDisk, type Snapshot } from './simulated-disk.js'
import { type Call, changesDisk, FAULTS, type Fault } from './simulated-opfs.js'
import { Workload } from './workload.js'
import { poolOf } from './workload-draws.js'
import { ENGINE_OPTIONS, TORTURE_SHAPE } from './workload-shape.js'
import { expectNoLeftovers } from './workload-uploads.js'

export interface CrashPoint {
  snapshot: Snapshot
  /** The states that may be found. */
  possible: State[]
  /** The number of the call before which the crash comes. */
  call: number
}

const LOSSES: readonly Loss[] = ['nothing', 'everything', 'something', 'something', 'something']

/** Runs the workload of this seed once, keeping the disk as it was before each of its calls. */
export async function record(kernel: RecyclingKernel, seed: number, steps: number): Promise<CrashPoint[]> {
  kernel.recycle()
  const disk = new SimulatedDisk()
  const workload = new Workload(disk, kernel, new Random(seed), TORTURE_SHAPE)
  const points: CrashPoint[] = []
  disk.onCall = (call) => {
    if (!changesDisk(call)) return undefined
    points.push({ snapshot: disk.snapshot(), possible: workload.possible, call: points.length })
    return undefined
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
    if (depth <= 1 || !changesDisk(call)) return undefined
    inside.push({ ...point, snapshot: disk.snapshot(), call: inside.length })
    return undefined
  }
  try {
    const engine = await openAgain(disk, kernel)
    disk.onCall = () => undefined
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

/** What every call meets from the moment on at which the machine of `live` stops. */
class Crash extends Error {}

/** The driver takes it for an error of the platform, like any other; so it comes back as a cause. */
function isCrash(error: unknown): boolean {
  return error instanceof Crash || (error instanceof Error && isCrash(error.cause))
}

/** One store's life: `crashes` crashes at random calls, calls that fail in between; answers the number of crashes. */
export async function live(kernel: RecyclingKernel, seed: number, crashes: number): Promise<number> {
  const random = new Random(seed)
  let disk = new SimulatedDisk()
  let start: State = EMPTY
  for (let crash = 0; crash < crashes; crash++) {
    kernel.recycle()
    let isCalm = false
    let snapshot: Snapshot | undefined
    const calm = async (look: () => Promise<void>) => {
      isCalm = true
      try {
        await look()
      } catch (error) {
        // What stopped the machine may have met what the store does between commits, where nobody is told.
        throw snapshot ? new Crash('the machine has stopped') : error
      } finally {
        isCalm = false
      }
    }
    const workload = new Workload(disk, kernel, random, TORTURE_SHAPE, { start, undisturbed: calm })
    const fails = random.chance(0.5) ? randomFaults(random) : () => undefined
    let left = random.below(120)
    disk.kept = (bytes) => random.below(bytes + 1)
    disk.onCall = (call, path) => {
      if (changesDisk(call) && left-- <= 0) {
        snapshot ??= disk.snapshot()
        throw new Crash('the machine stops')
      }
      return isCalm ? undefined : fails(faultsAt(call, path))
    }
    try {
      for (;;) await attempt(workload, disk)
    } catch (error) {
      if (!isCrash(error)) throw told(error, seed, crash)
    }
    const possible = workload.possible
    // The memory of the stopped store is used again.
    await allEnded()
    disk = SimulatedDisk.crash(snapshot ?? disk.snapshot(), random, random.pick(LOSSES))
    const before = sizes(disk.contents())
    try {
      kernel.recycle()
      const engine = await openAgain(disk, kernel)
      start = await expectOneOf(engine, possible)
      if (random.chance(0.5)) start = await expectWorks(disk, kernel, engine, start)
      else disk = await killed(disk, engine, random)
    } catch (error) {
      throw told(error, seed, crash, before)
    }
  }
  return crashes
}

/** A store whose lock is gone has to be opened anew (the cases in faults.test.ts); any other handle it opens anew itself. */
function faultsAt(call: Call, path: string): readonly Fault[] {
  return path === README_FILE ? FAULTS[call].filter((fault) => fault !== 'gone') : FAULTS[call]
}

/** Now and then a call fails, of those that can; now and then all of them for a while, in the same way. */
function randomFaults(random: Random): (ways: readonly Fault[]) => Fault | undefined {
  let lasting: Fault | undefined
  let left = 0
  return (ways) => {
    if (left > 0 && lasting !== undefined) {
      left--
      return ways.includes(lasting) ? lasting : undefined
    }
    if (ways.length === 0 || !random.chance(0.04)) return undefined
    const fault = random.pick(ways)
    if (random.chance(0.2)) {
      lasting = fault
      left = random.below(30)
    }
    return fault
  }
}

export interface Trial {
  fault: Fault
  /** Which of the calls that can fail in this way does, from 0; with `isLasting` all from there on. */
  call: number
  isLasting: boolean
}

/**
 * Runs a workload of so many steps in which one call fails, or all from one on: what fails changes nothing, and what comes after the last
 * failing call succeeds. Answers false when the workload makes fewer calls than that.
 */
export async function endure(kernel: RecyclingKernel, seed: number, steps: number, trial: Trial): Promise<boolean> {
  kernel.recycle()
  const disk = new SimulatedDisk()
  const workload = new Workload(disk, kernel, new Random(seed), TORTURE_SHAPE, {
    undisturbed: (look) => undisturbed(disk, look),
  })
  let calls = 0
  disk.onCall = (call, path) => {
    if (!faultsAt(call, path).includes(trial.fault)) return undefined
    const isHit = trial.isLasting ? calls >= trial.call : calls === trial.call
    calls++
    return isHit ? trial.fault : undefined
  }
  let failures = 0
  for (let step = 0; step < steps; step++) {
    if (await attempt(workload, disk)) continue
    failures++
    if (!trial.isLasting && failures > 1) throw new Error('one call failed, and two steps')
  }
  disk.onCall = () => undefined
  for (let step = 0; step < 5; step++) {
    if (!(await attempt(workload, disk))) throw new Error('a step failed after the last call that did')
  }
  if (!workload.isOpen) await workload.open()
  await workload.compare()
  await workload.compareAlone()
  await workload.close()
  await workload.open()
  await workload.compare()
  await workload.close()
  return calls > trial.call
}

/** The disk refused: also where what could not be read for that reason is called damaged. */
function isRefusal(error: unknown): error is StoreError {
  if (isStoreError(error, 'CORRUPT')) return isStoreError(error.cause, 'IO')
  return isStoreError(error, 'IO') || isStoreError(error, 'QUOTA')
}

/** Takes one step; false when it failed, which must have changed nothing that a reader can see. */
async function attempt(workload: Workload, disk: SimulatedDisk): Promise<boolean> {
  try {
    if (!workload.isOpen) {
      await workload.open()
      await undisturbed(disk, () => workload.settle())
    }
    await workload.step()
    return true
  } catch (error) {
    if (!isRefusal(error) || isCrash(error)) throw error
    if (!workload.isOpen) return false
    const held = await undisturbed(disk, () => readState(workload.engine))
    const changes = differencesOf(held, workload.model)
    if (changes.length > 0)
      throw new Error(`a call that failed (${error.message}) changed the store: ${changes.join()}`)
    return false
  }
}

/** Runs `look` while no call fails and no machine stops. */
async function undisturbed<T>(disk: SimulatedDisk, look: () => Promise<T>): Promise<T> {
  // A call that has failed already, of what goes on behind the step, is not to be met by `look`.
  await allEnded()
  const { onCall } = disk
  disk.onCall = () => undefined
  disk.room = (bytes) => bytes
  try {
    return await look()
  } finally {
    disk.onCall = onCall
  }
}

/** The hash seed changes nothing that anybody sees; with one that is always the same, a seed repeats all of a run. */
async function openAgain(disk: SimulatedDisk, kernel: Kernel): Promise<Engine> {
  return await openEngine(disk, { ...ENGINE_OPTIONS, kernel, random: (bytes) => bytes.fill(7) })
}

/** The disk as a killed process leaves it: what it had handed to the system is there. */
async function killed(disk: SimulatedDisk, engine: Engine, random: Random): Promise<SimulatedDisk> {
  const left = SimulatedDisk.crash(disk.snapshot(), random, 'nothing')
  await engine.close()
  return left
}

/** Until what the store still has under way has ended, or run into its own failure. */
async function allEnded(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

async function expectOneOf(engine: Engine, possible: State[]): Promise<State> {
  if (engine.recovery.damaged.some(({ kind }) => kind === 'entry' || kind === 'segment')) {
    throw new Error(`a crash was taken for damage: ${JSON.stringify(engine.recovery.damaged)}`)
  }
  const held = await readState(engine)
  const found = possible.find((model) => sameState(held, model))
  if (found === undefined) {
    const nearest = possible[0] && differencesOf(held, possible[0])
    throw new Error(
      `what is found is none of the ${possible.length} committed states; of the newest: ${nearest?.join()}`,
    )
  }
  expectNamesHold(found)
  await expectClean(engine)
  return found
}

function expectNamesHold({ contents, refs }: State): void {
  for (const [name, key] of refs) if (!contents.has(key)) throw new Error(`${name} points to what is not there`)
}

/** The next transaction works and lasts, and nothing is left of uploads that the crash cut off; closes the store. Answers the state it leaves. */
async function expectWorks(disk: SimulatedDisk, kernel: Kernel, engine: Engine, found: State): Promise<State> {
  const key = 'f'.repeat(64)
  const value = new Uint8Array([1, 2, 3])
  await engine.set(key, value)
  const expected = draftOf(found)
  expected.contents.set(key, value)
  await expectNoLeftovers(engine, poolOf(TORTURE_SHAPE), expected.contents)
  await engine.close()
  const again = await openAgain(disk, kernel)
  if (!sameState(await readState(again), expected)) throw new Error('the transaction after the crash was lost')
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
