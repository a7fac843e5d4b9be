/**
 * npm run torture -- [--points N] [--seed S] [--minutes M] [--jobs J]
 *
 * The long form of the torture run: crashes on the simulated disk until N points (crashes) are survived or M minutes are over, in J
 * processes. Prints rate and time left; a failure prints the line that repeats it and exits with 1.
 */
import { runJobs } from './jobs.mjs'

await runJobs({ name: 'torture', unit: 'crashes', flag: 'points', otherwise: 10_000 })
