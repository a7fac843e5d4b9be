/**
 * npm run damage -- [--openings N] [--seed S] [--minutes M] [--jobs J]
 *
 * The long form of the damaged lives: stores on the simulated disk that are damaged, live on, crash and are repaired, until they were opened N
 * times behind damage or a crash, or M minutes are over, in J processes. Prints rate and time left; a failure prints the line that
 * repeats it and exits with 1.
 */
import { runJobs } from './jobs.mjs'

await runJobs({ name: 'damage', unit: 'openings', flag: 'openings', otherwise: 10_000 })
