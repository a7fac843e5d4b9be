/**
 * What recovery and repair take out of the log, copied to lost+found/ first: bytes for a person to examine, which the store never reads
 * as its own again.
 */

import { LOST_AND_FOUND } from '../format/paths.js'
import type { SegmentFiles } from '../log/segments.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import { withFile } from '../storage/use.js'

const COPY_BYTES = 1024 * 1024

/**
 * Copies a segment's bytes from `from` on into lost+found/ and returns the path of the copy, which is durable. One that fails takes no room. What was
 * set aside before from the same place stays: when nothing was committed since, the log has gone on right there.
 */
export async function setAside(storage: Storage, files: SegmentFiles, segment: number, from: number): Promise<string> {
  for (let number = 0; ; number++) {
    const path = `${LOST_AND_FOUND}/${segment}.${from}${number === 0 ? '' : `.${number}`}`
    const isCopied = await withFile(storage, path, { create: true }, async (copy) => {
      if (!(await isBegun(copy, files, segment, from))) return false
      await copyTo(copy, files, segment, from)
      return true
    })
    if (isCopied) return path
  }
}

/** True when a crash has ended the moving of this tail: what had stood behind it, maybe with the COMMIT, is set aside already. */
export async function isBeingMoved(storage: Storage, segment: number, size: number): Promise<boolean> {
  return (await storage.list(LOST_AND_FOUND)).includes(`${segment}.${size}`)
}

/** True for an empty file, and for this copy, all of it or its beginning: a crash came before its end, or before the cut behind it. */
async function isBegun(copy: StorageFile, files: SegmentFiles, segment: number, from: number): Promise<boolean> {
  const copied = new Uint8Array(COPY_BYTES)
  const bytes = new Uint8Array(COPY_BYTES)
  for (let at = 0; at < copy.size(); at += COPY_BYTES) {
    const count = copy.read(copied, at)
    const got = await files.with(segment, (file) => file.read(bytes, from + at))
    if (got < count || !copied.subarray(0, count).every((byte, i) => byte === bytes[i])) return false
  }
  return true
}

async function copyTo(copy: StorageFile, files: SegmentFiles, segment: number, from: number): Promise<void> {
  try {
    copy.truncate(0)
    const bytes = new Uint8Array(COPY_BYTES)
    for (let at = from; ; at += COPY_BYTES) {
      const got = await files.with(segment, (file) => file.read(bytes, at))
      copy.write(bytes.subarray(0, got), at - from)
      if (got < COPY_BYTES) break
    }
    await copy.flush()
  } catch (error) {
    copy.truncate(0)
    throw error
  }
}
