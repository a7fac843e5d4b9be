// @ts-check
/**
 * npm run kill -- [--times N] [--browser chromium|firefox] [--seed S]
 *
 * Kills a real browser N times, with SIGKILL and all its processes, at random moments while a page commits to a store; before each kill, in
 * turn, it ends the worker, closes the page or reloads it. After each of these the store is opened again on the same profile and must
 * hold every commit that was acknowledged, and nothing that was not made. The first fault ends the run with 1; the profile is kept.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { browserNames } from './browsers.mjs'
import { KillRun } from './kill-run.mjs'

const USAGE = `usage: npm run kill -- [--times N] [--browser ${browserNames.join('|')}] [--seed S]`
const PROGRESS_MILLISECONDS = 10_000
const OTHER_ENDINGS = /** @type {const} */ (['worker', 'page', 'reload'])

const options = parse()
if (typeof options === 'string') {
  console.error(`${options}\n${USAGE}`)
  process.exitCode = 2
} else process.exitCode = await kill(options)

/** The options, or what is wrong with them. */
function parse() {
  try {
    const { values } = parseArgs({
      options: {
        times: { type: 'string', default: '20' },
        browser: { type: 'string', default: 'chromium' },
        seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
      },
    })
    const browser = browserNames.find((name) => name === values.browser)
    if (browser === undefined) return `there is no browser "${values.browser}" here`
    const [times, seed] = [Number(values.times), Number(values.seed)]
    if (!Number.isInteger(times) || times < 1) return `--times takes a whole number, not "${values.times}"`
    if (!Number.isInteger(seed)) return `--seed takes a whole number, not "${values.seed}"`
    return { browser, times, seed }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** @param {{ browser: import('./browsers.mjs').BrowserName, times: number, seed: number }} options */
async function kill({ browser, times, seed }) {
  const started = Date.now()
  let shown = started
  const folder = await mkdtemp(join(tmpdir(), 'lodestore-kill-'))
  const run = new KillRun(browser, seed, folder)
  const endings = Array.from({ length: times }, (_, i) => OTHER_ENDINGS[i % OTHER_ENDINGS.length] ?? 'worker')
  console.log(`killing ${browser} ${times} times, seed ${seed}`)
  try {
    await run.run(
      endings.flatMap((ending) => [ending, /** @type {const} */ ('browser')]),
      () => {
        if (Date.now() - shown < PROGRESS_MILLISECONDS) return
        shown = Date.now()
        console.log(summary())
      },
    )
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.log(`${summary()}\nFAILED with seed ${seed}; the profile is in ${folder}`)
    return 1
  }
  await rm(folder, { recursive: true })
  console.log(`${summary()}; 0 lost, 0 wrong, every check clean`)
  return 0

  function summary() {
    const minutes = (Date.now() - started) / 60_000
    const rate = run.counts.browser / minutes
    const left = rate > 0 ? `, ${((times - run.counts.browser) / rate).toFixed(1)} min left` : ''
    return `${browser}: ${run.counts.browser} of ${times} kills, ${rate.toFixed(1)}/min${left}; ${run.summary}`
  }
}
