/**
 * The state in use compared with one that was made anew from the log. They agree as long as nobody changed the files under an open
 * store, and no checkpoint told a lie with a good checksum. Called by check.
 */

import { records } from '../format/checkpoint.js'
import { keyHex } from '../format/key.js'
import type { Table } from '../kernel/kernel.js'
import { type LogState, samePlace } from '../log/state.js'
import type { Damage } from '../types.js'

/** More differences than this say nothing new. */
const DIFFERENCES_MAX = 1000

/** Where the state in use and the one that the log gives disagree. */
export function differences(state: LogState, fresh: LogState): Damage[] {
  const found: Damage[] = []
  const report = (message: string, key?: string): void => {
    if (found.length < DIFFERENCES_MAX) found.push({ kind: 'index', message, ...(key && { key }) })
  }
  compareTables(state.keys, fresh.keys, 'index', report)
  compareTables(state.shadows, fresh.shadows, 'list of shadowed keys', report)
  for (const [segment, { bytes, liveBytes }] of state.segments) {
    const other = fresh.segments.get(segment)
    if (other?.bytes !== bytes || other.liveBytes !== liveBytes) {
      report(
        `segment ${segment}: ${liveBytes} of ${bytes} bytes live, in the log ${other?.liveBytes} of ${other?.bytes}`,
      )
    }
  }
  for (const segment of fresh.segments.keys()) {
    if (!state.segments.has(segment)) report(`segment ${segment} is in the log only`)
  }
  return found
}

function compareTables(used: Table, fresh: Table, what: string, report: (message: string, key: string) => void): void {
  const each = (table: Table, other: Table, message: string, compare: boolean) => {
    const block = table.entries().slice()
    for (const mine of records(block)) {
      const theirs = other.find(block, mine.at)
      const agree = theirs && (!compare || (samePlace(mine, theirs) && mine.size === theirs.size))
      if (!agree) report(message, keyHex(block, mine.at))
    }
  }
  each(used, fresh, `the ${what} has another place for the key than the log`, true)
  each(fresh, used, `the ${what} does not have a key that the log has`, false)
}
