// @ts-check
/**
 * What a store must hold during `npm run kill`: notes which commits began and which were acknowledged, and compares that with what is found
 * after an interruption. What was acknowledged must be there; what was in flight may be there, each commit as a whole or not at
 * all; nothing else may be. It lives outside the browser, so that it remembers whatever dies. Values are known by their SHA-256.
 */

/** @typedef {import('./values.mjs').Value} Value */
/** @typedef {{ call: 'put' | 'set', key: string, value: Value, digest: string } | { call: 'delete', key: string }} Change */
/**
 * How changes are made: one call by itself, one `putMany` or `deleteMany`, or a transaction that is committed or rolled back.
 * @typedef {{ by: 'call' | 'many' | 'transaction' | 'rollback', changes: Change[] }} Commit
 */
/** The SHA-256 of the value under each key. @typedef {Map<string, string>} Content */

export class KillModel {
  commitsAcknowledged = 0
  /** Commits that an interruption met in flight, and that were there afterwards or not. */
  cutOff = { there: 0, gone: 0 }
  /** @type {Content} */
  #content = new Map()
  /** What has begun and was not acknowledged. @type {{ step: number, commits: Commit[] } | undefined} */
  #flying

  /** What was committed and acknowledged, or found. */
  get keys() {
    return [...this.#content.keys()]
  }

  /** The store is gone, and what was counted stays. */
  forget() {
    this.#content.clear()
    this.#flying = undefined
  }

  /**
   * To be called before the page hears of it.
   * @param {number} step
   * @param {Commit[]} commits they begin together, and change different keys
   */
  begin(step, commits) {
    this.#flying = { step, commits }
  }

  /** @param {number} step */
  acknowledge(step) {
    if (this.#flying?.step !== step) return
    for (const { by, changes } of this.#flying.commits) {
      if (by === 'rollback') continue
      this.#apply(changes)
      this.commitsAcknowledged++
    }
    this.#flying = undefined
  }

  /**
   * Says what is wrong with what the store was found to hold, one line for each key, and takes that for the truth from then on: what
   * was seen once must stay.
   * @param {Content} found
   */
  settle(found) {
    for (const { by, changes } of this.#flying?.commits ?? []) {
      if (by === 'rollback') continue
      const isThere = [...effect(changes)].every(([key, digest]) => found.get(key) === digest)
      if (isThere) this.#apply(changes)
      this.cutOff[isThere ? 'there' : 'gone']++
    }
    const faults = []
    for (const [key, digest] of this.#content) {
      if (!found.has(key)) faults.push(`lost: ${key}`)
      else if (found.get(key) !== digest) faults.push(`wrong value: ${key}`)
    }
    for (const key of found.keys()) if (!this.#content.has(key)) faults.push(`never committed: ${key}`)
    this.#content = found
    this.#flying = undefined
    return faults
  }

  /** @param {Change[]} changes */
  #apply(changes) {
    for (const [key, digest] of effect(changes)) {
      if (digest === undefined) this.#content.delete(key)
      else this.#content.set(key, digest)
    }
  }
}

/** What is under each key after the changes; undefined for nothing. @param {Change[]} changes */
function effect(changes) {
  return new Map(changes.map((change) => [change.key, change.call === 'delete' ? undefined : change.digest]))
}
