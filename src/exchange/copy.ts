/**
 * From one open store into another, content by content: the last step of every import. Every byte is checked on its way out by the source and
 * proves itself by its SHA-256 on its way in, unless the source says that keys may be chosen. Transactions of a bounded size, one after the
 * other: after a failure those that were committed are there, and of the last one nothing.
 */

import { isStoreError, throwIfAborted } from '../errors.js'
import { VALUE_BYTES_MAX } from '../format/entry.js'
import { isUserKey, keyHex, RESERVED, reservedKind } from '../format/key.js'
import { decodeManifest, manifestContent } from '../format/manifest.js'
import { decodeRef } from '../format/ref.js'
import type { Engine } from '../store/engine.js'
import type { Frozen, KeyEntry, Store, TaskOptions, Transaction } from '../types.js'
import { entriesOf, type FrozenEntry } from './entries.js'
import { quietly } from './folder.js'
import type { ImportReport, Skipped } from './report.js'

/** A transaction ends when it has this much in it. */
const BATCH_BYTES = 32 * 1024 * 1024
const BATCH_CONTENTS = 1000

/** What is copied into: an engine, or the store of a page. */
export type Target = Pick<Store, 'begin' | 'transaction'>

export async function copyContents(source: Engine, target: Target, options: TaskOptions): Promise<ImportReport> {
  const { signal, onProgress } = options
  const report: ImportReport = { contents: 0, bytes: 0, names: 0, skipped: [] }
  let tx: Transaction | undefined
  let batch = { contents: 0, bytes: 0 }
  let total = 0
  const frozen = await source.freeze()
  try {
    const entries = await entriesOf(frozen)
    report.skipped.push(...(await skippedEntries(frozen, entries)))
    for await (const { size } of source.keys()) total += size
    for await (const entry of source.keys()) {
      throwIfAborted(signal)
      tx ??= await target.begin()
      const skipped = await copyOne(source, tx, entry, frozen.keysAreHashes, signal)
      if (skipped) {
        report.skipped.push(skipped)
        continue
      }
      report.contents++
      report.bytes += entry.size
      batch = { contents: batch.contents + 1, bytes: batch.bytes + entry.size }
      if (batch.bytes >= BATCH_BYTES || batch.contents >= BATCH_CONTENTS) {
        await tx.commit()
        tx = undefined
        batch = { contents: 0, bytes: 0 }
      }
      onProgress?.({ done: report.bytes, total })
    }
    await tx?.commit()
    tx = undefined
    await copyNames(frozen, entries, target, report, signal)
  } catch (error) {
    // A store that cannot roll back says so at its next call.
    await quietly(() => tx?.rollback())
    throw error
  } finally {
    frozen.release()
  }
  report.skipped.push(...skippedByRecovery(source, report.skipped))
  return report
}

/** Why it was not copied; undefined when it was. */
async function copyOne(
  source: Engine,
  tx: Transaction,
  { key, size }: KeyEntry,
  keysAreHashes: boolean,
  signal: AbortSignal | undefined,
): Promise<Skipped | undefined> {
  const options = { expected: key, ...(signal && { signal }) }
  try {
    if (size > VALUE_BYTES_MAX) {
      const stream = await source.stream(key, signal && { signal })
      if (stream) await tx.put(stream, options)
      return undefined
    }
    const bytes = await source.get(key)
    if (bytes === undefined) return { key, message: 'it is gone' }
    if (keysAreHashes || (await sha256(bytes)) === key) await tx.put(bytes, options)
    else await tx.set(key, bytes)
    return undefined
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT') && !isStoreError(error, 'MISMATCH')) throw error
    return { ...error.where, key, message: error.message }
  }
}

/** Names come when their contents are there; each transaction has some of them. */
async function copyNames(
  frozen: Frozen,
  entries: readonly FrozenEntry[],
  target: Target,
  report: ImportReport,
  signal: AbortSignal | undefined,
): Promise<void> {
  const refs = entries.filter(({ key }) => reservedKind(key) === RESERVED.ref)
  for (let at = 0; at < refs.length; at += BATCH_CONTENTS) {
    await target.transaction(async (tx) => {
      for (const entry of refs.slice(at, at + BATCH_CONTENTS)) {
        throwIfAborted(signal)
        const message = await copyName(frozen, tx, entry)
        if (message === undefined) report.names++
        else report.skipped.push({ key: keyHex(entry.key), message })
      }
    })
  }
}

/** Why it was not copied; undefined when it was. */
async function copyName(frozen: Frozen, tx: Transaction, entry: FrozenEntry): Promise<string | undefined> {
  try {
    const ref = decodeRef(await frozen.value(entry.index))
    if (ref === undefined) return 'it has the key of a name, and is none'
    const key = keyHex(ref.key)
    if (!isUserKey(ref.key) || !(await tx.has(key))) return `the content of the name "${ref.name}" is not there: ${key}`
    await tx.refs.set(ref.name, key, ref.meta)
    return undefined
  } catch (error) {
    if (isStoreError(error, 'BAD_NAME') || isStoreError(error, 'TOO_LARGE')) return error.message
    if (!isStoreError(error, 'CORRUPT')) throw error
    return `a name cannot be read: ${error.message}`
  }
}

/** Entries of a store's own, or of another program, that cannot be taken along. */
async function skippedEntries(frozen: Frozen, entries: readonly FrozenEntry[]): Promise<Skipped[]> {
  const skipped: Skipped[] = []
  for (const entry of entries) {
    if (isUserKey(entry.key)) continue
    const kind = reservedKind(entry.key)
    // The target notes chosen keys itself, and nobody but the source can go on with an unfinished upload.
    if (kind === RESERVED.chosenKeys || kind === RESERVED.uploadPart || kind === RESERVED.ref) continue
    const message = kind === RESERVED.manifest ? await manifestFault(frozen, entry) : 'its key is reserved'
    if (message !== undefined) skipped.push({ key: keyHex(entry.key), message })
  }
  return skipped
}

async function manifestFault(frozen: Frozen, entry: FrozenEntry): Promise<string | undefined> {
  try {
    const value = await frozen.value(entry.index)
    const key = manifestContent(value)
    return key && decodeManifest(value, key) ? undefined : 'it has the key of a list of chunks, and is none'
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error
    return `the list of the chunks of a content cannot be read: ${error.message}`
  }
}

/** What opening the source found wrong in its log, or rolled back; without what is named already. */
function skippedByRecovery({ recovery }: Engine, named: readonly Skipped[]): Skipped[] {
  const keys = new Set(named.map(({ key }) => key))
  const skipped: Skipped[] = recovery.damaged
    .filter(({ kind, key }) => (kind === 'entry' || kind === 'segment') && (key === undefined || !keys.has(key)))
    .map(({ kind, size, ...place }) => place)
  const { entries, bytes } = recovery.rolledBack
  if (bytes > 0) {
    skipped.push({ message: `${bytes} bytes (${entries} entries) at the end of the log, which no COMMIT covers` })
  }
  return skipped
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return keyHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
