/** Which files an opening finds. Only who holds the lock changes them, so under it they are asked for once. */

import { checkpointNumber } from '../format/paths.js'
import { type FoundSegment, findSegments } from '../log/segments.js'
import type { Storage } from '../storage/storage.js'

export interface FoundCheckpoint {
  name: string
  number: number
}

export interface Inventory {
  /** Names in the store's directory. */
  names: string[]
  /** Newest first, as the next ones. */
  checkpoints: FoundCheckpoint[]
  segments: FoundSegment[]
  /** There are checkpoints, or anything that may be a segment. */
  holdsData: boolean
}

export async function takeInventory(storage: Storage): Promise<Inventory> {
  const [names, { found: segments, isEmpty }] = await Promise.all([storage.list(''), findSegments(storage)])
  const checkpoints: FoundCheckpoint[] = []
  for (const name of names) {
    const number = checkpointNumber(name)
    if (number !== undefined) checkpoints.push({ name, number })
  }
  checkpoints.sort((a, b) => b.number - a.number)
  segments.sort((a, b) => b.segment - a.segment)
  return { names, checkpoints, segments, holdsData: checkpoints.length > 0 || !isEmpty }
}
