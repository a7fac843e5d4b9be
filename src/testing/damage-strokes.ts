/**
 * Strokes of damage, drawn at random, on one file of a store: bits, zeros, a cut, a file that is lost, another's, or from an earlier day.
 * Each says whose entries it touches, so that a test knows what may be lost.
 */

import { CONFIG_FILE, LOST_AND_FOUND, RESERVE_FILE } from '../format/paths.js'
import { entriesIn, type Files, isSegment, keysTouched } from './damage.js'
import type { Random } from './random.js'

export interface Stroke {
  /** For who reads of a failure. */
  what: string
  path: string
  /** The file as it is now; undefined when it is gone. */
  bytes: Uint8Array | undefined
  /** The keys, in hex, of the entries that it touches, the store's own among them. */
  touched: ReadonlySet<string>
  /** A single flipped bit explains itself; behind anything else a newer value of any key may be hidden. */
  isExplained: boolean
}

const HARMS = ['flip', 'flip', 'zeros', 'noise', 'cut'] as const

/** What can be done to a file that stays where it is, also under a store that has it open. */
export function harm(files: Files, random: Random): Stroke | undefined {
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
  return stroke(`${path}: ${kind} from ${from} to ${to}`, files, path, after, from, to, kind === 'flip')
}

/** What a file system may do to a file as a whole: it is lost, holds what another one does, or is as it was at one of these earlier times. */
export function replace(files: Files, earlier: readonly Files[], random: Random): Stroke | undefined {
  const path = pickFile(files, random)
  if (path === undefined) return undefined
  const size = files.get(path)?.length ?? 0
  if (random.chance(0.3)) return stroke(`${path}: lost`, files, path, undefined, 0, size)
  if (random.chance(0.5)) {
    const other = random.pick([...files.keys()].filter(isOfStore))
    return stroke(`${path}: a copy of ${other}`, files, path, files.get(other), 0, size)
  }
  const [back, bytes] = random.pick([...random.pick([files, ...earlier])])
  if (!isOfStore(back)) return undefined
  const now = files.get(back)
  return stroke(`${back}: as it was`, files, back, bytes, now ? commonLength(now, bytes) : 0, now?.length ?? 0)
}

function stroke(
  what: string,
  files: Files,
  path: string,
  bytes: Uint8Array | undefined,
  from: number,
  to: number,
  isExplained = false,
): Stroke {
  return { what, path, bytes, touched: keysTouched(files, path, from, to), isExplained }
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
