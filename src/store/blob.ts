/**
 * A content as a Blob that the browser reads from the segments' files, without a copy. A file qualifies once it cannot change any more; it
 * is then lent: kept until the store is closed, also when compaction has retired the segment. What stands elsewhere, what is small, and what
 * is in doubt is read here, as any value, and goes into the Blob as memory or, where there is a file, only has been looked at.
 */

import { isStoreError } from '../errors.js'
import { ENTRY } from '../format/entry.js'
import { keyHex } from '../format/key.js'
import { manifestKey } from '../format/manifest.js'
import type { Location } from '../kernel/kernel.js'
import { isBefore } from '../log/position.js'
import { valueBytes } from '../log/state.js'
import type { BlobOptions } from '../types.js'
import type { Context } from './context.js'
import { readAt } from './read.js'
import { type Find, missingChunk, readManifest } from './read-content.js'

/** Up to this a content is not worth a file that is kept, and 1 to 5 milliseconds to ask for it. */
const SMALL_BYTES_MAX = 16 * 1024

/** An entry of the content, and where it stands. */
interface Part {
  key: Uint8Array
  location: Location
}

/** Undefined when the content is not there. Throws CORRUPT, with `verify` for all that a read of it would. */
export async function contentBlob(
  context: Context,
  key: Uint8Array,
  find: Find,
  { type, verify = false }: BlobOptions,
): Promise<Blob | undefined> {
  // Until all of it is found, no segment goes.
  context.blobsCount++
  try {
    const parts = await partsOf(context, key, find)
    if (parts === undefined) return undefined
    const isSmall = parts.reduce((sum, { location }) => sum + valueBytes(location), 0) <= SMALL_BYTES_MAX
    const pieces: Blob[] = []
    for (const part of parts) {
      const piece = isSmall ? undefined : await lentPiece(context, part)
      const isTrusted = piece !== undefined && !verify && !isDoubtful(context, part)
      // Each piece of memory becomes a Blob at once: the browser may keep those on the disk.
      pieces.push(isTrusted ? piece : await checkedPiece(context, part, piece))
    }
    return new Blob(pieces, type === undefined ? {} : { type })
  } finally {
    context.blobsCount--
  }
}

/** All entries of the content, found in one moment. */
async function partsOf(context: Context, key: Uint8Array, find: Find): Promise<Part[] | undefined> {
  const whole = find(key)
  if (whole) return [{ key, location: whole }]
  const manifest = await readManifest(context, key, () => find(manifestKey(key)))
  // Deleted or replaced while its list was read.
  if (manifest && find(manifestKey(key)) === undefined) return await partsOf(context, key, find)
  return manifest?.chunks.map((chunk) => {
    const location = find(chunk.key)
    if (location?.size === ENTRY.putHeaderBytes + chunk.size) return { key: chunk.key, location }
    throw missingChunk(context, key, chunk)
  })
}

/** The value as a slice of the segment's file; undefined where there is no file, where it may still change, and where it is too short. */
async function lentPiece({ storage, files, writer, lent }: Context, { location }: Part): Promise<Blob | undefined> {
  const { segment, offset, size } = location
  if (storage.blob === undefined || segment >= writer.firstOpen) return undefined
  let file = lent.get(segment)
  if (file === undefined) {
    file = storage.blob(files.path(segment))
    lent.set(segment, file)
    // Tried again the next time.
    file.catch(() => lent.delete(segment))
  }
  try {
    const blob = await file
    const end = offset + size
    return end <= blob.size ? blob.slice(offset + ENTRY.putHeaderBytes, end) : undefined
  } catch (error) {
    // The reading that comes instead says what is wrong with it.
    if (!isStoreError(error)) throw error
    return undefined
  }
}

/** Reads the value, which checks it, and gives what was lent of it, or else the bytes. */
async function checkedPiece(context: Context, { key, location }: Part, piece: Blob | undefined): Promise<Blob> {
  const bytes = await readAt(context, key, location)
  return piece ?? new Blob([bytes])
}

/** True for what is known to be damaged, or may be older than what is damaged. */
function isDoubtful({ damagedKeys, doubt }: Context, { key, location }: Part): boolean {
  return damagedKeys.has(keyHex(key)) || isBefore(location, doubt)
}
