/** What a replay found damaged, and up to where that makes older values doubtful. */

import type { Damage } from '../types.js'
import { isBefore, type Position, START } from './position.js'

/** A segment that ends at `end` and had `bytes` bytes once. */
export function cutSegment(segment: number, end: number, bytes: number): Damage {
  const message = `the segment ends at ${end} and was durable up to ${bytes}`
  return { kind: 'segment', message, segment, offset: end, size: bytes - end }
}

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
