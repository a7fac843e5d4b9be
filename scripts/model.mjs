/**
 * npm run model -- [--operations N] [--seed S] [--minutes M] [--jobs J]
 *
 * The long form of the run against the model: N random operations, or M minutes of them, each answer compared with a Map's, in J
 * processes. Prints rate and time left; a failure prints the line that repeats it and exits with 1.
 */
import { runJobs } from './jobs.mjs'

await runJobs({ name: 'model', unit: 'operations', flag: 'operations', otherwise: 1_000_000 })
