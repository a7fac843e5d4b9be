/**
 * The run against the model: random operations on a store in memory, without crashes and without faults, each answer compared with what a
 * Map says; reopened now and then, also without its checkpoint, so that a replay of the whole log has to agree. One seed is one store and
 * does the same every time, so the seed alone repeats a failure. Called by the short form in the unit tests and by `npm run model`.
 */

import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { Random } from './random.js'
import { RecyclingKernel } from './recycling-kernel.js'
import { type RunOptions, runSeeds } from './seeds.js'
import { Workload } from './workload.js'
import { modelShape } from './workload-shape.js'

/** Operations on one store before the next seed has its turn. */
const OPERATIONS_A_SEED = 5000

/** Throws at the first failure, with the seed in the message; answers how many operations there were. */
export async function run(options: RunOptions): Promise<number> {
  const kernel = new RecyclingKernel(await createKernel())
  return await runSeeds(options, (seed) => runSeed(kernel, seed))
}

async function runSeed(kernel: RecyclingKernel, seed: number): Promise<number> {
  kernel.recycle()
  const random = new Random(seed)
  const workload = new Workload(memoryStorage(), kernel, random, modelShape(random))
  await workload.open()
  try {
    while (workload.operations < OPERATIONS_A_SEED) await workload.step()
    await workload.compareAlone()
    await workload.close()
  } catch (error) {
    throw new Error(`operation ${workload.operations}: ${(error as Error).message}`, { cause: error })
  }
  return workload.operations
}
