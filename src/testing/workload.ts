/**
 * Generated workloads and the model they are checked against: a Map of what each committed transaction left. A step changes the
 * store through the engine's public calls, or reads and compares; `possible` are the states that a crash may leave. A step that fails,
 * because the disk does, must leave the store as it was.
 */

import { createHash } from 'node:crypto'
import { isStoreError } from '../errors.js'
import { COMMIT } from '../format/entry.js'
import { checkpointNumber } from '../format/paths.js'
import type { Storage } from '../storage/storage.js'
import { type Engine, openEngine } from '../store/engine.js'
import type { Transaction } from '../types.js'
import { equal } from './check.js'
import { type Model, readAll, sameModel, sameValue } from './model.js'
import { Random } from './random.js'
import type { RecyclingKernel } from './recycling-kernel.js'
import type { Shape, StepName } from './workload-shape.js'

/** What a transaction is to do, and what it then has to answer. */
type Action = (tx: Transaction) => Promise<void>

interface Content {
  key: string
  bytes: Uint8Array<ArrayBuffer>
}

export class Workload {
  readonly #storage: Storage
  readonly #kernel: RecyclingKernel
  readonly #random: Random
  readonly #shape: Shape
  /** Each step as often as its weight says. */
  readonly #steps: readonly StepName[]
  readonly #keys: readonly string[]
  readonly #contents: readonly Content[]
  #engine: Engine | undefined
  /** The store after each committed transaction, from the last one on that has to survive: a strict commit, a flush or a close acknowledged it. */
  readonly #history: Model[]
  /** What transactions that failed would have left, as long as nothing was committed since: a crash may still find them whole. */
  #failed: Model[] = []
  /** Calls of the store and of its transactions so far. */
  operations = 0

  /** The kernel is this workload's alone while it runs. */
  constructor(storage: Storage, kernel: RecyclingKernel, random: Random, shape: Shape, start: Model = new Map()) {
    this.#storage = storage
    this.#kernel = kernel
    this.#random = random
    this.#shape = shape
    this.#history = [start]
    this.#steps = Object.entries(shape.weights).flatMap(([name, weight]) => new Array(weight).fill(name as StepName))
    // Not hashes, and alike: counters, as a user may choose them.
    this.#keys = Array.from(
      { length: shape.keys },
      (_, i) => `${i % 2 === 0 ? 'a' : 'b'}${i.toString(16).padStart(63, '0')}`,
    )
    this.#contents = Array.from({ length: shape.contents }, (_, i) => {
      const bytes = new Random(i).bytes(shape.sizes[i % shape.sizes.length] ?? 0)
      return { key: createHash('sha256').update(bytes).digest('hex'), bytes }
    })
  }

  /** The store as it has to be now. */
  get model(): Model {
    return this.#history.at(-1) as Model
  }

  /** The states that a crash now may leave, newest first. */
  get possible(): Model[] {
    return [...this.#failed, ...this.#history.toReversed()]
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('the workload has not been opened')
    return this.#engine
  }

  async open(): Promise<void> {
    const random = (bytes: Uint8Array) => bytes.set(this.#random.bytes(bytes.length))
    this.#engine = await openEngine(this.#storage, { ...this.#shape.engine, kernel: this.#kernel, random })
  }

  /** After a reopening that was none after a clean close: finds which of the possible states it is. */
  async settle(): Promise<void> {
    const held = await readAll(this.engine)
    const found = this.possible.find((model) => sameModel(held, model))
    if (found === undefined) throw new Error('what is found after a failed close is no committed state')
    this.#history.push(found)
    this.#acknowledge()
  }

  async close(): Promise<void> {
    const engine = this.engine
    this.#engine = undefined
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
    if (!sameModel(await readAll(this.engine), this.model)) throw new Error('the store differs from the model')
    equal((await this.engine.check()).findings, [], 'findings of a check')
    const { count, bytes } = await this.engine.stats()
    equal(count, this.model.size, 'the count of keys')
    equal(
      bytes,
      Array.from(this.model.values()).reduce((sum, { length }) => sum + length, 0),
      'the bytes of all values',
    )
  }

  /** One random step. */
  async step(): Promise<void> {
    this.operations++
    await this.#run(this.#random.pick(this.#steps))
  }

  async #run(step: StepName): Promise<void> {
    const random = this.#random
    const strict = random.chance(0.6)
    const durability = strict ? ('strict' as const) : ('relaxed' as const)
    switch (step) {
      case 'set':
        return await this.#commits(strict, (model) => {
          const [key, value] = [this.#key(), this.#value()]
          model.set(key, value)
          return () => this.engine.set(key, value, { durability })
        })
      case 'put':
        return await this.#commits(strict, (model) => {
          const { key, bytes } = random.pick(this.#contents)
          model.set(key, bytes)
          return async () => equal(await this.engine.put(bytes, { durability }), key, 'the key of a put')
        })
      case 'putMany':
        return await this.#commits(strict, (model) => {
          const contents = this.#several(() => random.pick(this.#contents))
          for (const { key, bytes } of contents) model.set(key, bytes)
          const keys = contents.map(({ key }) => key)
          const put = () =>
            this.engine.putMany(
              contents.map(({ bytes }) => bytes),
              { durability },
            )
          return async () => equal(await put(), keys, 'the keys of a putMany')
        })
      case 'delete':
        // Has no durability of its own: strict.
        return await this.#commits(true, (model) => {
          const key = this.#anyKey()
          const was = model.delete(key)
          return async () => equal(await this.engine.delete(key), was, 'the answer of a delete')
        })
      case 'deleteMany':
        return await this.#deleteMany(
          strict,
          this.#several(() => this.#anyKey()),
        )
      case 'deleteAll':
        // A transaction of deletes only.
        return await this.#deleteMany(strict, [...this.model.keys()])
      case 'transaction':
        return await this.#commits(strict, (model) => {
          const actions = this.#actions(model, random.below(6))
          return () => this.engine.transaction((tx) => runAll(tx, actions), { durability })
        })
      case 'rolledBack':
        return await this.#rolledBack()
      case 'together':
        return await this.#commits(true, (model) => {
          const calls = this.#several(() => this.#call(model))
          return () => Promise.all(calls.map((call) => call()))
        })
      case 'get':
        return await this.#get([this.#anyKey()], async ([key]) => [await this.engine.get(key as string)])
      case 'getMany':
        return await this.#get(
          this.#several(() => this.#anyKey()),
          (keys) => this.engine.getMany(keys),
        )
      case 'has': {
        const keys = this.#several(() => this.#anyKey())
        equal(
          await this.engine.hasMany(keys),
          keys.map((key) => this.model.has(key)),
          'the answer of a hasMany',
        )
        return equal(await this.engine.has(keys[0] as string), this.model.has(keys[0] as string), 'the answer of a has')
      }
      case 'keys': {
        const found: string[] = []
        for await (const { key, size } of this.engine.keys()) found.push(`${key} ${size}`)
        const expected = Array.from(this.model, ([key, { length }]) => `${key} ${length}`)
        return equal(found.sort(), expected.sort(), 'keys and sizes')
      }
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

  /** Runs what `plan` returns as one transaction, after which the store is as `plan` has made the model. */
  async #commits(strict: boolean, plan: (model: Map<string, Uint8Array>) => () => Promise<unknown>): Promise<void> {
    const model = new Map(this.model)
    const run = plan(model)
    const { transactions } = await this.engine.stats()
    this.#history.push(model)
    try {
      await run()
    } catch (error) {
      if (isStoreError(error)) {
        this.#history.pop()
        this.#failed.push(model)
      }
      throw error
    }
    // One that had nothing to write has not made sure that what failed before it is off the disk.
    if ((await this.engine.stats()).transactions > transactions) this.#failed = []
    if (strict) this.#acknowledge()
  }

  async #deleteMany(strict: boolean, keys: readonly string[]): Promise<void> {
    await this.#commits(strict, (model) => {
      const count = keys.filter((key) => model.delete(key)).length
      const durability = strict ? 'strict' : 'relaxed'
      return async () => equal(await this.engine.deleteMany(keys, { durability }), count, 'the answer of a deleteMany')
    })
  }

  async #rolledBack(): Promise<void> {
    const actions = this.#actions(new Map(this.model), 1 + this.#random.below(8))
    const tx = await this.engine.begin()
    try {
      await runAll(tx, actions)
    } finally {
      await tx.rollback()
    }
  }

  async #get(keys: string[], get: (keys: string[]) => Promise<(Uint8Array | undefined)[]>): Promise<void> {
    const values = await get(keys)
    equal(values.length, keys.length, 'the count of values')
    for (const [i, key] of keys.entries()) expectValue(values[i], this.model.get(key), key)
  }

  /** What a transaction does, and reads in between; the model is changed as it will be. */
  #actions(model: Map<string, Uint8Array>, count: number): Action[] {
    return Array.from({ length: count }, () => {
      this.operations++
      const key = this.#anyKey()
      const held = model.get(key)
      switch (this.#random.below(8)) {
        case 0:
          return async (tx) => expectValue(await tx.get(key), held, key)
        case 1:
          return async (tx) => equal(await tx.has(key), held !== undefined, 'the answer of a has in a transaction')
        case 2:
        case 3:
          model.delete(key)
          return async (tx) =>
            equal(await tx.delete(key), held !== undefined, 'the answer of a delete in a transaction')
        case 4: {
          const { key, bytes } = this.#random.pick(this.#contents)
          model.set(key, bytes)
          return async (tx) => equal(await tx.put(bytes), key, 'the key of a put in a transaction')
        }
        default: {
          const [key, value] = [this.#key(), this.#value()]
          model.set(key, value)
          return (tx) => tx.set(key, value)
        }
      }
    })
  }

  /** One call of several that are made together. */
  #call(model: Map<string, Uint8Array>): () => Promise<void> {
    const random = this.#random
    this.operations++
    if (random.chance(0.3)) {
      const key = this.#anyKey()
      const was = model.delete(key)
      return async () => equal(await this.engine.delete(key), was, 'the answer of a delete among others')
    }
    if (random.chance(0.3)) {
      const { key, bytes } = random.pick(this.#contents)
      model.set(key, bytes)
      return async () => equal(await this.engine.put(bytes), key, 'the key of a put among others')
    }
    const [key, value] = [this.#key(), this.#value()]
    model.set(key, value)
    return () => this.engine.set(key, value)
  }

  #several<T>(make: () => T): T[] {
    return Array.from({ length: 1 + this.#random.below(8) }, make)
  }

  /** Some are used often and some seldom, so that segments die at different times. */
  #key(): string {
    const count = this.#keys.length
    const hot = Math.ceil(count / 4)
    return this.#keys[this.#random.below(this.#random.chance(0.8) ? hot : count)] as string
  }

  #anyKey(): string {
    return this.#random.chance(0.3) ? this.#random.pick(this.#contents).key : this.#key()
  }

  #value(): Uint8Array<ArrayBuffer> {
    const random = this.#random
    if (random.chance(0.15)) return Uint8Array.from([...random.bytes(random.below(40)), ...COMMIT])
    return random.bytes(random.pick(this.#shape.sizes))
  }
}

async function runAll(tx: Transaction, actions: readonly Action[]): Promise<void> {
  for (const action of actions) await action(tx)
}

function expectValue(actual: Uint8Array | undefined, expected: Uint8Array | undefined, key: string): void {
  if (!sameValue(actual, expected)) throw new Error(`the value of ${key} differs from the model's`)
}
