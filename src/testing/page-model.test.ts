/** The short form of the run of the page's side; `npm run page-model` is the long one. */

import { expect, test } from 'vitest'
import { run } from './page-model-run.js'

const CALLS = 8000

test(`${CALLS} calls of a page settle as they may, and what was acknowledged is there`, {
  timeout: 300_000,
}, async () => {
  expect(await run({ seed: 1, count: CALLS })).toBeGreaterThanOrEqual(CALLS)
})
