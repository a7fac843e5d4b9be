/** The commands that look at a store as a whole: check, repair, stats. */

import type { CheckReport, Damage, Stats } from '../types.js'
import { answer, type Call, type Command, EXIT, JSON_OPTION, withStore } from './command.js'
import { readable, task } from './terminal.js'

export const check: Command = {
  operands: 'STORE',
  counts: { least: 1, most: 1 },
  summary: 'read every byte of a store and say what is wrong',
  details: [
    'Opening a store finishes what a crash interrupted, and mends its head, checkpoint and config; what it found is listed too. Nothing else is changed.',
    'The exit code is 1 when anything is wrong.',
  ],
  options: { json: JSON_OPTION },
  run: (call) => inspect(call, false),
}

export const repair: Command = {
  operands: 'STORE',
  counts: { least: 1, most: 1 },
  summary: 'check a store, and keep what can be proven good',
  details: [
    'What is touched is copied to lost+found/ in the store first. Keys that could not be saved are listed as lost.',
    'The exit code is 0 when nothing was wrong, and 1 when there was something to repair, or there still is.',
  ],
  options: { json: JSON_OPTION },
  run: (call) => inspect(call, true),
}

export const stats: Command = {
  operands: 'STORE',
  counts: { least: 1, most: 1 },
  summary: 'print how much is in a store, and how much room it takes',
  details: [],
  options: { json: JSON_OPTION },
  run: (call) =>
    withStore(call, async (store) => {
      const numbers = await store.stats()
      await answer(call, { id: store.id, ...numbers }, () => statsLines(store.id, numbers))
      return EXIT.fine
    }),
}

async function inspect(call: Call, repair: boolean): Promise<number> {
  return await withStore(call, async (store) => {
    // What opening mended is found no more.
    const found = [...store.recovery.damaged]
    const report = await task(call.terminal, 'checking', (options) => store.check({ ...options, repair }))
    const isNew = ({ message, segment, offset }: Damage) =>
      !found.some((old) => old.message === message && old.segment === segment && old.offset === offset)
    const findings = [...found, ...report.findings.filter(isNew)]
    await answer(call, { ...report, findings }, () => reportLines(report, findings))
    return findings.length === 0 && report.clean ? EXIT.fine : EXIT.found
  })
}

function reportLines(report: CheckReport, findings: Damage[]): string[] {
  const lines = findings.map(damageLine)
  lines.push(`${report.entries} entries (${readable(report.bytes)}) read, ${findings.length} found wrong`)
  const { repaired } = report
  if (repaired === undefined) {
    if (!report.clean) lines.push('keep what is good, and set aside the rest: lodestore repair STORE')
    return lines
  }
  lines.push(...repaired.lost.map((key) => `lost: ${key}`), ...repaired.setAside.map((file) => `set aside: ${file}`))
  lines.push(
    `${repaired.kept} kept, ${repaired.lost.length} lost; ${report.clean ? 'the store is sound' : 'NOT sound'}`,
  )
  return lines
}

function damageLine({ kind, message, key, segment, offset, file }: Damage): string {
  const places = Object.entries({ key, segment, offset, file }).filter(([, value]) => value !== undefined)
  return [`${kind}: ${message}`, ...places.map(([name, value]) => `${name} ${value}`)].join('; ')
}

function statsLines(id: string, stats: Stats): string[] {
  return [
    `id            ${id}`,
    `contents      ${stats.count}, ${readable(stats.bytes)}`,
    `log           ${readable(stats.logBytes)} in ${stats.segments.length} segments`,
    `live, dead    ${readable(stats.liveBytes)}, ${readable(stats.deadBytes)}`,
    `transactions  ${stats.transactions}`,
  ]
}
