/** Each way in which a browser's files fail, at each call of a workload, once and from there on: invariant 5. */

import { describe, expect, test } from 'vitest'
import { createKernel } from '../kernel/kernel.js'
import { RecyclingKernel } from './recycling-kernel.js'
import type { Fault } from './simulated-opfs.js'
import { endure } from './torture.js'

const STEPS = 10
const SEEDS = [1, 2]

describe.each<{ name: string; fault: Fault }>([
  { name: 'a call that the system refuses', fault: 'error' },
  { name: 'a call that throws QuotaExceededError (Chromium, full)', fault: 'quota' },
  { name: 'a write that answers a short count (Firefox, full)', fault: 'short' },
  { name: 'a write that answers 4294967288 (private windows of Chromium, full)', fault: 'number' },
  { name: 'a handle that the system has closed', fault: 'gone' },
])('$name', { timeout: 300_000 }, ({ fault }) => {
  test.each([
    { when: 'once', isLasting: false },
    { when: 'from any call on', isLasting: true },
  ])('$when changes nothing, and the store works on after it', async ({ isLasting }) => {
    const kernel = new RecyclingKernel(await createKernel())
    for (const seed of SEEDS) {
      let call = 0
      for (; ; call++) {
        const trial = { fault, call, isLasting }
        const wasHit = await endure(kernel, seed, STEPS, trial).catch((error) => {
          throw new Error(`seed ${seed}, call ${call}: ${error.message}`, { cause: error })
        })
        if (!wasHit) break
      }
      expect(call).toBeGreaterThan(15)
    }
  })
})
