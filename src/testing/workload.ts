/**
 * Generated workloads and the model they are checked against: a Map of what each committed transaction left. A step changes the
 * store through the engine's public calls, or reads and compares; `possible` are the states that a crash may leave. A step that fails,
 * because the disk does, must leave the store as it was.
 */

import { isStoreError } from '../errors.js'
import { checkpointNumber } from '../format/paths.js'
import type { Storage } from '../storage/storage.js'
import { type Engine, openEngine } from '../store/engine.js'
import type { Transaction } from '../types.js'
import { equal } from './check.js'
import { type Draft, differencesOf, draftOf, EMPTY, metaOf, readState, type State, sameState } from './model.js'
import type { Random } from './random.js'
import type { RecyclingKernel } from './recycling-kernel.js'
import { type Action, Draws, isNamed, refused } from './workload-draws.js'
import { READS } from './workload-reads.js'
import type { Shape, StepName } from './workload-shape.js'
import { expectNoLeftovers, WorkloadUploads } from './workload-uploads.js'

/** Runs what must not meet a call that fails: what the disk refuses between commits is due again, and nobody is told. */
type Undisturbed = (look: () => Promise<void>) => Promise<void>

const atOnce: Undisturbed = (look) => look()

export class Workload {
  readonly #storage: Storage
  readonly #kernel: RecyclingKernel
  readonly #random: Random
  readonly #shape: Shape
  readonly #draws: Draws
  readonly #uploads: WorkloadUploads
  readonly #undisturbed: Undisturbed | undefined
  /** Each step as often as its weight says. */
  readonly #steps: readonly StepName[]
  #engine: Engine | undefined
  /** The store after each committed transaction, from the last one on that has to survive: a strict commit, a flush or a close acknowledged it. */
  readonly #history: State[]
  /** What transactions that failed would have left, as long as nothing was committed since: a crash may still find them whole. */
  #failed: State[] = []
  /** Calls of the store and of its transactions so far. */
  operations = 0

  /** The kernel is this workload's alone while it runs; `undisturbed` is given where calls of the disk may fail. */
  constructor(
    storage: Storage,
    kernel: RecyclingKernel,
    random: Random,
    shape: Shape,
    { start = EMPTY, undisturbed }: { start?: State; undisturbed?: Undisturbed } = {},
  ) {
    this.#storage = storage
    this.#kernel = kernel
    this.#random = random
    this.#shape = shape
    this.#undisturbed = undisturbed
    this.#history = [start]
    this.#steps = Object.entries(shape.weights).flatMap(([name, weight]) => new Array(weight).fill(name as StepName))
    this.#draws = new Draws(random, shape)
    this.#uploads = new WorkloadUploads(this.#draws)
  }

  /** The store as it has to be now. */
  get model(): State {
    return this.#history.at(-1) as State
  }

  /** The states that a crash now may leave, newest first. */
  get possible(): State[] {
    return [...this.#failed, ...this.#history.toReversed()]
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('the workload has not been opened')
    return this.#engine
  }

  async open(): Promise<void> {
    const random = (bytes: Uint8Array) => bytes.set(this.#random.bytes(bytes.length))
    this.#engine = await openEngine(this.#storage, {
      ...this.#shape.engine,
      kernel: this.#kernel,
      random,
      now: () => this.operations,
    })
  }

  /** After a reopening that was none after a clean close: finds which of the possible states it is. */
  async settle(): Promise<void> {
    const held = await readState(this.engine)
    const found = this.possible.find((model) => sameState(held, model))
    if (found === undefined) throw new Error('what is found after a failed close is no committed state')
    this.#history.push(found)
    this.#acknowledge()
  }

  async close(): Promise<void> {
    const engine = this.engine
    this.#engine = undefined
    this.#uploads.forget()
    await engine.close()
    this.#kernel.recycle()
    this.#acknowledge()
  }

  /** False after a close, and after one that failed. */
  get isOpen(): boolean {
    return this.#engine !== undefined
  }

  /** The store holds what the model does, and every part of it agrees. */
  async compare(): Promise<void> {
    const { contents } = this.model
    equal(differencesOf(await readState(this.engine), this.model), [], 'what differs from the model')
    equal((await this.engine.check()).findings, [], 'findings of a check')
    const { count, bytes } = await this.engine.stats()
    equal(count, contents.size, 'the count of keys')
    const least = this.#draws.pool.bytesOf(contents)
    // The rest is of contents that are not complete.
    if (bytes < least) throw new Error(`the values have ${bytes} bytes, expected at least ${least}`)
  }

  /** As `compare`, when nothing is on its way any more: nothing is left of it. */
  async compareAlone(): Promise<void> {
    await this.#run('set')
    await this.#run('discardAll')
    await this.compare()
  }

  /** One random step. */
  async step(): Promise<void> {
    this.operations++
    await this.#run(this.#random.pick(this.#steps))
  }

  async #run(step: StepName): Promise<void> {
    const { engine, model } = this
    const draws = this.#draws
    const { random, pool } = draws
    const strict = random.chance(0.6)
    const durability = strict ? ('strict' as const) : ('relaxed' as const)
    const read = READS[step]
    if (read) return await read({ engine, model, draws })
    switch (step) {
      case 'set':
        return await this.#commits(strict, (draft) => {
          const [key, value] = [draws.key(), draws.value()]
          draft.contents.set(key, value)
          return () => engine.set(key, value, { durability })
        })
      case 'put':
      case 'large':
        return await this.#commits(strict, (draft) => {
          const content = random.pick(step === 'put' ? pool.all : pool.large)
          draft.contents.set(content.key, content.bytes)
          const source = draws.source(content)
          const expected = random.chance(0.3) && { expected: content.key }
          return async () =>
            equal(await engine.put(source, { durability, ...expected }), content.key, 'the key of a put')
        })
      case 'putMany':
        return await this.#commits(strict, (draft) => {
          const contents = draws.several(() => random.pick(random.chance(0.8) ? pool.all : pool.large))
          for (const { key, bytes } of contents) draft.contents.set(key, bytes)
          const keys = contents.map(({ key }) => key)
          const put = () =>
            engine.putMany(
              contents.map(({ bytes }) => bytes),
              { durability },
            )
          return async () => equal(await put(), keys, 'the keys of a putMany')
        })
      case 'delete':
        // Has no durability of its own: strict.
        return await this.#commits(true, (draft) => on(engine, draws.deleting(draft, draws.anyKey())))
      case 'deleteMany':
        return await this.#deleteMany(
          strict,
          draws.several(() => draws.anyKey()),
        )
      case 'deleteAll':
        // A transaction of deletes only.
        return await this.#deleteAll(strict)
      case 'transaction':
        return await this.#commits(strict, (draft) => {
          const actions = this.#actions(draft, random.below(6))
          return () => engine.transaction((tx) => runAll(tx, actions), { durability })
        })
      case 'rolledBack':
        return await this.#rolledBack()
      case 'together':
        return await this.#commits(true, (draft) => {
          const calls = draws.several(() => this.#counted(() => draws.smallChange(draft)))
          return () => Promise.all(calls.map((call) => call(engine)))
        })
      case 'largeTogether':
        // Several transactions, in any order: no crash may come between them.
        return await this.#commits(true, (draft) => {
          const contents = [...new Set(draws.several(() => random.pick(pool.large)))]
          const calls = contents.map((content) => draws.putting(draft, content, random.chance(0.3)))
          calls.push(draws.failing())
          return () => Promise.all(calls.map((call) => call(engine)))
        })
      case 'settingLarge':
        return await this.#commits(true, (draft) => on(engine, draws.settingLarge(draft)))
      case 'failing':
        return await draws.failing()(engine)
      case 'name':
        return await this.#commits(true, (draft) =>
          on(engine, random.chance(0.7) ? draws.naming(draft) : draws.unnaming(draft)),
        )
      case 'nameChunk':
        return await this.#nameChunk()
      case 'gc':
        return await this.#collect()
      case 'ingest': {
        const complete = await this.#uploads.step(engine, model, this.#undisturbed !== undefined)
        if (complete === undefined) return
        const { ingest, content } = complete
        try {
          return await this.#commits(strict, (draft) => {
            draft.contents.set(content.key, content.bytes)
            return async () => equal(await ingest.finish({ durability }), content.key, 'the key of an ingest')
          })
        } catch (error) {
          // What fails before `finish` leaves it open; and the disk that refused the one may refuse the other.
          await ingest[Symbol.asyncDispose]().then(undefined, unlessRefused)
          throw error
        }
      }
      case 'discardAll':
        this.#uploads.forget()
        await this.#run('reopen')
        await this.#run('set')
        return await (this.#undisturbed ?? atOnce)(() => expectNoLeftovers(this.engine, pool, this.model.contents))
      case 'flush':
        await this.engine.flush()
        return this.#acknowledge()
      case 'compact':
        await this.engine.compact({ threshold: random.pick([0, 0.3, 0.5]) })
        return
      case 'check':
        return await this.compare()
      case 'reopen':
        await this.close()
        return await this.open()
      case 'reopenCompared':
        await this.#run('reopen')
        return await this.compare()
      case 'replayCompared':
        await this.close()
        for (const name of await this.#storage.list('')) {
          if (checkpointNumber(name) !== undefined) await this.#storage.remove(name)
        }
        await this.open()
        equal(this.engine.recovery.source, 'log', 'the source of the index without a checkpoint')
        return await this.compare()
    }
  }

  #acknowledge(): void {
    this.#history.splice(0, this.#history.length - 1)
    this.#failed = []
  }

  /** Runs what `plan` returns, after whose last transaction the store is as `plan` has made the model; those before it show nothing. */
  async #commits(strict: boolean, plan: (draft: Draft) => () => Promise<unknown>): Promise<void> {
    const draft = draftOf(this.model)
    const run = plan(draft)
    const { transactions } = await this.engine.stats()
    const { refusals } = this.#draws
    this.#history.push(draft)
    try {
      await run()
    } catch (error) {
      if (isStoreError(error)) {
        this.#history.pop()
        this.#failed.push(draft)
      }
      throw error
    }
    // One that had nothing to write has not made sure that what failed before it is off the disk.
    if ((await this.engine.stats()).transactions > transactions) this.#failed = []
    if (strict && this.#draws.refusals === refusals) this.#acknowledge()
  }

  async #deleteMany(strict: boolean, keys: readonly string[]): Promise<void> {
    const durability = strict ? 'strict' : 'relaxed'
    const remove = () => this.engine.deleteMany(keys, { durability })
    if (keys.some((key) => isNamed(this.model, key))) return await refused(remove, 'IN_USE', 'a deleteMany of names')
    await this.#commits(strict, ({ contents }) => {
      const count = keys.filter((key) => contents.delete(key)).length
      return async () => equal(await remove(), count, 'the answer of a deleteMany')
    })
  }

  async #deleteAll(strict: boolean): Promise<void> {
    const { contents, refs } = this.model
    if (refs.size === 0) return await this.#deleteMany(strict, [...contents.keys()])
    await this.#commits(strict, (draft) => {
      draft.contents.clear()
      draft.refs.clear()
      const remove = async (tx: Transaction) => {
        for (const name of refs.keys()) equal(await tx.refs.delete(name), true, 'the answer of a delete of a name')
        for (const key of contents.keys()) equal(await tx.delete(key), true, 'the answer of a delete')
      }
      return () => this.engine.transaction(remove, { durability: strict ? 'strict' : 'relaxed' })
    })
  }

  async #rolledBack(): Promise<void> {
    const actions = this.#actions(draftOf(this.model), 1 + this.#random.below(8))
    const tx = await this.engine.begin()
    try {
      await runAll(tx, actions)
    } finally {
      await tx.rollback()
    }
  }

  /** A name for what may be there as a chunk only: it is a content then, or there is nothing. */
  async #nameChunk(): Promise<void> {
    const { bytes, key } = this.#random.pick(this.#draws.pool.parts)
    const name = this.#draws.name()
    const set = () => this.engine.refs.set(name, key, metaOf(name, key))
    if (!(await this.engine.has(key))) return await refused(set, 'NOT_FOUND', 'a name for nothing')
    try {
      await this.#commits(true, (draft) => {
        draft.contents.set(key, bytes)
        draft.refs.set(name, key)
        return set
      })
    } catch (error) {
      // What an upload that was cut off had left may be swept away between the question and the name.
      if (!isStoreError(error, 'NOT_FOUND') || (await this.engine.has(key))) throw error
    }
  }

  /** Deletes what has no name, and says before how much that is. */
  async #collect(): Promise<void> {
    const { contents, refs } = this.model
    const keep = this.#random.chance(0.5) ? this.#draws.several(() => this.#draws.anyKey()) : undefined
    const options = { grace: 0, ...(keep && { keep }) }
    if (keep === undefined && refs.size === 0) {
      const error = await this.engine.gc(options).catch((caught: unknown) => caught)
      if (!(error instanceof TypeError)) throw error
      return
    }
    const unwanted = [...contents.keys()].filter((key) => !isNamed(this.model, key) && !keep?.includes(key))
    await this.#commits(unwanted.length > 0, (draft) => {
      for (const key of unwanted) draft.contents.delete(key)
      return async () => {
        const told = await this.engine.gc({ ...options, dryRun: true })
        equal(told.count, unwanted.length, 'the count of contents that would be collected')
        equal(await this.engine.gc(options), told, 'what was collected')
      }
    })
  }

  /** What a transaction does, and reads in between; the draft is changed as the store will be. */
  #actions(draft: Draft, count: number): Action[] {
    return Array.from({ length: count }, () =>
      this.#counted(() => (this.#random.chance(0.3) ? this.#draws.reading(draftOf(draft)) : this.#draws.change(draft))),
    )
  }

  #counted<T>(make: () => T): T {
    this.operations++
    return make()
  }
}

function unlessRefused(error: unknown): void {
  if (!isStoreError(error)) throw error
}

function on(engine: Engine, action: Action): () => Promise<void> {
  return () => action(engine)
}

async function runAll(tx: Transaction, actions: readonly Action[]): Promise<void> {
  for (const action of actions) await action(tx)
}
