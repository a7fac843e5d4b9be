/**
 * The `config` of a Borg 1.x repository: INI, section [repository]. Borg writes more into it than we read (the key of an encrypted one goes over
 * many lines), so what is not asked for is not looked at.
 */

import { CHUNK_SIZES } from '../format/chunks.js'
import { CONFIG_BYTES_MAX, type Config, SEGMENT_BYTES_MAX_LIMIT } from '../format/config.js'
import { CONFIG_FILE } from '../format/paths.js'
import { formatError } from './report.js'

/** Borg's own sizes, for when it goes on with what we wrote. */
const SEGMENTS_PER_DIR = 1000
const SEGMENT_BYTES_MAX = 500 * 1024 * 1024

export const BORG_SEGMENTS_PER_DIR = SEGMENTS_PER_DIR

export function encodeBorgConfig(id: string): string {
  return [
    '[repository]',
    'version = 1',
    `segments_per_dir = ${SEGMENTS_PER_DIR}`,
    `max_segment_size = ${SEGMENT_BYTES_MAX}`,
    'append_only = 0',
    'storage_quota = 0',
    'additional_free_space = 0',
    `id = ${id}`,
    '',
    '',
  ].join('\n')
}

/** What a store's config would say of the same segments. Throws FORMAT. */
export function decodeBorgConfig(text: string): Config {
  if (text.length > CONFIG_BYTES_MAX) throw formatError('the file config is too large for what it is', CONFIG_FILE)
  const values = new Map<string, string>()
  let section = ''
  for (const line of text.split(/\r?\n/)) {
    section = /^\[(.*)\]\s*$/.exec(line)?.[1] ?? section
    // A line that begins with a space goes on with the value before it.
    const [, name, value] = /^(\w+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    if (section === 'repository' && name !== undefined && value !== undefined) values.set(name.toLowerCase(), value)
  }
  if (values.size === 0) throw formatError('the file config has no section [repository]', CONFIG_FILE)
  const version = values.get('version')
  if (version !== '1') {
    throw formatError(`the repository says version ${version ?? '(none)'}; only 1 can be read`, CONFIG_FILE)
  }
  const id = values.get('id') ?? ''
  const segmentsPerDir = Number(values.get('segments_per_dir'))
  const segmentBytesMax = Number(values.get('max_segment_size'))
  if (!/^[0-9a-f]{64}$/.test(id)) throw formatError('the repository has no id of 64 hex digits', CONFIG_FILE)
  if (!Number.isSafeInteger(segmentsPerDir) || segmentsPerDir < 1) {
    throw formatError('the repository says no segments_per_dir', CONFIG_FILE)
  }
  if (!Number.isSafeInteger(segmentBytesMax) || segmentBytesMax < 1) {
    throw formatError('the repository says no max_segment_size', CONFIG_FILE)
  }
  // These only count for writing, and nothing is written there.
  return {
    id,
    segmentsPerDir,
    segmentBytesMax: Math.min(segmentBytesMax, SEGMENT_BYTES_MAX_LIMIT),
    chunkSizes: CHUNK_SIZES,
  }
}
