/** What a replay found damaged, and up to where that makes older values doubtful. */

import type { Damage } from '../types.js'
import { isBefore, type Position, START } from './position.js'

export class Findings {
  readonly #damaged: Damage[] = []
  #doubt: Position = START

  get damaged(): Damage[] {
    return this.#damaged
  }

  /**
   * Behind the last damage whose key is not known for sure. An older value of any key may have been replaced there, so before
   * it only those values are believed that prove themselves by their SHA-256.
   */
  get doubt(): Position {
    return this.#doubt
  }

  report(damage: Damage): void {
    this.#damaged.push(damage)
  }

  /** Whether anything was found wrong in this segment. */
  has(segment: number): boolean {
    return this.#damaged.some((damage) => damage.segment === segment)
  }

  doubtUpTo(position: Position): void {
    if (isBefore(this.#doubt, position)) this.#doubt = position
  }
}
