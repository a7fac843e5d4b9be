/** Seed after seed of a random run until enough was done or the time is over: what the torture run and those against models have in common. */

export interface RunOptions {
  /** The first seed, and the step to the next: processes that share the work take turns. */
  seed: number
  step?: number
  /** Stop after this much: crashes of the torture run, operations of the model run, calls of a page. */
  count: number
  /** Stop at this time (milliseconds as of Date.now), whatever was reached. */
  until?: number
  /** Called after each seed with what was done so far. */
  onSeed?: (seed: number, done: number) => void
}

/** `runSeed` does the same every time and answers how much that was. Throws at the first failure, with the seed in the message. */
export async function runSeeds(options: RunOptions, runSeed: (seed: number) => Promise<number>): Promise<number> {
  let done = 0
  for (let seed = options.seed; done < options.count; seed += options.step ?? 1) {
    if (options.until !== undefined && Date.now() >= options.until) break
    try {
      done += await runSeed(seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
    options.onSeed?.(seed, done)
  }
  return done
}
