/**
 * The torture run: a generated workload, stopped at every call it makes to the disk, and what a crash there leaves, opened again.
 * It must hold exactly the transactions up to some commit, at least up to the last one acknowledged as durable; a full replay
 * must give the same index; and the next transaction must work. The recovery is itself stopped at every call, to any depth.
 */

import type { Kernel } from '../kernel/kernel.js'
import { openEngine } from '../store/engine.js'
import { Random } from './random.js'
import type { RecyclingKernel } from './recycling-kernel.js'
import { type Loss, SimulatedDisk, type Snapshot } from './simulated-disk.js'
import { type Model, readAll, sameModel, SEGMENT_BYTES, Workload } from './workload.js'

export interface CrashPoint {
  snapshot: Snapshot
  /** The states that may be found: history[from] to history[to]. */
  from: number
  to: number
  /** What happened, for the report: the number of the call. */
  call: number
}

export interface Torture {
  history: Model[]
  points: CrashPoint[]
}

/** Runs the workload of this seed once, keeping the disk as it was before each of its calls. */
export async function record(kernel: Kernel, seed: number, steps: number): Promise<Torture> {
  const disk = new SimulatedDisk()
  const workload = new Workload(disk, kernel, seed)
  const points: CrashPoint[] = []
  disk.onCall = (call) => {
    if (call === 'read' || call === 'list' || call === 'close') return // they change nothing
    points.push({
      snapshot: disk.snapshot(),
      from: workload.acknowledged,
      to: workload.history.length - 1,
      call: points.length,
    })
  }
  await workload.open()
  for (let step = 0; step < steps; step++) await workload.step()
  await workload.close()
  return { history: workload.history, points }
}

/** Crashes at one point and opens again; answers how many points were tried (the recovery's own included). */
export async function survive(
  kernel: RecyclingKernel,
  torture: Torture,
  point: CrashPoint,
  seed: number,
  depth: number,
): Promise<number> {
  kernel.recycle()
  const random = new Random(seed)
  const loss: Loss = random.pick(['nothing', 'everything', 'something', 'something', 'something'])
  const disk = SimulatedDisk.crash(point.snapshot, random, loss)
  const before = disk.contents()
  const inside: CrashPoint[] = []
  disk.onCall = (call) => {
    if (depth <= 1 || call === 'read' || call === 'list' || call === 'close') return
    inside.push({ ...point, snapshot: disk.snapshot(), call: inside.length })
  }
  const at = `seed ${seed}, call ${point.call}, loss ${loss}`
  try {
    await verify(disk, kernel, torture.history, point, () => {
      disk.onCall = () => {}
    })
  } catch (error) {
    throw new Error(`${at}: ${(error as Error).message}\n${describe(before)}`, { cause: error })
  }
  let tried = 1
  for (const again of inside) {
    tried += await survive(kernel, torture, again, random.next(), depth - 1)
  }
  return tried
}

async function verify(
  disk: SimulatedDisk,
  kernel: Kernel,
  history: Model[],
  point: CrashPoint,
  opened: () => void,
): Promise<void> {
  const options = { kernel, maxSegmentSize: SEGMENT_BYTES, random: (bytes: Uint8Array) => bytes.fill(7) }
  const engine = await openEngine(disk, options)
  opened()
  if (engine.recovery.damaged.some(({ kind }) => kind === 'entry' || kind === 'segment')) {
    throw new Error(`a crash was taken for damage: ${JSON.stringify(engine.recovery.damaged)}`)
  }
  const held = await readAll(engine)
  let found: Model | undefined
  for (let n = point.to; n >= point.from && !found; n--) {
    if (sameModel(held, history[n] as Model)) found = history[n]
  }
  if (!found) throw new Error(`what is found is no committed state from ${point.from} to ${point.to}`)
  await expectClean(engine)
  const extra = new Uint8Array([1, 2, 3])
  const key = 'f'.repeat(64)
  await engine.set(key, extra)
  await engine.close()
  const again = await openEngine(disk, options)
  if (!sameModel(await readAll(again), new Map([...found, [key, extra]]))) throw new Error('the next transaction was lost')
  await expectClean(again)
  await again.close()
}

async function expectClean(engine: Awaited<ReturnType<typeof openEngine>>): Promise<void> {
  const { findings } = await engine.check()
  if (findings.length > 0) throw new Error(`check is not clean: ${JSON.stringify(findings.slice(0, 5))}`)
}

function describe(contents: Map<string, Uint8Array>): string {
  return [...contents].map(([path, bytes]) => `  ${path}: ${bytes.length} bytes`).join('\n')
}
