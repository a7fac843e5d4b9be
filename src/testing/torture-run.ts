/**
 * Seed after seed of the torture run until enough crashes were survived or the time is over. One seed is one unit: it does the same
 * every time, so the seed alone repeats a failure. Called by the short form in the unit tests and by `npm run torture`.
 */

import { createKernel } from '../kernel/kernel.js'
import { Random } from './random.js'
import { RecyclingKernel } from './recycling-kernel.js'
import { live, record, survive } from './torture.js'

export interface TortureOptions {
  /** The first seed, and the step to the next: processes that share the work take turns. */
  seed: number
  step?: number
  /** Stop after this many crashes. */
  crashes: number
  /** Stop at this time (milliseconds as of Date.now), whatever was reached. */
  until?: number
  onSeed?: (seed: number, crashes: number) => void
}

export interface TortureReport {
  seeds: number
  crashes: number
}

const STEPS = 25
const LIVES = 3
const CRASHES_A_LIFE = 30
/** Of the crash points, those whose recovery is itself stopped at every call. */
const DEEP_SHARE = 0.1

/** Throws at the first failure, with the seed in the message. */
export async function torture(options: TortureOptions): Promise<TortureReport> {
  const kernel = new RecyclingKernel(await createKernel())
  const report: TortureReport = { seeds: 0, crashes: 0 }
  for (let seed = options.seed; report.crashes < options.crashes; seed += options.step ?? 1) {
    if (options.until !== undefined && Date.now() >= options.until) break
    try {
      report.crashes += await tortureSeed(kernel, seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
    report.seeds++
    options.onSeed?.(seed, report.crashes)
  }
  return report
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
