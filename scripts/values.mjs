// @ts-check
/**
 * Numbers and bytes that a seed repeats, the same in Node and in the browser: the script of `npm run kill` draws what happens, and its page
 * makes the values itself, so that only their numbers travel. Used by kill-model.mjs, kill.mjs and e2e/pages/kill.ts.
 */

/** Its bytes follow from its number. @typedef {{ number: number, size: number }} Value */

/** Random numbers (mulberry32). */
export class Random {
  #state

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed
  }

  /** From 0 to 2^32 - 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }

  /** From 0 up to 1. */
  fraction() {
    return this.next() / 2 ** 32
  }

  /** @param {number} limit a whole number from 0 to `limit` - 1 */
  below(limit) {
    return this.next() % limit
  }

  /**
   * @template T
   * @param {readonly T[]} items
   * @returns {T}
   */
  pick(items) {
    return /** @type {T} */ (items[this.below(items.length)])
  }
}

/** @param {Value} value */
export function bytesOf({ number, size }) {
  const random = new Random(number)
  const words = new Uint32Array(Math.ceil(size / 4))
  for (let i = 0; i < words.length; i++) words[i] = random.next()
  return new Uint8Array(words.buffer, 0, size)
}
