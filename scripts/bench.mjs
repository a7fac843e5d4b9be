// @ts-check
/**
 * npm run bench -- [--browser chromium|firefox] [--only NAME[,NAME]] [--rounds N] [--scale SHARE]
 *
 * Measures lodestore against other ways to keep bytes, in a real browser (e2e/bench/). A whole run is written to e2e/bench/results/ as tables and as
 * a drawing, and a summary of it between its marks in the README; one of some scenarios or of fewer values is only shown. The browser has a profile of its own on the disk: in a private
 * window the Origin Private File System is another one, and slow. `--only large` measures contents of gigabytes, which no other run does, and the
 * memory of the page meanwhile. Exits with 1 if a contestant is missing, with 2 if it was called wrongly.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { browserNames, launchBrowser } from './browsers.mjs'
import { watchMemory } from './memory.mjs'
import { servePage } from './page-server.mjs'

const USAGE = `usage: npm run bench -- [--browser ${browserNames.join('|')}] [--only NAME[,NAME]] [--rounds N] [--scale SHARE]`
const PROJECT = fileURLToPath(new URL('..', import.meta.url))
const PACKAGES = ['idb-keyval', 'dexie', '@sqlite.org/sqlite-wasm']

try {
  const options = parse()
  process.exitCode = typeof options === 'string' ? misused(options) : await bench(options)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}

/** The options, or what is wrong with them. */
function parse() {
  try {
    const { values } = parseArgs({
      options: {
        browser: { type: 'string', default: 'chromium' },
        only: { type: 'string', default: '' },
        rounds: { type: 'string', default: '5' },
        scale: { type: 'string', default: '1' },
      },
    })
    const browser = browserNames.find((name) => name === values.browser)
    if (browser === undefined) return `there is no browser "${values.browser}" here`
    const rounds = Number(values.rounds)
    if (!(Number.isInteger(rounds) && rounds > 0)) return '--rounds wants a whole number'
    const scale = Number(values.scale)
    if (!(scale > 0 && scale <= 1)) return '--scale wants a share: 0.1 is a tenth of the values'
    return { browser, only: values.only.split(',').filter((name) => name !== ''), rounds, scale }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** @param {string} why */
function misused(why) {
  console.error(`${why}\n${USAGE}`)
  return 2
}

/** @param {{ browser: import('./browsers.mjs').BrowserName, only: string[], rounds: number, scale: number }} options */
async function bench({ browser, only, rounds, scale }) {
  /** Of the step that is going on. @type {Awaited<ReturnType<typeof watchMemory>> | undefined} */
  let memory
  const endStep = () => {
    memory?.stop()
    const mebibytes = memory?.mebibytes()
    if (mebibytes !== undefined) console.log(`       memory: ${mebibytes} MiB over that at its beginning, at most`)
    memory = undefined
  }
  const server = await servePage('bench.html', {
    async progress(body) {
      const { done, total, text } = JSON.parse(body.toString())
      endStep()
      console.log(`${String(Math.round((100 * done) / total)).padStart(3)} %  ${text}`)
      // Looking costs time as well, which the short steps of a whole run must not pay for.
      if (text.startsWith('large')) memory = await watchMemory()
    },
  })
  const profile = await mkdtemp(join(tmpdir(), 'lodestore-bench-'))
  const { context, close } = await launchBrowser(browser, { profile })
  try {
    const page = await context.newPage()
    page.on('pageerror', (error) => console.error(error))
    await page.goto(server.url)
    const wrong = await page.evaluate((only) => window.misnamed(only), only)
    if (wrong !== undefined) return misused(wrong)
    const facts = await factsOf(browser, await page.evaluate(() => navigator.userAgent))
    const answer = await page.evaluate((request) => window.bench(request), { only, rounds, scale, facts })
    endStep()
    if (only.length > 0 || scale !== 1) {
      console.log(`\n${answer.markdown}`)
    } else {
      const folder = join(PROJECT, 'e2e/bench/results')
      const target = join(folder, browser)
      await mkdir(folder, { recursive: true })
      await writeFile(`${target}.md`, answer.markdown)
      await writeFile(`${target}.svg`, answer.svg)
      await writeSummary(browser, answer.summary)
      console.log(`written: e2e/bench/results/${browser}.md and .svg, README.md`)
    }
    for (const { name, text, ratio, met } of answer.goals) {
      console.log(`${met ? 'met    ' : 'NOT MET'}  ${name}: ${text}; is ${ratio?.toPrecision(3) ?? 'unknown'}`)
    }
    for (const line of answer.missing) console.error(`MISSING: ${line}`)
    return answer.missing.length === 0 ? 0 : 1
  } finally {
    memory?.stop()
    await close()
    server.close()
    await rm(profile, { recursive: true, force: true })
  }
}

/**
 * @param {import('./browsers.mjs').BrowserName} browser
 * @param {string} summary
 */
async function writeSummary(browser, summary) {
  const path = join(PROJECT, 'README.md')
  const readme = await readFile(path, 'utf8')
  const [before, rest] = readme.split(`<!-- bench ${browser} -->\n`)
  const end = rest?.indexOf('<!-- bench end -->\n') ?? -1
  if (rest === undefined || end === -1) throw new Error(`README.md has no marks for ${browser}`)
  await writeFile(path, `${before}<!-- bench ${browser} -->\n\n${summary}\n\n${rest.slice(end)}`)
}

/**
 * @param {import('./browsers.mjs').BrowserName} browser
 * @param {string} userAgent
 * @returns {Promise<import('../e2e/bench/report.js').Facts>}
 */
async function factsOf(browser, userAgent) {
  const [, name = browser, version = ''] = /(Chrome|Firefox)\/(\d+)/.exec(userAgent) ?? []
  const lock = JSON.parse(await readFile(join(PROJECT, 'package-lock.json'), 'utf8'))
  return {
    browser,
    browserVersion: `${name === 'Chrome' ? 'Chromium' : name} ${version}`,
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    system: type(),
    packages: [
      `lodestore ${lock.version}`,
      ...PACKAGES.map((name) => `${name} ${lock.packages[`node_modules/${name}`].version}`),
    ],
  }
}
