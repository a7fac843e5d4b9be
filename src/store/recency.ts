/**
 * Which contents were put lately: `gc` leaves them to the app, which may be about to name them. The log has no times, but an order: a mark
 * says what time it was when the log was so long. What was there before this opening is never recent, as nobody else can be putting it.
 */

import { keyHex } from '../format/key.js'
import { isBefore, type Position } from '../log/position.js'

/** Marks are this far apart; so a content may count as recent for that much longer. */
const MARK_MILLISECONDS = 10_000
/** A day of marks. */
const MARKS_MAX = 8640
/** Puts of what was there already that are remembered. */
const REPUTS_MAX = 100_000

interface Mark {
  time: number
  position: Position
}

export class Recency {
  readonly #now: () => number
  /** One at least, in the order of time. */
  readonly #marks: Mark[]
  /** When what was there already was last put again. */
  readonly #reputs = new Map<string, number>()

  constructor(now: () => number, position: Position) {
    this.#now = now
    this.#marks = [{ time: now(), position }]
  }

  /** The log is this long now. */
  mark(position: Position): void {
    const time = this.#now()
    if (time - (this.#marks.at(-1) as Mark).time < MARK_MILLISECONDS) return
    this.#marks.push({ time, position })
    if (this.#marks.length > MARKS_MAX) this.#marks.shift()
  }

  /** A content was put that was there already. */
  reput(key: Uint8Array): void {
    const hex = keyHex(key)
    this.#reputs.delete(hex)
    this.#reputs.set(hex, this.#now())
    if (this.#reputs.size > REPUTS_MAX) this.#reputs.delete(this.#reputs.keys().next().value as string)
  }

  /** Tells whether the content whose entry stands at `place` was put less than `grace` milliseconds ago. */
  since(grace: number): (key: Uint8Array, place: Position) => boolean {
    const time = this.#now() - grace
    const { position } = this.#marks.findLast((mark) => mark.time <= time) ?? (this.#marks[0] as Mark)
    return (key, place) => (grace > 0 && !isBefore(place, position)) || (this.#reputs.get(keyHex(key)) ?? -1) > time
  }
}
