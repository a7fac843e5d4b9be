/**
 * The `config` file: INI, section [store], written last when a store is made and never changed. Reading checks every value;
 * what is wrong is FORMAT with the file named.
 */

import { StoreError } from '../errors.js'
import { areChunkSizes, CHUNK_SIZES, type ChunkSizes } from './chunks.js'
import { ENTRY_BYTES_MAX } from './entry.js'

export const FORMAT_VERSION = 1
export const CONFIG_BYTES_MAX = 64 * 1024

export interface Config {
  segmentsPerDir: number
  /** A segment is closed when it passes this many bytes. */
  segmentBytesMax: number
  chunkSizes: ChunkSizes
  /** 64 hex digits. */
  id: string
}

/**
 * The largest `max_segment_size`. A segment passes it by one entry at most, and offsets are u32; 1 GiB leaves room and is
 * already more than compaction likes.
 */
export const SEGMENT_BYTES_MAX_LIMIT = 1024 * 1024 * 1024
const SEGMENT_BYTES_MAX_LEAST = 1024

export function checkSegmentBytesMax(bytes: number): void {
  if (!Number.isInteger(bytes) || bytes < SEGMENT_BYTES_MAX_LEAST || bytes > SEGMENT_BYTES_MAX_LIMIT) {
    throw new TypeError(
      `maxSegmentSize is a whole number of bytes from ${SEGMENT_BYTES_MAX_LEAST} to ${SEGMENT_BYTES_MAX_LIMIT}, not ${bytes}`,
    )
  }
}

export function encodeConfig(config: Config): string {
  return [
    '[store]',
    `version = ${FORMAT_VERSION}`,
    `segments_per_dir = ${config.segmentsPerDir}`,
    `max_segment_size = ${config.segmentBytesMax}`,
    ...chunkLine(config.chunkSizes),
    `id = ${config.id}`,
    '',
  ].join('\n')
}

/** Only for other sizes than the usual ones: older stores, and those of the seed, have no such line. */
function chunkLine({ min, average, max }: ChunkSizes): string[] {
  const line = `${min} ${average} ${max}`
  return line === `${CHUNK_SIZES.min} ${CHUNK_SIZES.average} ${CHUNK_SIZES.max}` ? [] : [`chunks = ${line}`]
}

/** The sizes of chunks that the text says, or the usual ones; undefined when it says some that are none. */
export function chunkSizesIn(text: string): ChunkSizes | undefined {
  const line = /^\s*chunks\s*[=:](.*)$/m.exec(text)?.[1]
  if (line === undefined) return CHUNK_SIZES
  const [, min, average, max] = (/^\s*(\d+) (\d+) (\d+)\s*$/.exec(line) ?? []).map(Number)
  const sizes = { min: min ?? 0, average: average ?? 0, max: max ?? 0 }
  return areChunkSizes(sizes) ? sizes : undefined
}

/** Reads the text of a `config` file. Throws FORMAT, naming the file, when it is not one this version understands. */
export function decodeConfig(text: string): Config {
  if (text.length > CONFIG_BYTES_MAX) throw fault('is too large for what it is')
  const values = section(text, 'store')
  if (values === undefined) throw fault('has no section [store]')
  const version = values.get('version')
  if (version !== String(FORMAT_VERSION)) {
    throw fault(`says version ${version ?? '(none)'}; this release reads version ${FORMAT_VERSION}`)
  }
  const id = values.get('id') ?? ''
  if (!/^[0-9a-f]{64}$/.test(id)) throw fault('has no id of 64 hex digits')
  const chunkSizes = chunkSizesIn(text)
  if (chunkSizes === undefined) throw fault('says sizes of chunks that are none')
  return {
    chunkSizes,
    segmentsPerDir: wholeNumber(values, 'segments_per_dir', 1, 0xffffffff),
    segmentBytesMax: wholeNumber(values, 'max_segment_size', 1, 0xffffffff - 2 * ENTRY_BYTES_MAX),
    id,
  }
}

function section(text: string, name: string): Map<string, string> | undefined {
  let found: Map<string, string> | undefined
  let inside = false
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const heading = /^\[(.*)\]$/.exec(line)
    if (heading) {
      inside = heading[1] === name
      if (inside) found ??= new Map()
      continue
    }
    const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line)
    if (!pair)
      throw fault(`has a line that is neither a heading nor name = value: ${JSON.stringify(line.slice(0, 80))}`)
    if (inside) found?.set((pair[1] as string).toLowerCase(), pair[2] as string)
  }
  return found
}

function wholeNumber(values: Map<string, string>, name: string, least: number, most: number): number {
  const text = values.get(name) ?? ''
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw fault(`has ${name} = ${text || '(nothing)'}, not a whole number from ${least} to ${most}`)
  }
  return number
}

function fault(what: string): StoreError {
  return new StoreError('FORMAT', `the file config ${what}`, { where: { file: 'config' } })
}

/** The lines of a config as we write it: what each begins with, and what may follow. */
const LINES = [
  ['[store]', /^$/],
  ['version = 1', /^$/],
  ['segments_per_dir = ', /^\d*$/],
  ['max_segment_size = ', /^\d*$/],
  ['id = ', /^[0-9a-f]{0,64}$/],
] as const

/** It may stand before the id. */
const CHUNKS_LINE = ['chunks = ', /^[\d ]*$/] as const

/** True when the text is what a crash can leave of a config that was being written: a beginning of one. */
export function isTornConfig(text: string): boolean {
  const lines = text.replace(/\0+$/, '').split('\n')
  let next = 0
  return lines.every((line, i) => {
    const isLast = i === lines.length - 1
    if (next === LINES.length - 1 && begins(CHUNKS_LINE, line, isLast)) return true
    const expected = LINES[next++]
    return expected !== undefined && begins(expected, line, isLast)
  })
}

function begins([start, rest]: readonly [string, RegExp], line: string, isLast: boolean): boolean {
  return line.startsWith(start) ? rest.test(line.slice(start.length)) : isLast && start.startsWith(line)
}

/** True when the text is whole and plainly says another version than ours. */
export function saysOtherVersion(text: string): boolean {
  const version = /^\s*version\s*[=:]\s*(\d+)\s*$/m.exec(text)?.[1]
  return version !== undefined && version !== String(FORMAT_VERSION)
}

/** True when two texts differ by one flipped bit. */
export function differByOneBit(a: string, b: string): boolean {
  if (a.length !== b.length) return false
  let bits = 0
  for (let i = 0; i < a.length; i++) {
    for (let x = a.charCodeAt(i) ^ b.charCodeAt(i); x !== 0; x &= x - 1) bits++
  }
  return bits === 1
}
