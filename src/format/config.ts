/**
 * The `config` file: INI, section [store], written last when a store is made and never changed. Reading checks every value;
 * what is wrong is FORMAT with the file named.
 */

import { StoreError } from '../errors.js'
import { ENTRY_BYTES_MAX } from './entry.js'

export const CONFIG_VERSION = 1

export interface Config {
  segmentsPerDir: number
  /** A segment is closed when it passes this many bytes. */
  segmentBytesMax: number
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
    `version = ${CONFIG_VERSION}`,
    `segments_per_dir = ${config.segmentsPerDir}`,
    `max_segment_size = ${config.segmentBytesMax}`,
    `id = ${config.id}`,
    '',
  ].join('\n')
}

/** Reads the text of a `config` file. Throws FORMAT, naming the file, when it is not one this version understands. */
export function decodeConfig(text: string): Config {
  const values = section(text, 'store')
  if (values === undefined) throw fault('has no section [store]')
  const version = values.get('version')
  if (version !== String(CONFIG_VERSION)) {
    throw fault(`says version ${version ?? '(none)'}; this release reads version ${CONFIG_VERSION}`)
  }
  const id = values.get('id') ?? ''
  if (!/^[0-9a-f]{64}$/.test(id)) throw fault('has no id of 64 hex digits')
  return {
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

/** True when the text is what a crash can leave of a config that was being written: a beginning of one, which ends before its last line does. */
export function isTornConfig(text: string): boolean {
  const written = text.replace(/\0+$/, '')
  const start = encodeConfig({ segmentsPerDir: 0, segmentBytesMax: 0, id: '' }).split('0')[0] as string
  return start.startsWith(written) || (written.startsWith(start) && !/\nid = [0-9a-f]{64}\n$/.test(written))
}
