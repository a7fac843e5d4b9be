/**
 * What a Borg repository has lost without a trace in its log: a segment that is gone, empty, or cut between two entries looks like one that Borg
 * has compacted. Borg's index says better: a hash table of all objects, in the file `index.<n>` once segment n has its COMMIT. It is only a
 * witness here, never a source: one that is damaged, or older than the log, is passed over.
 */

import { keyHex } from '../format/key.js'
import { checkpointFile, checkpointNumber, DATA_DIR, decimal, segmentPath } from '../format/paths.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import { unlessAbsent, withFile } from '../storage/use.js'
import type { Skipped } from './report.js'

/** Header: magic, u32 count of entries, u32 count of buckets, u8 and u8 the sizes of a key and of a value. Bucket: key, u32 segment, u32 offset. */
export const INDEX = {
  magic: 'BORG_IDX',
  entries: 8,
  buckets: 12,
  keySize: 16,
  valueSize: 17,
  headerBytes: 18,
} as const
export const BUCKET = { segment: 32, offset: 36, bytes: 40 } as const
/** In place of a segment: this bucket holds nothing; or, one less, nothing any more. */
export const UNUSED = 0xffffffff
const BUCKETS_A_READ = 16_384

/** Objects that the index has where no entry can be any more, by their keys. */
export async function lostObjects(directory: Storage, segmentsPerDir: number): Promise<Map<string, Skipped>> {
  const lost = new Map<string, Skipped>()
  const number = await newestIndex(directory)
  if (number === undefined) return lost
  const sizes = new Map<number, number>()
  for await (const { key, segment, offset } of bucketsOf(directory, checkpointFile(number))) {
    const size = sizes.get(segment) ?? (await sizeOf(directory, segmentPath(segment, segmentsPerDir)))
    sizes.set(segment, size)
    if (offset < size) continue
    lost.set(key, {
      key,
      segment,
      offset,
      message: 'the index of the repository has it here, where the log has nothing',
    })
  }
  return lost
}

/** The number of the newest index, if the log does not go on behind it. */
async function newestIndex(directory: Storage): Promise<number | undefined> {
  const numbers = (await directory.list('')).map(checkpointNumber).filter((number) => number !== undefined)
  let newest = -1
  for (const number of numbers) newest = Math.max(newest, number)
  for (const name of await directory.list(DATA_DIR)) {
    if (!name.endsWith('/')) continue
    for (const segment of await directory.list(`${DATA_DIR}/${name.slice(0, -1)}`)) {
      if ((decimal(segment) ?? 0) > newest) return undefined
    }
  }
  return newest < 0 ? undefined : newest
}

async function* bucketsOf(directory: Storage, path: string) {
  const file = await directory.open(path)
  try {
    const count = bucketCount(file)
    for (let at = 0; at < count; at += BUCKETS_A_READ) {
      const block = new Uint8Array(Math.min(BUCKETS_A_READ, count - at) * BUCKET.bytes)
      file.read(block, INDEX.headerBytes + at * BUCKET.bytes)
      const view = new DataView(block.buffer)
      for (let bucket = 0; bucket < block.length; bucket += BUCKET.bytes) {
        const segment = view.getUint32(bucket + BUCKET.segment, true)
        if (segment >= UNUSED - 1) continue
        const offset = view.getUint32(bucket + BUCKET.offset, true)
        yield { key: keyHex(block.subarray(bucket, bucket + BUCKET.segment)), segment, offset }
      }
    }
  } finally {
    file.close()
  }
}

/** How many buckets there are; none in a file that is no index, or not a whole one. */
function bucketCount(file: StorageFile): number {
  const header = new Uint8Array(INDEX.headerBytes)
  if (file.read(header, 0) < header.length) return 0
  const magic = new TextDecoder().decode(header.subarray(0, INDEX.magic.length))
  const count = new DataView(header.buffer).getUint32(INDEX.buckets, true)
  const isKnown =
    magic === INDEX.magic &&
    header[INDEX.keySize] === BUCKET.segment &&
    header[INDEX.valueSize] === BUCKET.bytes - BUCKET.segment
  return isKnown && file.size() === INDEX.headerBytes + count * BUCKET.bytes ? count : 0
}

/** 0 when there is no such file. */
async function sizeOf(directory: Storage, path: string): Promise<number> {
  return (await unlessAbsent(withFile(directory, path, {}, (file) => file.size()))) ?? 0
}
