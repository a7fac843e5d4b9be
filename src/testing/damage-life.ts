/**
 * Damage, and life after it: a store works, is damaged, closed or open, works on, is opened again, crashes, and is repaired; which a crash may
 * cut off, or the disk refuse. Nothing certain is lost and nothing wrong is read, at any time; after the repair nothing is uncertain any more.
 * One stroke of damage at a time, or two at once: what another one may hide of the life since the first is told in RELIABILITY.md.
 */

import { isStoreError } from '../errors.js'
import { checkpointNumber, HEAD_FILE } from '../format/paths.js'
import { type Engine, openEngine } from '../store/engine.js'
import type { CheckReport, Damage } from '../types.js'
import type { Files } from './damage.js'
import { type Answer, givenUp, type Known, knownOf, NOTHING, type Thing, Universe } from './damage-certainty.js'
import { CHOSEN, drawChange, NAMES } from './damage-changes.js'
import { type Stroke, strike } from './damage-strokes.js'
import { Random } from './random.js'
import type { RecyclingKernel } from './recycling-kernel.js'
import { type Loss, SimulatedDisk, type Snapshot } from './simulated-disk.js'
import { changesDisk, FAULTS } from './simulated-opfs.js'
import { poolOf } from './workload-draws.js'
import { ENGINE_OPTIONS, TORTURE_SHAPE } from './workload-shape.js'

const LOSSES: readonly Loss[] = ['nothing', 'everything', 'something']
/** Of what happened, a failure tells so much. */
const STORY_LINES = 80

/** One store's life of so many rounds, each with damage in it; answers how many times it was opened behind damage or a crash. */
export async function liveDamaged(kernel: RecyclingKernel, seed: number, rounds: number): Promise<number> {
  const life = new DamagedLife(kernel, seed)
  try {
    for (let round = 0; round < rounds; round++) await life.round()
  } catch (error) {
    const story = life.story.slice(-STORY_LINES).join('\n')
    throw new Error(`damaged life: ${(error as Error).message}\n${story}`, { cause: error })
  }
  return life.openings
}

class DamagedLife {
  readonly story: string[] = []
  openings = 0
  readonly #kernel: RecyclingKernel
  readonly #random: Random
  readonly #pool = poolOf(TORTURE_SHAPE)
  readonly #universe = new Universe(this.#pool, CHOSEN, NAMES)
  #disk = new SimulatedDisk()
  #engine: Engine | undefined
  /** The states that a crash may leave, oldest first: from the last one acknowledged as durable to the newest. */
  #history: Known[] = [NOTHING]
  /** Not yet known which of them it has left. */
  #isAfterCrash = false
  #isDamaged = false
  #isRepairing = false
  /** What is written now stands in a segment behind damage that the store has not met: behind a gap of a length that nobody knows. */
  #isBehindGap = false
  /** The store's files as they were at the end of earlier rounds. */
  readonly #earlier: Files[] = []

  constructor(kernel: RecyclingKernel, seed: number) {
    this.#kernel = kernel
    this.#random = new Random(seed)
  }

  async round(): Promise<void> {
    const random = this.#random
    this.story.push('a round')
    await this.#open()
    await this.#work(random.below(14))
    if (random.chance(0.4)) await this.#damageOpen()
    else await this.#damageClosed()
    for (let i = random.below(5); i > 0; i--) {
      await this.#work(random.below(6))
      await this.#pass()
    }
    await this.#repair()
  }

  get #running(): Engine {
    if (this.#engine === undefined) throw new Error('the store is not open')
    return this.#engine
  }

  get #known(): Known {
    return this.#history.at(-1) as Known
  }

  async #open(): Promise<void> {
    if (this.#engine) return
    this.#kernel.recycle()
    this.#engine = await openEngine(this.#disk, {
      ...ENGINE_OPTIONS,
      kernel: this.#kernel,
      random: (bytes) => bytes.set(this.#random.bytes(bytes.length)),
    })
    // Behind damage that an opening meets the log goes on in a segment of its own.
    this.#isBehindGap = false
    const { source, damaged } = this.#engine.recovery
    this.story.push(`opened, by the ${source}: ${inWords(damaged)}`)
  }

  async #close(): Promise<void> {
    await this.#running.close()
    this.#engine = undefined
    this.#acknowledge()
    this.story.push('closed')
  }

  #acknowledge(): void {
    this.#history.splice(0, this.#history.length - 1)
  }

  async #work(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) await this.#step()
  }

  async #step(): Promise<void> {
    const random = this.#random
    if (random.chance(0.1)) return await this.#collect()
    if (random.chance(0.1)) {
      this.story.push('compact')
      await this.#running.compact({ threshold: random.pick([0, 0.3, 0.5]) })
      return
    }
    const known = knownOf(this.#known)
    const count = random.chance(0.6) ? 1 : 1 + random.below(5)
    const changes = Array.from({ length: count }, () => drawChange(random, this.#pool, known, this.#isBehindGap))
    const durability = random.chance(0.6) ? 'strict' : 'relaxed'
    this.story.push(`${durability}: ${changes.map(({ what }) => what).join(', ')}`)
    await this.#commit(known, durability === 'strict', () =>
      this.#running.transaction(
        async (tx) => {
          for (const change of changes) await change.make(tx)
        },
        { durability },
      ),
    )
  }

  /** Deletes what has no name. */
  async #collect(): Promise<void> {
    const { refs, unsure, doubted } = this.#known
    // Of names that are not certain nobody knows what they keep.
    if (refs.size === 0 || unsure.size + doubted.size > 0) return
    const known = knownOf(this.#known)
    const wanted = new Set(refs.values())
    const unwanted = [...known.contents.keys()].filter((key) => !wanted.has(key))
    for (const key of unwanted) known.contents.delete(key)
    this.story.push('gc')
    await this.#commit(known, unwanted.length > 0, () => this.#running.gc({ grace: 0 }))
  }

  /** Runs what leaves the store so. Where something is not certain it may be refused, and has changed nothing then. */
  async #commit(known: Known, isStrict: boolean, run: () => Promise<unknown>): Promise<void> {
    this.#history.push(known)
    try {
      await run()
      if (isStrict) this.#acknowledge()
    } catch (error) {
      this.#history.pop()
      this.story.push(`refused: ${(error as Error).message}`)
      const isUncertain = this.#isDamaged || this.#known.unsure.size > 0
      if (
        !isUncertain ||
        !['CORRUPT', 'NOT_FOUND', 'IN_USE'].some((code) => isStoreError(error) && error.code === code)
      )
        throw error
    }
  }

  /** Something that time brings. */
  async #pass(): Promise<void> {
    const random = this.#random
    switch (random.below(5)) {
      case 0:
        break
      case 1:
        this.story.push(`check: ${inWords((await this.#running.check()).findings)}`)
        return
      case 2:
      case 3:
        await this.#close()
        await this.#open()
        this.openings++
        break
      default:
        await this.#crashing(() => this.#work(1 + random.below(5)))
    }
    await this.#judge()
  }

  /** Runs `work`, and goes on from what a crash at one of its calls leaves, if it makes so many. */
  async #crashing(work: () => Promise<unknown>): Promise<void> {
    const random = this.#random
    const disk = this.#disk
    let left = random.below(40)
    let snapshot: Snapshot | undefined
    let possible: Known[] = []
    disk.onCall = (call) => {
      if (!changesDisk(call) || left-- > 0 || snapshot) return undefined
      snapshot = disk.snapshot()
      possible = [...this.#history]
      return undefined
    }
    await work()
    disk.onCall = () => undefined
    if (!snapshot) return
    await this.#running.close()
    this.#engine = undefined
    this.story.push('a crash')
    this.#history = possible
    this.#isAfterCrash = true
    this.#disk = SimulatedDisk.crash(snapshot, random, random.pick(LOSSES))
    await this.#open()
    this.openings++
  }

  /** Runs `work` while the disk refuses one of its calls. */
  async #failing(work: () => Promise<unknown>): Promise<void> {
    let left = this.#random.below(40)
    this.#disk.onCall = (call) => (FAULTS[call].includes('error') && left-- === 0 ? 'error' : undefined)
    try {
      await work()
    } catch (error) {
      if (!isStoreError(error, 'IO') && !(isStoreError(error, 'CORRUPT') && isStoreError(error.cause, 'IO')))
        throw error
      this.story.push(`failed: ${error.message}`)
    } finally {
      this.#disk.onCall = () => undefined
    }
  }

  /** What is read is one of the states that may be there: after a crash that of some commit, else the newest. */
  async #judge(): Promise<ReadonlyMap<Thing, Answer>> {
    const answers = await this.#universe.read(this.#running)
    const candidates = this.#isAfterCrash ? this.#history.toReversed() : [this.#known]
    const right = candidates.filter((known) => this.#universe.faults(known, answers).length === 0)
    const isWhole = (known: Known) => !this.#universe.isLost(known, answers)
    const found = right.find(isWhole) ?? right[0]
    if (found === undefined) {
      const faults = candidates.map((known) => this.#universe.faults(known, answers).join('; '))
      throw new Error(`none of ${faults.length} states is found, newest first:\n${faults.join('\n')}`)
    }
    // A repair that a crash cut off behind its commit has said it, to nobody.
    if (!this.#isRepairing && !isWhole(found)) {
      const isSaid = this.#running.recovery.damaged.length > 0 || !(await this.#running.check()).clean
      if (!isSaid) throw new Error('something is lost and nothing is said')
    }
    if (this.#isAfterCrash) this.#history = [found]
    this.#isAfterCrash = false
    return answers
  }

  async #damageOpen(): Promise<void> {
    await this.#running.flush()
    this.#acknowledge()
    // What is damaged was written a while ago, and so was the head that tells of it, though the store never asked for that.
    const head = this.#disk.inode(HEAD_FILE)
    if (head) this.#disk.flush(HEAD_FILE, head)
    for (const stroke of strike(this.#disk.contents(), this.#random)) {
      // A checkpoint may still be being written, and is then looked at by nobody, until the next opening.
      if (!stroke.bytes || checkpointNumber(stroke.path) !== undefined) continue
      this.#strike(stroke)
      this.#isBehindGap ||= !stroke.isExplained
      this.#disk.overwrite(stroke.path, stroke.bytes)
    }
  }

  async #damageClosed(): Promise<void> {
    const random = this.#random
    await this.#close()
    const files = this.#disk.contents()
    const before = new Map(files)
    const strokes = strike(files, random, this.#earlier)
    this.#earlier.push(before)
    for (const stroke of strokes) this.#strike(stroke)
    if (strokes.length > 0) this.#disk = SimulatedDisk.of(files)
    await this.#open()
    this.openings++
    await this.#judge()
  }

  #strike(stroke: Stroke): void {
    this.story.push(`damage: ${stroke.what}`)
    this.#isDamaged = true
    this.#history = [this.#universe.after(this.#known, stroke)]
  }

  async #repair(): Promise<void> {
    const random = this.#random
    this.#isRepairing = true
    this.#history = this.#history.map(givenUp)
    if (random.chance(0.4)) await this.#crashing(() => this.#mend())
    else if (random.chance(0.3)) await this.#failing(() => this.#mend())
    const before = await this.#judge()
    const { clean } = await this.#mend()
    if (!clean) throw new Error(`the repair left ${inWords((await this.#running.check()).findings)}`)
    const after = await this.#universe.read(this.#running)
    const faults = [...this.#universe.faults(this.#known, after), ...this.#universe.keeps(this.#known, before, after)]
    if (faults.length > 0) throw new Error(`after the repair: ${faults.join('; ')}`)
    this.#history = [this.#universe.settled(after)]
    this.#isRepairing = false
    this.#isDamaged = false
    this.#isBehindGap = false
    await this.#expectSound('checkpoint')
    if (random.chance(0.5)) await this.#expectSound('log')
  }

  async #mend(): Promise<CheckReport> {
    const report = await this.#running.check({ repair: true })
    this.story.push(`repair: ${JSON.stringify(report.repaired)}`)
    return report
  }

  /** Opened again, by a checkpoint or without one, it has nothing to tell and the same to give. */
  async #expectSound(source: 'checkpoint' | 'log'): Promise<void> {
    await this.#close()
    for (const name of source === 'log' ? await this.#disk.list('') : []) {
      if (checkpointNumber(name) !== undefined) await this.#disk.remove(name)
    }
    await this.#open()
    const { damaged } = this.#running.recovery
    await this.#judge()
    const { findings } = await this.#running.check()
    if (damaged.length + findings.length > 0) throw new Error(`after the repair: ${inWords([...damaged, ...findings])}`)
  }
}

function inWords(damaged: readonly Damage[]): string {
  return damaged.map(({ kind, message }) => `${kind}: ${message}`).join('; ') || 'sound'
}
