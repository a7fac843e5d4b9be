/**
 * npm run page-model -- [--calls N] [--seed S] [--minutes M] [--jobs J]
 *
 * The long form of the run of the page's side: N random calls through a message port, or M minutes of them, each of which has to settle as it
 * may, in J processes. Prints rate and time left; a failure prints the line that repeats it and exits with 1.
 */
import { runJobs } from './jobs.mjs'

await runJobs({ name: 'page-model', unit: 'calls', flag: 'calls', otherwise: 100_000 })
