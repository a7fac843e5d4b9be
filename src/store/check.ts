/**
 * Reads the whole store and says what is wrong: the log is replayed from nothing into a state of its own, which must agree with the one
 * in use. Damage becomes findings; only an abort or an I/O error of the disk itself ends it early.
 */

import { StoreError, throwIfAborted } from '../errors.js'
import { ENTRY, TAG } from '../format/entry.js'
import { isUserKey, KEY_BYTES, keyHex, sameKey } from '../format/key.js'
import { checkpointFile, HEAD_FILE } from '../format/paths.js'
import { loadCheckpoint } from '../log/checkpoint.js'
import { cutSegment } from '../log/findings.js'
import type { Batch } from '../log/reader.js'
import { replayLog } from '../log/replay.js'
import { LogState } from '../log/state.js'
import { unlessAbsent } from '../storage/use.js'
import type { CheckOptions, CheckReport, Damage } from '../types.js'
import { checkConfig, mendConfig } from './config-file.js'
import type { Context } from './context.js'
import { differences } from './differences.js'
import { flushLog } from './flush.js'
import { keysAreHashes } from './provenance.js'
import { isLogDamage, repairStore } from './repair.js'
import type { Staging } from './staging.js'

/** Checks, and with `repair` mends what was found and checks again. */
export async function checkStore(context: Context, staging: Staging, options: CheckOptions): Promise<CheckReport> {
  const report = await inspectStore(context, options.signal, options.onProgress)
  // After a crash the end of a damaged log would look torn, were what the head says not on the disk.
  if (report.findings.some(isLogDamage)) await context.head.flush()
  if (!options.repair) return report
  if (report.clean && !context.degraded) return { ...report, repaired: { kept: 0, lost: [], setAside: [] } }
  if (context.frozenCount > 0) {
    throw new StoreError('LOCKED', 'the store is being exported; repair it when that has ended, or end it')
  }
  await mendConfig(context, report.findings)
  const repaired = await repairStore(context, staging, report.findings, options.signal)
  const { clean } = await inspectStore(context, options.signal)
  return { ...report, clean, repaired }
}

async function inspectStore(
  context: Context,
  signal: AbortSignal | undefined,
  tell?: CheckOptions['onProgress'],
): Promise<CheckReport> {
  throwIfAborted(signal)
  await flushLog(context)
  const { state, files, kernel, writer } = context
  const fresh = new LogState(kernel, 0n)
  const total = state.totals().bytes
  // By place, as the replay may start again.
  const mismatched = new Map<string, Damage>()
  const hashed = await keysAreHashes(context)
  const onBatch = (segment: number, batch: Batch, replayedBytes: number): void => {
    throwIfAborted(signal)
    if (hashed) for (const found of mismatches(segment, batch)) mismatched.set(`${segment}:${found.offset}`, found)
    tell?.({ done: Math.min(replayedBytes, total), total })
  }
  const { id } = context
  const durable = writer.position
  const { replayed, damaged: findings } = await replayLog({ files, kernel, state: fresh, id, durable, onBatch })
  findings.push(...cutSegments(state, fresh, findings))
  // Where entries are missing, the one may be among them that says that keys are chosen.
  if (!context.degraded && !findings.some(isLogDamage)) findings.push(...mismatched.values())
  for (const { key } of findings) if (key !== undefined) context.damagedKeys.add(key)
  // A list that was read before may be damaged by now, and only who reads it again meets that.
  if (findings.length > 0) context.manifests.clear()
  if (!context.degraded) findings.push(...differences(context.state, fresh))
  findings.push(...(await checkHead(context)), ...(await checkCheckpoint(context)), ...(await checkConfig(context)))
  return { clean: findings.length === 0, entries: replayed.entries, bytes: replayed.bytes, findings }
}

/** Cut between two entries, a segment looks like a log that never went on; but the state in use remembers that it did. */
function cutSegments(state: LogState, fresh: LogState, findings: readonly Damage[]): Damage[] {
  const cut: Damage[] = []
  for (const [segment, { bytes }] of state.segments) {
    const end = fresh.segments.get(segment)?.bytes ?? 0
    if (end >= bytes || findings.some((found) => found.segment === segment)) continue
    cut.push(cutSegment(segment, end, bytes))
  }
  return cut
}

/** PUTs of contents that are not what their key says: written wrong, as their checksum agrees. */
function mismatches(segment: number, { count, records, bytes, arena, base }: Batch): Damage[] {
  const puts: number[] = []
  for (let i = 0; i < count; i++) {
    const at = records[i * 3] as number
    if (records[i * 3 + 2] === TAG.put && isUserKey(bytes, at + ENTRY.key)) puts.push(i)
  }
  const digests = arena.sha256Batch(
    puts.flatMap((i) => [
      (records[i * 3] as number) + ENTRY.putHeaderBytes,
      (records[i * 3 + 1] as number) - ENTRY.putHeaderBytes,
    ]),
  )
  const found: Damage[] = []
  puts.forEach((i, nth) => {
    const at = records[i * 3] as number
    const keyAt = at + ENTRY.key
    if (sameKey(bytes, keyAt, digests, nth * KEY_BYTES)) return
    const message = 'the content does not match its SHA-256'
    found.push({ kind: 'content', message, key: keyHex(bytes, keyAt), segment, offset: base + at })
  })
  return found
}

async function checkHead({ head, state, degraded }: Context): Promise<Damage[]> {
  await head.revive()
  const { head: read, unreadable } = head.read()
  if (degraded || (read?.transaction === state.transaction && unreadable === 0)) return []
  const message =
    unreadable > 0
      ? 'a slot of the head cannot be read'
      : `the head tells of transaction ${read?.transaction}, the log of ${state.transaction}`
  return [{ kind: 'head', file: HEAD_FILE, message }]
}

async function checkCheckpoint({ storage, kernel, checkpoint, id, crc }: Context): Promise<Damage[]> {
  if (checkpoint === undefined) return []
  const file = checkpointFile(checkpoint.segment)
  const load = await unlessAbsent(loadCheckpoint(storage, file, new LogState(kernel, 0n), id, crc))
  if (load?.kind === 'loaded') return []
  const message = load ? 'the checkpoint does not match its checksum' : 'the checkpoint is missing'
  return [{ kind: 'checkpoint', file, message }]
}
