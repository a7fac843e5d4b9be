/** The short form of the damaged lives; `npm run damage` is the long one. */

import { expect, test } from 'vitest'
import { run } from './damage-run.js'

const OPENINGS = 2_000

test(`a store that is damaged lives on, crashes and is repaired: after each of ${OPENINGS} openings it has what is certain`, {
  timeout: 300_000,
}, async () => {
  expect(await run({ seed: 1, count: OPENINGS })).toBeGreaterThanOrEqual(OPENINGS)
})
