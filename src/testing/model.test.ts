/** The short form of the run against the model; `npm run model` is the long one. */

import { expect, test } from 'vitest'
import { run } from './model-run.js'

const OPERATIONS = 40_000

test(`${OPERATIONS} operations answer as a Map does`, { timeout: 300_000 }, async () => {
  expect(await run({ seed: 1, count: OPERATIONS })).toBeGreaterThanOrEqual(OPERATIONS)
})
