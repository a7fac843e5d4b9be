/**
 * Repair: what is damaged is copied to lost+found/, then taken out of the log. One transaction writes anew what the damaged segments
 * hold that can be proven good, deletes the keys that are lost (so that no older value of them comes back), and lists the
 * segments that stay; its COMMIT is the moment of the change. Interrupted before it, nothing has happened; after it, the next opening ends the work.
 */

import { assert, throwIfAborted } from '../errors.js'
import { records } from '../format/checkpoint.js'
import { NO_SEGMENT, TAG } from '../format/entry.js'
import { isUserKey, KEY_BYTES, keyHex, RESERVED } from '../format/key.js'
import { manifestKey } from '../format/manifest.js'
import { checkpointNumber } from '../format/paths.js'
import type { Location, Table } from '../kernel/kernel.js'
import { isBefore, START } from '../log/position.js'
import { replayLog } from '../log/replay.js'
import { LogState, samePlace } from '../log/state.js'
import type { CheckReport, Damage } from '../types.js'
import { appendList } from './compaction.js'
import type { Context } from './context.js'
import type { Holders } from './holders.js'
import { ownKeys } from './index-records.js'
import { setAside } from './lost-and-found.js'
import { abandonCheckpoint, checkpointWithReserve, removeRetired } from './maintenance.js'
import { noteChosenKeys } from './provenance.js'
import { readCommitted, unlessDamaged } from './read.js'
import { readListed } from './read-content.js'
import { readRef } from './refs.js'
import type { Staging } from './staging.js'

/** Mends what `findings` (of a check just made) name. Runs in a turn of its own. Throws QUOTA when there is no room; nothing is changed then. */
export async function repairStore(
  context: Context,
  staging: Staging,
  findings: readonly Damage[],
  signal: AbortSignal | undefined,
): Promise<NonNullable<CheckReport['repaired']>> {
  const { files, state, writer, storage } = context
  await writer.roll()
  const bad = badSegments(context, findings)
  const isLogDamaged = context.degraded || findings.some(isLogDamage)
  const mismatched = findings.filter(({ kind }) => kind === 'content')
  const survivors: Uint8Array[] = []
  const lost: Uint8Array[] = []
  const doubtful = new Set<number>()
  for (const { key, location } of entriesOf(state.keys)) {
    if (!bad.has(location.segment) && files.has(location.segment) && !isBefore(location, context.doubt)) continue
    throwIfAborted(signal)
    const isMismatched = mismatched.some((finding) => samePlace(finding, location))
    if (!isMismatched && (await unlessDamaged(readCommitted(context, key))) !== undefined) {
      if (bad.has(location.segment)) survivors.push(key)
    } else {
      lost.push(key)
      if (files.has(location.segment)) doubtful.add(location.segment)
    }
  }
  await staging.holders.load()
  const contents = await contentsWith(context, staging.holders, lost)
  const aside: string[] = []
  for (const segment of new Set([...bad, ...doubtful])) {
    throwIfAborted(signal)
    aside.push(await setAside(storage, files, segment, 0))
  }
  if (isLogDamaged || bad.size > 0 || lost.length > 0) {
    const isGoing = (segment: number) => bad.has(segment) || !files.has(segment)
    // One that has neither a value nor a tombstone is a compaction's doing, which took it for replaced by what is now lost.
    const tombstones = entriesOf(state.shadows).filter(({ key, location: { segment } }) =>
      segment === NO_SEGMENT ? !state.keys.has(key) : isGoing(segment),
    )
    await staging.transact(true, async () => {
      for (const key of survivors) {
        const value = await readCommitted(context, key)
        assert(value !== undefined, 'a key that survives has a value')
        await staging.append(TAG.put, key, value)
      }
      for (const key of lost) await staging.append(TAG.delete, key)
      // What told that keys are chosen may be among what is lost.
      if (isLogDamaged) await noteChosenKeys(staging)
      for (const { key } of tombstones) await staging.append(TAG.delete, key)
      const missing = [...state.segments.keys()].filter((segment) => !files.has(segment))
      await appendList(context, staging, [...bad, ...missing])
    })
    // Until the state is made anew, which the disk may refuse: no checkpoint may be of this one, nor is anything compacted by it.
    context.degraded = true
    staging.holders.forget()
    // At once: a copy that begins from here on is without them. One that began before, and Blobs, hold them.
    context.retired.push(...bad)
    await abandonCheckpoint(context)
    await removeRetired(context, [...bad])
  }
  await startAfresh(context, staging)
  return {
    kept: survivors.filter((key) => isUserKey(key)).length,
    lost: contents,
    setAside: aside,
  }
}

/** The users' contents that one of these entries belongs to. (Whose a list of chunks was that is lost, only a name of the content tells.) */
async function contentsWith(context: Context, { lists }: Holders, lost: readonly Uint8Array[]): Promise<string[]> {
  if (lost.length === 0) return []
  const entries = new Set(lost.map((key) => keyHex(key)))
  const whole = lost.filter((key) => isUserKey(key) && lists.committed(key) === 0)
  const contents = new Set(whole.map((key) => keyHex(key)))
  for (const name of ownKeys(context.state, [RESERVED.manifest])) {
    const manifest = await readListed(context, name)
    if (manifest?.chunks.some(({ key }) => entries.has(keyHex(key)))) contents.add(keyHex(manifest.key))
  }
  for (const name of ownKeys(context.state, [RESERVED.ref])) {
    const ref = await unlessDamaged(readRef(context, name, (key) => context.state.keys.find(key)))
    if (ref && entries.has(keyHex(manifestKey(ref.key)))) contents.add(keyHex(ref.key))
  }
  return [...contents]
}

/** True for damage of the log itself: then an entry is missing, and nobody knows which. */
export function isLogDamage({ kind }: Damage): boolean {
  return kind === 'entry' || kind === 'segment'
}

/** Segments with damage in them, files that are no part of the log, and ends of it that never were: what a crash and damage together left. */
function badSegments(context: Context, findings: readonly Damage[]): Set<number> {
  const { files, state, writer, recovery, outlived, retired, degraded, uncut } = context
  // A log that was damaged when it was opened may have retired what it should not have: that is set aside as well.
  const gone = new Set(degraded ? outlived : [...outlived, ...retired])
  const bad = new Set<number>()
  for (const { segment } of [...findings, ...recovery.damaged]) {
    if (segment !== undefined && files.has(segment) && segment < writer.position.segment) bad.add(segment)
  }
  for (const segment of files.list()) {
    const isSound = state.segments.has(segment) && !uncut.has(segment)
    if (segment < writer.position.segment && !isSound && !gone.has(segment)) bad.add(segment)
  }
  return bad
}

/** The state as the mended log gives it, a head that says so, and a checkpoint. */
async function startAfresh(context: Context, staging: Staging): Promise<void> {
  const { storage, files, kernel, id, writer, head, recovery, unfinished } = context
  const fresh = new LogState(kernel, context.seed)
  await replayLog({ files, kernel, state: fresh, id, durable: writer.position })
  fresh.transaction = Math.max(fresh.transaction, writer.transaction)
  context.state = fresh
  context.degraded = false
  staging.holders.forget()
  context.doubt = START
  context.uncut = new Set()
  context.damagedKeys.clear()
  context.unsound.clear()
  recovery.damaged.length = 0
  head.reset({ transaction: fresh.transaction, ...writer.end })
  await head.flush()
  // Those that the opening passed over, while there was damage.
  for (const name of await storage.list('')) {
    const number = checkpointNumber(name)
    if (number !== undefined && number !== context.checkpoint?.segment) unfinished.add(number)
  }
  await checkpointWithReserve(context)
}

function entriesOf(table: Table): { key: Uint8Array; location: Location }[] {
  const block = table.entries().slice()
  return Array.from(records(block), (location) => ({
    key: block.slice(location.at, location.at + KEY_BYTES),
    location,
  }))
}
