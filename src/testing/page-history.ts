/**
 * What a store may hold after calls of which some came together, some failed and some may or may not have happened: for each subject (a
 * key, or a name) the changes that were made, each between its call and its answer. What one did for certain hides all that had ended
 * before it was called; nothing else is known about the order. Used by the run of the page's side.
 */

/** The SHA-256 of a content, or the key that a name points to; undefined where nothing is. */
export type Value = string | undefined

export interface Change {
  subject: string
  value: Value
  /** Moments, counted by the history. One that did not happen for certain has no end: it may still be on its way. */
  began: number
  ended: number
  outcome: 'pending' | 'did' | 'may' | 'not'
}

/** In the place of a value: what a transaction began with. */
export const UNKNOWN = 'unknown'

/** Moments, one after the other. */
export class Clock {
  #now = 0

  tick(): number {
    return ++this.#now
  }
}

const BASE = { began: -1, ended: 0, outcome: 'did' } as const

export class History {
  readonly clock: Clock
  readonly #base: ReadonlyMap<string, string> | undefined
  readonly #changes = new Map<string, Change[]>()

  /** `base` is what was there in the beginning, if that is known. */
  constructor(clock: Clock, base: ReadonlyMap<string, string> | undefined) {
    this.clock = clock
    this.#base = base
  }

  /** A change that is made now. */
  begin(subject: string, value: Value): Change {
    const change: Change = {
      subject,
      value,
      began: this.clock.tick(),
      ended: Number.POSITIVE_INFINITY,
      outcome: 'pending',
    }
    this.add(change)
    return change
  }

  add(change: Change): void {
    this.#of(change.subject).push(change)
  }

  /** What a look at the subject between two moments may find; without them, what is there in the end. */
  candidates(subject: string, from = Number.POSITIVE_INFINITY, to = Number.POSITIVE_INFINITY): Set<Value> {
    const all: Change[] = [
      { ...BASE, subject, value: this.#base ? this.#base.get(subject) : UNKNOWN },
      ...this.#of(subject),
    ]
    const isHidden = (change: Change) =>
      all.some(({ outcome, began, ended }) => outcome === 'did' && ended < from && change.ended < began)
    const seen = all.filter((change) => change.outcome !== 'not' && change.began < to && !isHidden(change))
    return new Set(seen.map(({ value }) => value))
  }

  /** True when nothing was done to it, not even in vain. */
  isUntouched(subject: string): boolean {
    return this.#of(subject).every(({ outcome }) => outcome === 'not')
  }

  /** True when this change alone says what is there. */
  isAlone(change: Change): boolean {
    return !this.#base?.has(change.subject) && this.#of(change.subject).every((other) => other === change)
  }

  subjects(): Set<string> {
    return new Set([...(this.#base?.keys() ?? []), ...this.#changes.keys()])
  }

  #of(subject: string): Change[] {
    const changes = this.#changes.get(subject) ?? []
    this.#changes.set(subject, changes)
    return changes
  }
}

/** How the call of a change went. */
export function settle(change: Change, outcome: Change['outcome'], ended: number): void {
  change.outcome = outcome
  if (outcome === 'did') change.ended = ended
}
