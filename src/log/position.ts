/** A place between two entries of the log, and the order of such places. */

import { NO_SEGMENT } from '../format/entry.js'

export interface Position {
  segment: number
  /** Bytes from the start of the segment's file. */
  offset: number
}

/** Before the first entry. */
export const START: Position = { segment: 0, offset: 0 }

/** Where there is none: the end of the segment before the first one. */
export const NO_POSITION: Position = { segment: NO_SEGMENT, offset: 0 }

export function isBefore(a: Position, b: Position): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset)
}
