/**
 * What the segments say of each other: each header names the segment before its own and where that one ended, each compaction lists
 * the segments that stay. So a segment that is missing, cut, swapped or another store's is told from what a crash or a compaction
 * leaves behind. The replay tells it what it walks; what is wrong goes to the findings.
 */

import { MAGIC_BYTES, NO_SEGMENT, type SegmentHeader, type SegmentList } from '../format/entry.js'
import { sameKey } from '../format/key.js'
import { cutSegment, type Findings } from './findings.js'
import type { Position } from './position.js'
import type { SegmentFiles } from './segments.js'
import type { LogState } from './state.js'

export class SegmentChain {
  readonly #files: SegmentFiles
  readonly #id: Uint8Array
  readonly #findings: Findings
  /** The segment in which the walk begins. */
  readonly #from: number
  /** Where the walk stopped in each segment so far. */
  readonly #walked = new Map<number, number>()
  /** Segments that a header says came before its own, and that have no bytes or no file. */
  readonly #absent: number[] = []
  /** The last committed list. */
  #list: SegmentList | undefined

  constructor(files: SegmentFiles, id: Uint8Array, from: number, findings: Findings) {
    this.#files = files
    this.#id = id
    this.#from = from
    this.#findings = findings
  }

  /** The walk over a segment stopped here. */
  walked({ segment, offset }: Position): void {
    this.#walked.set(segment, offset)
  }

  /** A compaction was committed. */
  listed(list: SegmentList): void {
    this.#list = list
  }

  /**
   * Compares what a segment says of itself with its name and with the segment before it. True when it goes on behind damage:
   * what stands between the end that it names and itself never happened.
   */
  follows(segment: number, header: SegmentHeader): boolean {
    const offset = MAGIC_BYTES
    const { previous, previousEnd } = header
    const end = this.#walked.get(previous)
    if (!this.#isOurs(header)) {
      this.#findings.report({ kind: 'segment', message: "the segment is another store's", segment, offset })
      this.#findings.doubtUpTo({ segment: segment + 1, offset: 0 })
    } else if (header.segment !== segment) {
      const message = `the file holds segment ${header.segment}`
      this.#findings.report({ kind: 'segment', message, segment, offset })
      this.#findings.doubtUpTo({ segment: Math.max(segment, header.segment) + 1, offset: 0 })
    } else if (header.isFresh) {
      this.#endsBefore(segment, header)
      return true
    } else if (previous === NO_SEGMENT || previous < this.#from) {
      // Nothing was before it, or a checkpoint has covered it.
    } else if (end === undefined) {
      this.#absent.push(previous)
    } else if (end !== previousEnd) {
      const message = `the segment has ${end} bytes, and had ${previousEnd} when it was closed`
      this.#findings.report({ kind: 'segment', message, segment: previous, offset: Math.min(end, previousEnd) })
      this.#findings.doubtUpTo({ segment, offset: 0 })
    }
    return false
  }

  /** True when the segment before this one went on after the checkpoint, which takes it for closed: a crash brought that back. */
  overruns(segment: number, header: SegmentHeader, state: LogState): boolean {
    const { previous, previousEnd } = header
    const known = previous < this.#from ? state.segments.get(previous) : undefined
    return known !== undefined && previousEnd > known.bytes && header.segment === segment && this.#isOurs(header)
  }

  /** Behind damage the segment before it may go on behind the last commit, but not end in front of it. */
  #endsBefore(segment: number, { previous, previousEnd }: SegmentHeader): void {
    if (previous === NO_SEGMENT || previous < this.#from) return
    const end = this.#walked.get(previous)
    if (end === undefined) {
      this.#absent.push(previous)
    } else if (end < previousEnd) {
      const message = `the segment has ${end} bytes, and its last commit ended at ${previousEnd}`
      this.#findings.report({ kind: 'segment', message, segment: previous, offset: end, size: previousEnd - end })
      this.#findings.doubtUpTo({ segment, offset: 0 })
    }
  }

  /** Files older than the checkpoint that it does not know: retired before it, and their removal did not last. */
  leftovers(state: LogState): number[] {
    return this.#files.list().filter((segment) => segment < this.#from && !state.segments.has(segment))
  }

  /** Reports segments that have to be there and are not, and a loss at the end of the one in which the durable mark lies. */
  findMissing(state: LogState, durable: Position): void {
    const missing = new Set<number>()
    for (const segment of state.segments.keys()) if (!this.#files.has(segment)) missing.add(segment)
    for (const segment of this.#list?.staying ?? []) if (!this.#files.has(segment)) missing.add(segment)
    // A compaction's list says which of the older ones were given up.
    for (const segment of this.#absent) if (!this.#isRetired(segment)) missing.add(segment)
    const { segment, offset } = durable
    const end = this.#walked.get(segment)
    if (offset > 0 && segment >= this.#from && end === undefined && !this.#isRetired(segment)) missing.add(segment)
    for (const segment of missing) {
      this.#findings.report({ kind: 'segment', message: 'the segment is missing', segment })
      // What an older one held, the checkpoint knows.
      if (segment >= this.#from) this.#findings.doubtUpTo({ segment: segment + 1, offset: 0 })
    }
    if (end !== undefined && end < offset) {
      this.#findings.report(cutSegment(segment, end, offset))
      this.#findings.doubtUpTo(durable)
    }
  }

  /** Reports segments that are shorter than the list says: the header that told of it may have been compacted away. */
  findCut(ignored: ReadonlySet<number>): void {
    const { staying = [], ends = [] } = this.#list ?? {}
    for (const [i, segment] of staying.entries()) {
      const end = this.#walked.get(segment) ?? 0
      const bytes = ends[i] ?? 0
      if (segment < this.#from || end >= bytes || ignored.has(segment) || this.#findings.has(segment)) continue
      this.#findings.report(cutSegment(segment, end, bytes))
      this.#findings.doubtUpTo({ segment, offset: bytes })
    }
  }

  #isOurs(header: SegmentHeader): boolean {
    return sameKey(header.id, 0, this.#id, 0)
  }

  #isRetired(segment: number): boolean {
    return this.#list !== undefined && segment < this.#list.segment && !this.#list.staying.includes(segment)
  }
}
