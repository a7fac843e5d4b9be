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

/** Drawn again after so long, until it was the same so many times. */
const DRAW_AGAIN_MS = 700
const SAME_MAX = 3

let segments: readonly SegmentStats[] = []
let drawn = ''
let drawAgain: number | undefined

details.addEventListener('toggle', drawTable)

/**
 * Draws what `ask` says, and looks again until nothing changes for a while: what a cancelled file left goes after its task has ended, and files of the
 * log after that. Throws what the first `ask` throws; a later one has no news then.
 */
export async function drawDisk(ask: () => Promise<Stats>, sameBefore = 0): Promise<void> {
  clearTimeout(drawAgain)
  const stats = await ask()
  drawStats(stats)
  await drawQuota()
  const shown = `${stats.liveBytes} of ${stats.logBytes}`
  const same = shown === drawn ? sameBefore + 1 : 0
  drawn = shown
  clearTimeout(drawAgain)
  if (same < SAME_MAX)
    drawAgain = window.setTimeout(() => void drawDisk(ask, same).catch(() => undefined), DRAW_AGAIN_MS)
}

function drawStats(stats: Stats): void {
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
async function drawQuota(): Promise<void> {
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
