/**
 * Strokes of damage, drawn at random, on one file of a store: bits, zeros, a cut, a file that is lost, another's, or from an earlier day; two of them
 * at times. Each says whose entries it touches, so that a test knows what may be lost.
 */

import { MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import { CONFIG_FILE, HEAD_FILE, LOST_AND_FOUND, RESERVE_FILE } from '../format/paths.js'
import { entriesIn, type Files, isSegment, keysTouched } from './damage.js'
import type { Random } from './random.js'

export interface Stroke {
  /** For who reads of a failure. */
  what: string
  path: string
  /** The file as it is now; undefined when it is gone. */
  bytes: Uint8Array | undefined
  /** Where it begins and ends in the file. */
  from: number
  to: number
  /** Whose bytes the file holds, or held once. */
  source: string | undefined
  /** The keys, in hex, of the entries that it touches, the store's own among them. */
  touched: ReadonlySet<string>
  /** A single flipped bit explains itself; behind anything else a newer value of any key may be hidden. */
  isExplained: boolean
}

/** So often there are two strokes. */
const TWICE = 1 / 8
/** So often a file that another one's bytes have taken the place of goes to where those were. */
const SWAPPED = 1 / 2
/** Where the header of a segment ends. */
const HEADER_END = MAGIC_BYTES + SEGMENT_HEADER_ENTRY_BYTES
const HARMS = ['flip', 'flip', 'zeros', 'noise', 'cut'] as const

/**
 * Damages these files, with one stroke or with two, and answers the strokes; there may be nothing to damage. `earlier`: the files of earlier times, when the
 * store is closed; under an open one a file stays where it is.
 */
export function strike(files: Files, random: Random, earlier?: readonly Files[]): Stroke[] {
  const whole = new Map(files)
  const strokes: Stroke[] = []
  const draw = () => {
    if (earlier === undefined || random.chance(0.6)) return harm(files, random, whole)
    const [first] = strokes
    return first?.source && random.chance(SWAPPED)
      ? copy(whole, whole, first.source, first.path)
      : replace(files, earlier, random, whole)
  }
  for (let left = random.chance(TWICE) ? 2 : 1; left > 0; left--) {
    const next = draw()
    const [first] = strokes
    if (next === undefined || (first && !mayMeet(whole, first, next))) continue
    strokes.push(first && isNear(whole, first, next) ? { ...next, isExplained: false } : next)
    if (next.bytes) files.set(next.path, next.bytes)
    else files.delete(next.path)
  }
  return strokes
}

/** False for two strokes of which the second takes away the only thing that tells of the first. RELIABILITY.md, "What can be missed". */
function mayMeet(whole: Files, first: Stroke, second: Stroke): boolean {
  const paths = [first.path, second.path]
  const segments = [...whole].filter(([path, { length }]) => isSegment(path) && length > 0).map(([path]) => path)
  // How far the log goes.
  if (paths.includes(HEAD_FILE) && paths.includes(newest(segments))) return false
  // What repeats the config, and says whose segments these are.
  if (paths.includes(CONFIG_FILE) && segments.length < 3) return false
  // Which segment a file holds.
  const hitsHeader = ({ path, source, from, isExplained }: Stroke) =>
    isSegment(path) && source === undefined && from < HEADER_END && !isExplained
  if (second.source === first.path) return second.path === first.path || !hitsHeader(first)
  return first.source === undefined || first.path !== second.path || !hitsHeader(second)
}

function newest(segments: readonly string[]): string {
  const numberOf = (path: string) => Number(path.split('/').at(-1))
  return segments.toSorted((a, b) => numberOf(a) - numberOf(b)).at(-1) ?? ''
}

/** True when two strokes hit one entry, or two that follow each other: then a flipped bit is not all that is wrong there. */
function isNear(whole: Files, a: Stroke, b: Stroke): boolean {
  const bytes = whole.get(a.path)
  if (a.path !== b.path || bytes === undefined || !isSegment(a.path)) return false
  const ends = Array.from(entriesIn(bytes), ({ at, size }) => at + size)
  const entryAt = (at: number) => ends.findIndex((end) => at < end)
  return Math.abs(entryAt(a.from) - entryAt(b.from)) <= 1
}

/** What can be done to a file that stays where it is, also under a store that has it open. `whole`: as it was before any damage. */
function harm(files: Files, random: Random, whole = files): Stroke | undefined {
  const path = pickFile(files, random)
  if (path === undefined) return undefined
  const bytes = files.get(path) as Uint8Array
  const kind = random.pick(HARMS)
  const from = random.chance(0.3) ? boundary(path, bytes, random) : random.below(bytes.length)
  const to =
    kind === 'cut' ? bytes.length : Math.min(bytes.length, from + 1 + (kind === 'flip' ? 0 : random.below(200)))
  const after = kind === 'cut' ? bytes.slice(0, from) : bytes.slice()
  if (kind === 'flip') after[from] = (bytes[from] as number) ^ (1 << random.below(8))
  if (kind === 'zeros') after.fill(0, from, to)
  if (kind === 'noise') after.set(random.bytes(to - from), from)
  return stroke(`${path}: ${kind} from ${from} to ${to}`, whole, path, after, from, to, kind === 'flip')
}

/** What a file system may do to a file as a whole: it is lost, holds what another one does, or is as it was at one of these earlier times. */
function replace(files: Files, earlier: readonly Files[], random: Random, whole: Files): Stroke | undefined {
  const path = pickFile(files, random)
  if (path === undefined) return undefined
  const size = whole.get(path)?.length ?? 0
  if (random.chance(0.3)) return stroke(`${path}: lost`, whole, path, undefined, 0, size)
  if (random.chance(0.5)) {
    return copy(files, whole, path, random.pick([...files.keys()].filter(isOfStore)))
  }
  const [back, bytes] = random.pick([...random.pick([files, ...earlier])])
  if (!isOfStore(back)) return undefined
  const now = whole.get(back)
  const from = now ? commonLength(now, bytes) : 0
  return { ...stroke(`${back}: as it was`, whole, back, bytes, from, now?.length ?? 0), source: back }
}

/** What `from` has in one place stands in another now. */
function copy(from: Files, whole: Files, path: string, other: string): Stroke {
  const size = whole.get(path)?.length ?? 0
  return { ...stroke(`${path}: a copy of ${other}`, whole, path, from.get(other), 0, size), source: other }
}

function stroke(
  what: string,
  whole: Files,
  path: string,
  bytes: Uint8Array | undefined,
  from: number,
  to: number,
  isExplained = false,
): Stroke {
  return { what, path, bytes, from, to, source: undefined, touched: keysTouched(whole, path, from, to), isExplained }
}

/** The reserve holds nothing, and what was set aside is no part of the store. */
function isOfStore(path: string): boolean {
  return path !== RESERVE_FILE && !path.startsWith(LOST_AND_FOUND)
}

function pickFile(files: Files, random: Random): string | undefined {
  const found = [...files].filter(([path, bytes]) => isOfStore(path) && bytes.length > 0).map(([path]) => path)
  const segments = found.filter(isSegment)
  // A config that no segment repeats can be mended by nobody.
  const paths = found.filter((path) => path !== CONFIG_FILE || segments.length > 0)
  if (segments.length > 0 && random.chance(0.7)) return random.pick(segments)
  return paths.length > 0 ? random.pick(paths) : undefined
}

/** Where an entry begins, if it is a segment. */
function boundary(path: string, bytes: Uint8Array, random: Random): number {
  const ends = isSegment(path) ? Array.from(entriesIn(bytes), ({ at }) => at) : []
  return ends.length > 0 ? random.pick(ends) : 0
}

function commonLength(a: Uint8Array, b: Uint8Array): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length++
  return length
}
