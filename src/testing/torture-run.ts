/**
 * Seed after seed of the torture run until enough crashes were survived or the time is over. One seed is one unit: it does the same
 * every time, so the seed alone repeats a failure. Called by the short form in the unit tests and by `npm run torture`.
 */

import { createKernel } from '../kernel/kernel.js'
import { Random } from './random.js'
import { RecyclingKernel } from './recycling-kernel.js'
import { type RunOptions, runSeeds } from './seeds.js'
import { live, record, survive } from './torture.js'

const STEPS = 25
const LIVES = 3
const CRASHES_A_LIFE = 30
/** Of the crash points, those whose recovery is itself stopped at every call. */
const DEEP_SHARE = 0.1

/** Throws at the first failure, with the seed in the message; answers how many crashes there were. */
export async function run(options: RunOptions): Promise<number> {
  const kernel = new RecyclingKernel(await createKernel())
  return await runSeeds(options, (seed) => tortureSeed(kernel, seed))
}

async function tortureSeed(kernel: RecyclingKernel, seed: number): Promise<number> {
  let crashes = 0
  const random = new Random(seed)
  for (const point of await record(kernel, seed, STEPS)) {
    crashes += await survive(kernel, point, random, random.chance(DEEP_SHARE) ? 2 : 1)
  }
  for (let life = 0; life < LIVES; life++) crashes += await live(kernel, random.next(), CRASHES_A_LIFE)
  return crashes
}
