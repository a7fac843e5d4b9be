/**
 * Taking care of the store, as tasks: verifying and repairing, collecting what has no name, compacting. Each answers with the sentence that
 * tells how it ended.
 */
import type { CollectReport, Store } from 'lodestore'
import type { Question } from './confirm.js'
import type { Names } from './names.js'
import { bytes, count, counted, percent } from './page.js'
import { addProblem } from './problems.js'
import type { Outcome, Running } from './task-panel.js'

/** Whoever presses a button wants the space back now, so segments with few dead bytes are rewritten too. */
const COMPACT_THRESHOLD = 0.05

/** One thing runs at a time here, so nothing is about to get a name; and who has deleted every file wants all of them gone. */
const COLLECT = { grace: 0, keep: [] }

/** Reads every byte. `clean` in the answer is false when something is wrong, and stays wrong. */
export async function verify(
  store: Store,
  names: Names,
  repair: boolean,
  { signal, update }: Running,
): Promise<Outcome & { clean: boolean }> {
  const onProgress = inBytes(update)
  const { clean, findings, entries, bytes: size, repaired } = await store.check({ repair, signal, onProgress })
  for (const { message, file, key, segment, offset } of findings) {
    const entry = [...names.all()].find((candidate) => candidate.key === key)
    const place =
      segment === undefined ? '' : ` (segment ${segment}${offset === undefined ? '' : `, offset ${offset}`})`
    addProblem(entry?.name ?? file ?? 'The store', `${message}${place}`, key)
  }
  if (repaired) {
    const { kept, lost } = repaired
    const sentence = `Repaired: ${count(kept)} entries kept, ${counted(lost.length, 'blob')} lost. What was touched is kept in lost+found.`
    return { clean, sentence, tone: clean ? 'good' : 'bad' }
  }
  const read = `${counted(entries, 'entry', 'entries')}, ${bytes(size)}`
  if (clean) return { clean, sentence: `All is well: ${read} read, and nothing is wrong.`, tone: 'good' }
  const found = counted(findings.length, 'thing')
  return {
    clean,
    sentence: `${found} found wrong in ${read}: see Problems. Repair keeps all that is good.`,
    tone: 'bad',
  }
}

/** What Collect would free. */
export function lookForUnnamed(store: Store, { signal }: Running): Promise<CollectReport> {
  return store.gc({ ...COLLECT, dryRun: true, signal })
}

export function foundUnnamed(found: CollectReport): string {
  if (found.count === 0) return 'There is nothing to collect: every content in the store has a name.'
  return `${contents(found)} without a name.`
}

export function askToCollect(found: CollectReport): Question {
  return {
    title: `Free ${counted(found.count, 'content')}?`,
    text: `${bytes(found.bytes)} that no file in the list needs will be removed from the store. This cannot be undone.`,
    yes: 'Free',
  }
}

/** Deletes what has no name, and gives its space back. */
export async function collect(store: Store, { signal, update }: Running): Promise<Outcome> {
  const freed = await store.gc({
    ...COLLECT,
    signal,
    onProgress: ({ done, total }) =>
      update(done / Math.max(1, total), `${count(done)} of ${counted(total, 'content')}`),
  })
  const { freedBytes } = await store.compact({ threshold: COMPACT_THRESHOLD, signal, onProgress: inBytes(update) })
  return { sentence: `${contents(freed)} freed, ${bytes(freedBytes)} of the disk given back.`, tone: 'good' }
}

export async function compact(store: Store, { signal, update }: Running): Promise<Outcome> {
  const report = await store.compact({ threshold: COMPACT_THRESHOLD, signal, onProgress: inBytes(update) })
  if (report.segments === 0) {
    const { deadBytes, logBytes } = await store.stats()
    const share = percent(deadBytes, logBytes)
    return { sentence: `There is nothing worth compacting: ${share} of the bytes are dead.`, tone: 'good' }
  }
  const { freedBytes, segments, copiedBytes } = report
  const sentence = `${bytes(freedBytes)} given back: ${counted(segments, 'segment')} rewritten, ${bytes(copiedBytes)} of live bytes copied on.`
  return { sentence, tone: 'good' }
}

/** "3 contents (1.5 MB)" */
function contents(report: CollectReport): string {
  return `${counted(report.count, 'content')} (${bytes(report.bytes)})`
}

function inBytes(update: Running['update']): (progress: { done: number; total: number }) => void {
  return ({ done, total }) => update(done / Math.max(1, total), `${bytes(done)} of ${bytes(total)}`)
}
