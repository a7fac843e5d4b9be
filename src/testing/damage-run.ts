/**
 * Life after life of a store that is damaged again and again, until it was opened often enough behind damage or a crash, or the time is over. The
 * seed alone repeats a failure. Called by the short form in the unit tests and by `npm run damage`.
 */

import { createKernel } from '../kernel/kernel.js'
import { liveDamaged } from './damage-life.js'
import { RecyclingKernel } from './recycling-kernel.js'
import { type RunOptions, runSeeds } from './seeds.js'

const ROUNDS = 6

/** Throws at the first failure, with the seed in the message; answers how many openings there were. */
export async function run(options: RunOptions): Promise<number> {
  const kernel = new RecyclingKernel(await createKernel())
  return await runSeeds(options, (seed) => liveDamaged(kernel, seed, ROUNDS))
}
