/** The queue of writers, where a fault of the store itself is met between two of them. */

import { expect, test } from 'vitest'
import { WriteQueue } from './queue.js'
import type { Staging } from './staging.js'

test('when what makes room on a full disk is broken itself, the write fails with what it met, and all later ones with what is broken', async () => {
  const staging = { transact: () => Promise.reject(new Error('full')) } as unknown as Staging
  const nothing = () => Promise.resolve()
  const queue = new WriteQueue(staging, nothing, () => Promise.reject(new Error('broken')))
  const write = () => queue.write(true, () => undefined, nothing)
  await expect(write()).rejects.toThrow('full')
  await expect(write()).rejects.toThrow('broken')
})
