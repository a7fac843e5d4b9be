/**
 * What the store takes on disk: its segments as bars of live and dead bytes, the same in figures, and the share of the quota.
 * Drawn anew from `store.stats()`; the panel has its size from the start, so nothing on the page moves when it fills.
 */
import type { SegmentStats, Stats } from 'lodestore'
import { bytes, count, counted, element, percent } from './page.js'

const bars = element('bars', HTMLElement)
const details = element('segments-details', HTMLDetailsElement)
const table = element('segments-table', HTMLElement)

/** More bars than this are not told apart; neighbours then share one. */
const BARS_MAX = 64

let segments: readonly SegmentStats[] = []

details.addEventListener('toggle', drawTable)

export function drawStats(stats: Stats): void {
  segments = stats.segments
  element('live-bytes', HTMLElement).textContent = bytes(stats.liveBytes)
  element('dead-bytes', HTMLElement).textContent =
    `${bytes(stats.deadBytes)} (${percent(stats.deadBytes, stats.logBytes)})`
  element('segment-count', HTMLElement).textContent = count(segments.length)
  element('blob-count', HTMLElement).textContent = count(stats.count)
  const summary =
    `${counted(segments.length, 'segment')}, ${bytes(stats.logBytes)} in all: ${bytes(stats.liveBytes)} live, ` +
    `${bytes(stats.deadBytes)} dead (${percent(stats.deadBytes, stats.logBytes)})`
  bars.setAttribute('aria-label', summary)
  drawBars()
  drawTable()
}

function drawBars(): void {
  const each = Math.max(1, Math.ceil(segments.length / BARS_MAX))
  const groups: SegmentStats[][] = []
  for (let at = 0; at < segments.length; at += each) groups.push(segments.slice(at, at + each))
  const sums = groups.map((group) => ({
    name:
      group.length > 1 ? `Segments ${group[0]?.segment} to ${group.at(-1)?.segment}` : `Segment ${group[0]?.segment}`,
    size: sum(group, 'bytes'),
    live: sum(group, 'liveBytes'),
  }))
  const largest = Math.max(1, ...sums.map(({ size }) => size))
  bars.replaceChildren(
    ...sums.map(({ name, size, live }) => {
      const bar = document.createElement('span')
      bar.className = 'bar'
      bar.title = `${name}: ${bytes(live)} live, ${bytes(size - live)} dead`
      bar.style.blockSize = `${(100 * size) / largest}%`
      bar.style.setProperty('--live-share', `${(100 * live) / Math.max(1, size)}%`)
      return bar
    }),
  )
}

/** The same for those who cannot see or hover. Only made while it is open. */
function drawTable(): void {
  const rows = details.open ? segments : []
  table.replaceChildren(
    ...rows.map(({ segment, bytes: size, liveBytes }) => {
      const row = document.createElement('tr')
      for (const value of [count(segment), bytes(size), bytes(liveBytes), bytes(size - liveBytes)]) {
        row.insertCell().textContent = value
      }
      return row
    }),
  )
}

/** Asks the browser how much of its room this site has used. */
export async function drawQuota(): Promise<void> {
  const text = element('quota-text', HTMLElement)
  const { usage, quota } = await navigator.storage.estimate()
  if (usage === undefined || !quota) {
    text.textContent = 'This browser does not say.'
    return
  }
  element('quota-meter', HTMLMeterElement).value = usage / quota
  text.textContent = `${bytes(usage)} of ${bytes(quota)} used (${percent(usage, quota)})`
}

function sum(group: readonly SegmentStats[], field: 'bytes' | 'liveBytes'): number {
  return group.reduce((total, segment) => total + segment[field], 0)
}
