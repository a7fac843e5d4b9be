/** Copying from one open store into another: what holds whatever fails on the way. How contents and names fare is in the tests of the formats. */

import { expect, test } from 'vitest'
import type { Engine } from '../store/engine.js'
import { emptyStore } from '../testing/exchange.js'
import type { Frozen } from '../types.js'
import { copyContents } from './copy.js'

/** A store that fails in one way. */
interface Failing {
  source: Partial<Engine>
  frozen?: Partial<Frozen>
}

test.each<[string, Failing]>([
  [
    'when its keys cannot be listed',
    {
      source: {
        keys: async function* () {
          yield await Promise.reject(new Error('the disk is gone'))
        },
      },
    },
  ],
  [
    'when its entries cannot be listed',
    { source: {}, frozen: { entries: () => Promise.reject(new Error('the disk is gone')) } },
  ],
])('a source is free again %s', async (_, { source, frozen }) => {
  const store = await emptyStore()
  const freeze = store.freeze.bind(store)
  let released = 0
  const failing = Object.assign(store, source, {
    freeze: async () => {
      const real = await freeze()
      const release = () => {
        released++
        real.release()
      }
      return { ...real, ...frozen, release }
    },
  })
  await expect(copyContents(failing, await emptyStore(), {})).rejects.toThrow('the disk is gone')
  expect(released).toBe(1)
})
