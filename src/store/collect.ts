/**
 * Collecting: deletes the contents that no name reaches. It looks in a turn of its own and deletes in transactions of a bounded size,
 * between which others have their turn; each content is looked at again in the transaction that deletes it.
 */

import { StoreError, throwIfAborted } from '../errors.js'
import { records } from '../format/checkpoint.js'
import { isUserKey, KEY_BYTES, parseKey, RESERVED } from '../format/key.js'
import { manifestKey } from '../format/manifest.js'
import type { Table } from '../kernel/kernel.js'
import type { Position } from '../log/position.js'
import { valueBytes } from '../log/state.js'
import type { CollectOptions, CollectReport } from '../types.js'
import type { Contents } from './contents.js'
import type { Context } from './context.js'
import type { Holders } from './holders.js'
import { contentRecords } from './index-records.js'
import type { WriteQueue } from './queue.js'
import { readListed } from './read-content.js'
import type { Staging } from './staging.js'
import type { Uploads } from './uploads.js'

const GRACE_MILLISECONDS = 10 * 60_000
const KEYS_AT_ONCE = 2000

/** The parts of an engine that collecting works with. */
export interface Collecting {
  context: Context
  staging: Staging
  contents: Contents
  uploads: Uploads
  queue: WriteQueue
}

export async function collect(
  { context, staging, contents, uploads, queue }: Collecting,
  options: CollectOptions,
): Promise<CollectReport> {
  const { dryRun = false, grace = GRACE_MILLISECONDS, keep, signal, onProgress } = options
  throwIfAborted(signal)
  if (!(grace >= 0)) throw new TypeError(`grace is a number of milliseconds from 0 on, not ${grace}`)
  const { kernel, seed } = context
  const { holders } = staging
  const kept = kernel.table(seed)
  for (const key of keep ?? []) kept.set(parseKey(key), 0, 0, 0, 0)
  const { unwanted, bytes, isSpared } = await queue.turn(async () => {
    if (keep === undefined && context.state.ownCount(RESERVED.ref) === 0) {
      throw new TypeError(
        'no content here has a name, so all would be collected; name what stays (refs), or give keep: []',
      )
    }
    // What uploads have left would be in the way of what is found, and is not to be counted.
    await uploads.sweep()
    // What could not be read when the holders were counted may have been replaced or deleted since.
    if (holders.isPartial) holders.forget()
    await holders.load()
    if (holders.isPartial || context.degraded) {
      const message = 'the store is damaged, so what holds what is not known; check({ repair: true }) first'
      throw new StoreError('CORRUPT', message)
    }
    const isRecent = context.recency.since(grace)
    const isSpared = (key: Uint8Array, place: Position): boolean => kept.has(key) || isRecent(key, place)
    const unwanted = await find(context, holders, isSpared)
    return { unwanted, bytes: heldOnlyBy(unwanted, holders, kernel.table(seed)), isSpared }
  })
  if (dryRun) return { count: unwanted.length, bytes }
  const report = { count: 0, bytes: 0 }
  for (let at = 0; at < unwanted.length; at += KEYS_AT_ONCE) {
    throwIfAborted(signal)
    const some = unwanted.slice(at, at + KEYS_AT_ONCE)
    await queue.turn(async () => {
      const before = context.state.userBytes
      let count = 0
      await staging.transact(true, async () => {
        count = 0
        for (const { key } of some) {
          const place = staging.find(key) ?? staging.find(manifestKey(key))
          if (!place || holders.names.count(key) > 0 || isSpared(key, place)) continue
          if (await contents.delete(key)) count++
        }
      })
      report.count += count
      report.bytes += before - context.state.userBytes
    })
    onProgress?.({ done: at + some.length, total: unwanted.length })
  }
  return report
}

/** A content without a holder: one entry, or chunks. */
interface Unwanted {
  key: Uint8Array
  parts: { key: Uint8Array; size: number }[]
}

async function find(
  context: Context,
  holders: Holders,
  isSpared: (key: Uint8Array, place: Position) => boolean,
): Promise<Unwanted[]> {
  const isWanted = (key: Uint8Array, place: Position) => holders.names.count(key) > 0 || isSpared(key, place)
  const block = contentRecords(context.state, holders)
  const found: Unwanted[] = []
  for (const record of records(block)) {
    const { at } = record
    if (isUserKey(block, at)) {
      const key = block.slice(at, at + KEY_BYTES)
      if (!isWanted(key, record)) found.push({ key, parts: [{ key, size: valueBytes(record) }] })
    } else {
      const manifest = await readListed(context, block.subarray(at, at + KEY_BYTES))
      if (manifest && !isWanted(manifest.key, record)) found.push({ key: manifest.key, parts: manifest.chunks })
    }
  }
  return found
}

/** Bytes of the parts that stand in no other list than those of `contents`. (A name may hold one itself, whose own list a repair had to give up.) */
function heldOnlyBy(contents: readonly Unwanted[], { lists, names }: Holders, met: Table): number {
  let bytes = 0
  for (const { parts } of contents) {
    for (const { key, size } of parts) {
      const count = (met.find(key)?.size ?? 0) + 1
      met.set(key, 0, 0, 0, count)
      if (count === Math.max(lists.committed(key), 1) && names.committed(key) === 0) bytes += size
    }
  }
  return bytes
}
