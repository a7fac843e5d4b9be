/** The changes that a damaged life makes: each draws what it does, and says what is known of the store once it is committed. */

import type { Engine } from '../store/engine.js'
import type { Transaction } from '../types.js'
import { type Known, named } from './damage-certainty.js'
import type { Random } from './random.js'
import type { Pool } from './workload-contents.js'

export const CHOSEN = Array.from({ length: 6 }, (_, i) => `c${'0'.repeat(62)}${i}`)
export const NAMES = ['latest', 'a/b', 'a/c', 'Ω']
const SIZES = [0, 1, 30, 200, 700]

export interface Change {
  /** For who reads of a failure. */
  what: string
  make(target: Engine | Transaction): Promise<unknown>
}

/** Draws a change of a store of which so much is known, and notes it there. `isBehindGap`: what is written now may be doubted as soon as the store meets its damage. */
export function drawChange(random: Random, pool: Pool, known: Known, isBehindGap: boolean): Change {
  const { contents, refs } = known
  const settle = (thing: string) => {
    known.unsure.delete(thing)
    if (!isBehindGap) known.doubted.delete(thing)
  }
  switch (random.below(8)) {
    case 0:
    case 1: {
      // What is there already is not written anew, so it stays as uncertain as it was.
      const { key, bytes } = random.pick(random.chance(0.4) ? pool.large : pool.all)
      contents.set(key, bytes)
      return { what: `put ${short(key)}`, make: (target) => target.put(bytes) }
    }
    case 2:
    case 3: {
      const key = random.pick(random.chance(0.5) ? [...contents.keys(), ...CHOSEN] : CHOSEN)
      if ([...refs.values()].includes(key)) return drawChange(random, pool, known, isBehindGap)
      contents.delete(key)
      return { what: `delete ${short(key)}`, make: (target) => target.delete(key) }
    }
    case 4: {
      const keys = [...contents.keys()]
      if (keys.length === 0) return drawChange(random, pool, known, isBehindGap)
      const [name, key] = [random.pick(NAMES), random.pick(keys)]
      refs.set(name, key)
      settle(named(name))
      return { what: `name ${short(key)} ${name}`, make: (target) => target.refs.set(name, key) }
    }
    case 5: {
      const name = random.pick(NAMES)
      refs.delete(name)
      return { what: `unname ${name}`, make: (target) => target.refs.delete(name) }
    }
    default: {
      const [key, value] = [random.pick(CHOSEN), random.bytes(random.pick(SIZES))]
      contents.set(key, value)
      settle(key)
      return { what: `set ${short(key)} to ${value.length} bytes`, make: (target) => target.set(key, value) }
    }
  }
}

/** Enough of a key to tell it from the others. */
export function short(key: string): string {
  return `${key.slice(0, 6)}…${key.slice(-2)}`
}
