// @ts-check
/**
 * Draws what a page does to its store during `npm run kill`: commits of every shape, alone and together, compaction, and closing and opening,
 * which writes a checkpoint. The same seed draws the same; only the moments of the interruptions differ. Called by kill.mjs.
 */
import { createHash } from 'node:crypto'
import { bytesOf } from './values.mjs'

/** @typedef {import('./kill-model.mjs').Change} Change */
/** @typedef {import('./kill-model.mjs').Commit} Commit */
/** @typedef {{ kind: 'commit', commits: Commit[] } | { kind: 'compact', threshold: number } | { kind: 'reopen' }} Action */
/** What the page is told to do. `inspect` opens the store and tells all that is in it. @typedef {{ id: number } & (Action | { kind: 'inspect' })} Step */

const SLOTS = Array.from({ length: 24 }, (_, i) => sha256(new TextEncoder().encode(`slot ${i}`)))
/** Beyond these some are deleted, so that the store stays small enough to be read in every round. */
const KEYS_MAX = 160
/** Empty, small, several writes long, a few longer than a segment. */
const SIZE_LIMITS = [1, 100, 100, 5000, 5000, 5000, 100_000, 100_000, 600_000]
const RECENT_MAX = 50

export class KillSteps {
  #random
  /** @type {import('./values.mjs').Value[]} */
  #recent = []

  /** @param {import('./values.mjs').Random} random */
  constructor(random) {
    this.#random = random
  }

  /**
   * @param {string[]} keys what the store holds
   * @returns {Action}
   */
  draw(keys) {
    const random = this.#random
    const kind = random.below(100)
    if (kind < 8) return { kind: 'compact', threshold: random.pick([0.1, 0.5]) }
    if (kind < 14) return { kind: 'reopen' }
    if (keys.length > KEYS_MAX) {
      const changes = keys
        .filter(() => random.below(2) === 0)
        .map((key) => ({ call: /** @type {const} */ ('delete'), key }))
      return { kind: 'commit', commits: [{ by: 'many', changes }] }
    }
    const used = new Set()
    const commits = Array.from({ length: kind < 60 ? 1 : 1 + random.below(8) }, () => {
      const { by, changes } = this.#commit(keys)
      const apart = changes.filter(({ key }) => !used.has(key))
      for (const { key } of apart) used.add(key)
      return { by, changes: apart }
    })
    return { kind: 'commit', commits: commits.filter(({ changes }) => changes.length > 0) }
  }

  /**
   * @param {string[]} keys
   * @returns {Commit}
   */
  #commit(keys) {
    const random = this.#random
    const by = random.pick(/** @type {const} */ (['call', 'call', 'many', 'transaction', 'transaction', 'rollback']))
    const count = by === 'call' ? 1 : 1 + random.below(10)
    const calls = by === 'many' ? [random.pick(MANY)] : ALL
    return { by, changes: Array.from({ length: count }, () => this.#change(random.pick(calls), keys)) }
  }

  /**
   * @param {Change['call']} call
   * @param {string[]} keys
   * @returns {Change}
   */
  #change(call, keys) {
    const random = this.#random
    // Now and then what is not there.
    if (call === 'delete') return { call, key: random.pick([...keys, ...SLOTS]) }
    const value = this.#value()
    const digest = sha256(bytesOf(value))
    return { call, key: call === 'put' ? digest : random.pick(SLOTS), value, digest }
  }

  /** Now and then one that was there before. */
  #value() {
    const random = this.#random
    if (this.#recent.length === RECENT_MAX && random.below(6) === 0) return random.pick(this.#recent)
    const value = { number: random.next(), size: random.below(random.pick(SIZE_LIMITS)) }
    this.#recent = [value, ...this.#recent].slice(0, RECENT_MAX)
    return value
  }
}

const MANY = /** @type {const} */ (['put', 'put', 'delete'])
const ALL = /** @type {const} */ (['put', 'set', 'set', 'delete'])

/** @param {Uint8Array} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
