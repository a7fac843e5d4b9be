// @ts-check
/**
 * How much memory a page needs: that of all processes of the browser but its main one, which keeps whatever Playwright hears of the network. Looked at
 * again and again, the most of it is kept. Only Linux tells (in /proc); elsewhere there is no figure. Called by prove.mjs and bench.mjs.
 */
import { readdir, readFile } from 'node:fs/promises'

const EVERY_MILLISECONDS = 200

/**
 * Begins to watch. `mebibytes` is the most so far over what it was at the beginning, undefined where nobody knows.
 * @returns {Promise<{ mebibytes: () => number | undefined, stop: () => void }>}
 */
export async function watchMemory() {
  const start = await kibibytesNow()
  let most = start
  let isLooking = false
  const timer = setInterval(async () => {
    if (isLooking) return
    isLooking = true
    const now = await kibibytesNow()
    if (now !== undefined && (most === undefined || now > most)) most = now
    isLooking = false
  }, EVERY_MILLISECONDS)
  return {
    mebibytes: () => (start === undefined || most === undefined ? undefined : Math.round((most - start) / 1024)),
    stop: () => clearInterval(timer),
  }
}

/** What is theirs alone and their part of what they share; files that are only mapped do not count. */
async function kibibytesNow() {
  const parents = await parentsByProcess()
  if (parents === undefined) return undefined
  let sum = 0
  for (const id of parents.keys()) {
    if (!isBelowBrowser(id, parents)) continue
    // A process may end at any time.
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '')
    for (const [, kibibytes] of rollup.matchAll(/^Pss_(?:Anon|Shmem): +(\d+) kB$/gm)) sum += Number(kibibytes)
  }
  return sum
}

/** @returns {Promise<Map<number, number> | undefined>} */
async function parentsByProcess() {
  const names = await readdir('/proc').catch(() => undefined)
  if (names === undefined) return undefined
  /** @type {Map<number, number>} */
  const parents = new Map()
  for (const name of names.filter((name) => /^\d+$/.test(name))) {
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
    const parent = /^PPid:\s+(\d+)$/m.exec(status)?.[1]
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  return parents
}

/**
 * True for what a child of this process has started.
 * @param {number} id
 * @param {Map<number, number>} parents
 */
function isBelowBrowser(id, parents) {
  let at = parents.get(id)
  if (at === process.pid) return false
  while (at !== undefined && at !== process.pid) at = parents.get(at)
  return at === process.pid
}
