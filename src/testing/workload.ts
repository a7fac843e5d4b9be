/**
 * Generated workloads and the model they are checked against: a Map of what each committed transaction left. A step changes the
 * store through the engine's public calls; `possible` are the states that a crash may leave. A step that fails, because the disk
 * does, must leave the store as it was.
 */

import { isStoreError } from '../errors.js'
import { COMMIT } from '../format/entry.js'
import type { Kernel } from '../kernel/kernel.js'
import type { Storage } from '../storage/storage.js'
import { type Engine, openEngine } from '../store/engine.js'
import type { Transaction } from '../types.js'
import type { Random } from './random.js'

/** Key in hex to value. */
export type Model = ReadonlyMap<string, Uint8Array>

/** Sizes that make a small workload fill several segments and write checkpoints. */
export const ENGINE_OPTIONS = { maxSegmentSize: 3000, checkpointBytes: 6000 }

export class Workload {
  readonly #storage: Storage
  readonly #kernel: Kernel
  readonly #random: Random
  readonly #keys: string[]
  #engine: Engine | undefined
  /** The store after each committed transaction. */
  readonly history: Model[]
  /** The least transaction that has to survive: the last that a strict commit, a flush or a close acknowledged. */
  #acknowledged = 0
  /** What transactions that failed would have left, as long as nothing was committed since: a crash may still find them whole. */
  #failed: Model[] = []

  constructor(storage: Storage, kernel: Kernel, random: Random, start: Model = new Map()) {
    this.#storage = storage
    this.#kernel = kernel
    this.#random = random
    this.history = [start]
    // Not hashes, and alike: counters, as a user may choose them.
    this.#keys = Array.from({ length: 8 }, (_, i) => `${i % 2 === 0 ? 'a' : 'b'}${'0'.repeat(62)}${i}`)
  }

  /** The states that a crash now may leave, newest first. */
  get possible(): Model[] {
    return [...this.#failed, ...this.history.slice(this.#acknowledged).reverse()]
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('the workload has not been opened')
    return this.#engine
  }

  async open(): Promise<void> {
    const random = (bytes: Uint8Array) => bytes.set(this.#random.bytes(bytes.length))
    this.#engine = await openEngine(this.#storage, { ...ENGINE_OPTIONS, kernel: this.#kernel, random })
  }

  /** After a reopening that was none after a clean close: finds which of the possible states it is. */
  async settle(): Promise<void> {
    const held = await readAll(this.engine)
    const found = this.possible.find((model) => sameModel(held, model))
    if (found === undefined) throw new Error('what is found after a failed close is no committed state')
    this.history.splice(0, this.history.length, found)
    this.#acknowledge()
  }

  async close(): Promise<void> {
    const engine = this.engine
    this.#engine = undefined
    await engine.close()
    this.#acknowledge()
  }

  /** False after a close, and after one that failed. */
  get isOpen(): boolean {
    return this.#engine !== undefined
  }

  #acknowledge(): void {
    this.#acknowledged = this.history.length - 1
    this.#failed = []
  }

  /** One random step. */
  async step(): Promise<void> {
    const random = this.#random
    const strict = random.chance(0.6)
    const durability = strict ? ('strict' as const) : ('relaxed' as const)
    switch (random.below(14)) {
      case 0:
        return await this.#rolledBack()
      case 1:
        await this.engine.compact({ threshold: random.pick([0, 0.3, 0.5]) })
        return
      case 2:
        await this.close()
        return await this.open()
      case 3:
        await this.engine.flush()
        this.#acknowledge()
        return
      case 4:
        return await this.#commits(strict, (model) => {
          const key = random.pick(this.#keys)
          model.delete(key)
          return () => this.engine.delete(key)
        })
      case 5:
        return await this.#commits(strict, (model) => {
          // Every key there is: a transaction of deletes only.
          const keys = [...model.keys()]
          model.clear()
          return () => this.engine.deleteMany(keys, { durability })
        })
      case 6:
      case 7:
      case 8:
      case 9:
        return await this.#commits(strict, (model) => {
          const key = random.pick(this.#keys)
          const value = this.#value()
          model.set(key, value)
          return () => this.engine.set(key, value, { durability })
        })
      default:
        return await this.#commits(strict, (model) => {
          const actions = this.#actions(model, random.below(6))
          return () => this.engine.transaction((tx) => runAll(tx, actions), { durability })
        })
    }
  }

  /** Runs what `plan` returns as one transaction, after which the store is as `plan` has made the model. */
  async #commits(strict: boolean, plan: (model: Map<string, Uint8Array>) => () => Promise<unknown>): Promise<void> {
    const model = new Map(this.history.at(-1))
    const run = plan(model)
    const { transactions } = await this.engine.stats()
    this.history.push(model)
    try {
      await run()
    } catch (error) {
      if (isStoreError(error, 'QUOTA') || isStoreError(error, 'IO')) {
        this.history.pop()
        this.#failed.push(model)
      }
      throw error
    }
    // One that had nothing to write has not made sure that what failed before it is off the disk.
    if ((await this.engine.stats()).transactions > transactions) this.#failed = []
    if (strict) this.#acknowledge()
  }

  async #rolledBack(): Promise<void> {
    const actions = this.#actions(new Map(), 1 + this.#random.below(8))
    const tx = await this.engine.begin()
    try {
      await runAll(tx, actions)
    } finally {
      await tx.rollback()
    }
  }

  #actions(model: Map<string, Uint8Array>, count: number): ((tx: Transaction) => Promise<unknown>)[] {
    return Array.from({ length: count }, () => {
      const key = this.#random.pick(this.#keys)
      if (this.#random.chance(0.3)) {
        model.delete(key)
        return (tx) => tx.delete(key)
      }
      const value = this.#value()
      model.set(key, value)
      return (tx) => tx.set(key, value)
    })
  }

  #value(): Uint8Array {
    const random = this.#random
    if (random.chance(0.15)) return Uint8Array.from([...random.bytes(random.below(40)), ...COMMIT])
    return random.bytes(random.pick([0, 1, 30, 200, 700, 1500]))
  }
}

async function runAll(tx: Transaction, actions: ((tx: Transaction) => Promise<unknown>)[]): Promise<void> {
  for (const action of actions) await action(tx)
}

/** Everything the store holds, read back and checked. */
export async function readAll(engine: Engine): Promise<Model> {
  const keys: string[] = []
  for await (const { key } of engine.keys()) keys.push(key)
  const values = await engine.getMany(keys)
  return new Map(keys.map((key, i) => [key, values[i] as Uint8Array]))
}

export function sameModel(a: Model, b: Model): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) {
    const other = b.get(key)
    if (other === undefined || other.length !== value.length) return false
    for (let i = 0; i < value.length; i++) if (value[i] !== other[i]) return false
  }
  return true
}
