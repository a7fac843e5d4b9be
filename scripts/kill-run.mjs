// @ts-check
/**
 * The rounds of `npm run kill`. In each a page of a real browser opens the store and tells what is in it, then does step after step until the
 * ending of the round cuts in. A step is handed out only when the page has acknowledged the one before, so what is acknowledged is
 * known here whatever dies. A late word from a page that is gone still counts. Called by kill.mjs.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { KillModel } from './kill-model.mjs'
import { KillSteps } from './kill-steps.mjs'
import { launchKillableBrowser, lostDirectory } from './killable-browser.mjs'
import { servePage } from './page-server.mjs'
import { Random } from './values.mjs'

/** @typedef {'browser' | 'worker' | 'page' | 'reload'} Ending */
/** When a round ends: `delay` ms after this step was handed out. Number 0 is the opening. @typedef {{ step: number, delay: number }} Moment */
/** @typedef {{ round: number, step?: number, found?: import('../e2e/pages/kill.js').Found }} Question */
/** @typedef {{ round: number, code?: string, message: string }} Failure */

const STEPS_MAX = 60
const DELAY_MILLISECONDS_MAX = 30
/** An opening takes longer than a commit. */
const OPENING_MILLISECONDS_MAX = 200
/** A round takes seconds. After this nothing will happen any more. */
const ROUND_MILLISECONDS_MAX = 180_000

export class KillRun {
  /** Endings so far. @type {Record<Ending, number>} */
  counts = { browser: 0, worker: 0, page: 0, reload: 0 }
  #name
  #folder
  #random
  #steps
  #model = new KillModel()
  #lastStep = 0
  #round = { number: 0, handed: 0, over: false, end: { step: 0, delay: 0 }, strike() {} }
  /** @type {Ending | undefined} */
  #lastEnding
  /** @type {Error | undefined} */
  #failure
  /** The store itself told of the damage that made the round fail. */
  #wasReported = false
  /** How often the browser lost files of its own accord. */
  directoriesLost = 0

  /**
   * @param {import('./browsers.mjs').BrowserName} name
   * @param {number} seed
   * @param {string} folder for the browser's profile
   */
  constructor(name, seed, folder) {
    this.#name = name
    this.#folder = folder
    this.#random = new Random(seed)
    this.#steps = new KillSteps(new Random(seed + 1))
  }

  /** What has been done so far, in one line. */
  get summary() {
    const { commitsAcknowledged, cutOff } = this.#model
    const { browser, worker, page, reload } = this.counts
    const endings = `ended: browser ${browser}, worker ${worker}, page ${page}, reload ${reload}`
    const flying = `${cutOff.there + cutOff.gone} cut off in flight (${cutOff.there} there, ${cutOff.gone} not)`
    const lost = this.directoriesLost > 0 ? `; the browser lost its directory ${this.directoriesLost} times` : ''
    return `${endings}; commits: ${commitsAcknowledged} acknowledged, ${flying}${lost}`
  }

  /**
   * One round for each ending, and a last one that only looks. Rejects with what was found wrong.
   * @param {Ending[]} endings
   * @param {() => void} onEnding
   */
  async run(endings, onEnding) {
    const server = await servePage('kill.html', {
      step: (body) => this.#step(JSON.parse(String(body))),
      failed: (body) => this.#failed(JSON.parse(String(body))),
    })
    let browser = await launchKillableBrowser(this.#name, this.#folder)
    const open = async () => {
      browser.context.setDefaultTimeout(ROUND_MILLISECONDS_MAX)
      const page = await browser.context.newPage()
      await page.goto(server.url)
      return page
    }
    try {
      let page = await open()
      for (const ending of endings) {
        while (!(await this.#survives(() => this.#play(page, this.#draw())))) {
          await browser.close()
          browser = await this.#startAfresh()
          page = await open()
        }
        this.#round.over = true
        if (ending === 'worker') await page.evaluate(() => window.endWorker())
        else if (ending === 'reload') await page.reload()
        else {
          if (ending === 'page') await page.close()
          else {
            await browser.kill()
            browser = await launchKillableBrowser(this.#name, this.#folder)
          }
          page = await open()
        }
        this.counts[ending]++
        this.#lastEnding = ending
        onEnding()
      }
      await this.#play(page, { step: 1, delay: 0 })
    } finally {
      await browser.close()
      server.close()
    }
  }

  /**
   * False when what was found wrong is the browser's own loss, and the store said so: it is counted, and there is no store to go on with.
   * @param {() => Promise<void>} play
   */
  async #survives(play) {
    try {
      await play()
      return true
    } catch (error) {
      if (!this.#wasReported || !(await lostDirectory(join(this.#folder, 'profile')))) throw error
      this.directoriesLost++
      return false
    }
  }

  async #startAfresh() {
    await rm(join(this.#folder, 'profile'), { recursive: true })
    this.#model.forget()
    this.#failure = undefined
    this.#wasReported = false
    return await launchKillableBrowser(this.#name, this.#folder)
  }

  /** @returns {Moment} */
  #draw() {
    const random = this.#random
    if (random.below(5) === 0) return { step: 0, delay: random.below(OPENING_MILLISECONDS_MAX) }
    return { step: 1 + random.below(STEPS_MAX), delay: random.fraction() ** 2 * DELAY_MILLISECONDS_MAX }
  }

  /**
   * Plays a round up to its end.
   * @param {import('@playwright/test').Page} page
   * @param {Moment} end
   */
  async #play(page, end) {
    const number = this.#round.number + 1
    /** @type {NodeJS.Timeout | undefined} */
    let patience
    await new Promise((resolve) => {
      this.#round = { number, handed: 0, over: false, end, strike: () => resolve(undefined) }
      patience = setTimeout(() => this.#fail('nothing happened any more'), ROUND_MILLISECONDS_MAX)
      // When the round is over before this is answered, what ends it may take the answer with it.
      page
        .evaluate((number) => window.startRound(number), number)
        .catch((error) => this.#round.over || this.#fail(`${error}`))
    })
    clearTimeout(patience)
    if (this.#failure !== undefined) throw this.#failure
  }

  /**
   * The page has done a step and wants another; null if there is none.
   * @param {Question} question
   * @returns {import('./kill-steps.mjs').Step | null}
   */
  #step({ round: number, step, found }) {
    if (step !== undefined) this.#model.acknowledge(step)
    const round = this.#round
    if (number !== round.number) return null
    if (found !== undefined) this.#settle(found)
    if (this.#failure !== undefined) return null
    if (round.handed === round.end.step) setTimeout(round.strike, round.end.delay)
    round.handed++
    const id = ++this.#lastStep
    if (round.handed === 1) return { id, kind: 'inspect' }
    const action = this.#steps.draw(this.#model.keys)
    this.#model.begin(id, action.kind === 'commit' ? action.commits : [])
    return { id, ...action }
  }

  /** @param {import('../e2e/pages/kill.js').Found} found */
  #settle({ content, findings }) {
    this.#wasReported ||= findings.length > 0
    const faults = [...this.#model.settle(new Map(content)), ...findings.map((finding) => `check: ${finding}`)]
    if (faults.length > 0) this.#fail(faults.join('\n'))
  }

  /** @param {Failure} failure */
  #failed({ round, code, message }) {
    const ended = round !== this.#round.number || this.#round.over
    // What is cut off may fail as it likes, but not with an error of the store.
    this.#wasReported ||= code === 'CORRUPT'
    if (!ended || (code !== undefined && code !== 'WORKER_DIED'))
      this.#fail(code === undefined ? message : `${code}: ${message}`)
  }

  /** @param {string} why */
  #fail(why) {
    this.#failure ??= new Error(`round ${this.#round.number}, after ${this.#lastEnding ?? 'nothing'}: ${why}`)
    this.#round.strike()
  }
}
