/**
 * What a generated workload draws: keys, values, contents, names, and single changes, on the store or in a transaction. Each change knows what
 * it has to answer, and changes the draft of the state as it will change the store.
 */

import { isStoreError, type StoreErrorCode } from '../errors.js'
import { COMMIT } from '../format/entry.js'
import type { Key, KeyLike, Operations, RefOperations, Source } from '../types.js'
import { equal } from './check.js'
import { type Draft, metaOf, type State, sameValue } from './model.js'
import { Random } from './random.js'
import { type Content, inPieces, Pool, SourceFailed } from './workload-contents.js'
import type { Shape } from './workload-shape.js'

/** The store, or a transaction on it. */
export interface Target extends Operations {
  readonly refs: RefOperations
  put(source: Source, options?: { expected?: KeyLike }): Promise<Key>
  set(key: KeyLike, data: Uint8Array<ArrayBuffer>): Promise<void>
}

/** Does something and checks the answer. */
export type Action = (target: Target) => Promise<void>

const NAMES = ['latest', 'draft', 'a/b', 'a/c', 'Ω']
/** A key of nothing. */
const NOWHERE = '0f'.repeat(32)

export class Draws {
  readonly random: Random
  readonly pool: Pool
  readonly #shape: Shape
  readonly #keys: readonly string[]
  /** Calls so far that were refused, as they had to be: those make nothing durable. */
  refusals = 0

  constructor(random: Random, shape: Shape) {
    this.random = random
    this.#shape = shape
    this.pool = poolOf(shape)
    // Not hashes, and alike: counters, as a user may choose them.
    this.#keys = Array.from(
      { length: shape.keys },
      (_, i) => `${i % 2 === 0 ? 'a' : 'b'}${i.toString(16).padStart(63, '0')}`,
    )
  }

  several<T>(make: () => T): T[] {
    return Array.from({ length: 1 + this.random.below(8) }, make)
  }

  /** Some are used often and some seldom, so that segments die at different times. */
  key(): string {
    const count = this.#keys.length
    const hot = Math.ceil(count / 4)
    return this.#keys[this.random.below(this.random.chance(0.8) ? hot : count)] as string
  }

  anyKey(): string {
    const { random, pool } = this
    if (random.chance(0.2)) return random.pick(pool.large).key
    return random.chance(0.3) ? random.pick(pool.all).key : this.key()
  }

  name(): string {
    return this.random.pick(NAMES)
  }

  value(): Uint8Array<ArrayBuffer> {
    const random = this.random
    if (random.chance(0.15)) return Uint8Array.from([...random.bytes(random.below(40)), ...COMMIT])
    return random.bytes(random.pick(this.#shape.sizes))
  }

  /** The bytes of a content, at once or as a stream. */
  source({ bytes }: Content, failAt?: number): Source {
    const random = new Random(this.random.next())
    if (failAt === undefined && random.chance(0.3)) return bytes
    return inPieces(bytes, random, failAt)
  }

  /** A change that touches one entry, and is refused by nobody: several may be made together. */
  smallChange(draft: Draft): Action {
    const { random } = this
    switch (random.below(8)) {
      case 0:
      case 1: {
        const key = this.anyKey()
        return isNamed(draft, key) ? this.setting(draft) : this.deleting(draft, key)
      }
      case 2:
      case 3:
        return this.putting(draft, random.pick(this.pool.whole), random.chance(0.3), true)
      case 4:
        return random.chance(0.7) ? this.naming(draft) : this.unnaming(draft)
      default:
        return this.setting(draft)
    }
  }

  /** Any change, and those that are refused. */
  change(draft: Draft): Action {
    const { random, pool } = this
    switch (random.below(8)) {
      case 0:
        return this.putting(draft, random.pick(pool.large), random.chance(0.3))
      case 1:
        return random.chance(0.5) ? this.failing() : this.settingLarge(draft)
      case 2:
        return this.deleting(draft, this.anyKey())
      default:
        return this.smallChange(draft)
    }
  }

  setting(draft: Draft): Action {
    const [key, value] = [this.key(), this.value()]
    draft.contents.set(key, value)
    return (target) => target.set(key, value)
  }

  /** Sets something else under the key of a large content, or tries it under that of a chunk. */
  settingLarge(draft: Draft): Action {
    const [{ key: chunk }, value] = [this.random.pick(this.pool.parts), this.random.bytes(50)]
    if (this.random.chance(0.5) && this.pool.isChunkIn(draft.contents, chunk)) {
      return (target) => this.#refused(() => target.set(chunk, value), 'BAD_KEY', 'a set over a chunk')
    }
    const { key } = this.random.pick(this.pool.large)
    draft.contents.set(key, value)
    return (target) => target.set(key, value)
  }

  /** As a stream it may be overtaken by what is put after it; at once it is not. */
  putting(draft: Draft, content: Content, isExpected: boolean, isAtOnce = false): Action {
    const { key, bytes } = content
    draft.contents.set(key, bytes)
    const source = isAtOnce ? bytes : this.source(content)
    return async (target) =>
      equal(await target.put(source, isExpected ? { expected: key } : {}), key, 'the key of a put')
  }

  /** A put whose source fails, or whose content is not the expected one: it leaves nothing. */
  failing(): Action {
    const { random } = this
    const content = random.pick(random.chance(0.8) ? this.pool.large : this.pool.all)
    if (random.chance(0.5)) {
      const source = this.source(content)
      return (target) =>
        this.#refused(() => target.put(source, { expected: NOWHERE }), 'MISMATCH', 'a put of another content')
    }
    const source = this.source(content, random.below(content.bytes.length + 1))
    return async (target) => {
      // A source of one piece may end before it fails.
      const key = await target.put(source, { expected: NOWHERE }).catch((error: unknown) => {
        if (error instanceof SourceFailed || isStoreError(error, 'MISMATCH')) return undefined
        throw error
      })
      equal(key, undefined, 'the key of a put whose source fails')
    }
  }

  /** A named content is not deleted. */
  deleting(draft: Draft, key: string): Action {
    if (isNamed(draft, key))
      return (target) => this.#refused(() => target.delete(key), 'IN_USE', 'a delete of what has a name')
    const was = draft.contents.delete(key)
    return async (target) => equal(await target.delete(key), was, `the answer of a delete of ${key}`)
  }

  naming(draft: Draft): Action {
    const name = this.name()
    const keys = [...draft.contents.keys()]
    if (keys.length === 0 || this.random.chance(0.1)) {
      return (target) => this.#refused(() => target.refs.set(name, NOWHERE), 'NOT_FOUND', 'a name for nothing')
    }
    const key = this.random.pick(keys)
    draft.refs.set(name, key)
    return (target) => target.refs.set(name, key, metaOf(name, key))
  }

  unnaming(draft: Draft): Action {
    const name = this.name()
    const was = draft.refs.delete(name)
    return async (target) => equal(await target.refs.delete(name), was, 'the answer of a delete of a name')
  }

  /** What a read has to answer in this state. */
  reading(state: State): Action {
    const key = this.anyKey()
    const held = state.contents.get(key)
    switch (this.random.below(3)) {
      case 0:
        return async (target) => this.expectValue(await target.get(key), held, key)
      case 1:
        return async (target) => this.expectHas(await target.has(key), held, key)
      default: {
        const name = this.name()
        const named = state.refs.get(name)
        return async (target) => equal((await target.refs.get(name))?.key, named, 'what a name points to')
      }
    }
  }

  async #refused(call: () => Promise<unknown>, code: StoreErrorCode, what: string): Promise<void> {
    await refused(call, code, what)
    this.refusals++
  }

  expectValue(actual: Uint8Array | undefined, expected: Uint8Array | undefined, key: string): void {
    // What is no content may be read as the chunk that it is.
    if (expected === undefined && this.pool.mayBeChunk(key) && sameValue(actual, this.pool.of(key)?.bytes)) return
    if (!sameValue(actual, expected)) throw new Error(`the value of ${key} differs from the model's`)
  }

  expectHas(actual: boolean, expected: Uint8Array | undefined, key: string): void {
    if (expected === undefined && this.pool.mayBeChunk(key)) return
    equal(actual, expected !== undefined, 'the answer of a has')
  }
}

export function isNamed({ refs }: State, key: string): boolean {
  for (const named of refs.values()) if (named === key) return true
  return false
}

const pools = new Map<Shape, Pool>()

/** Made once for each shape. */
export function poolOf(shape: Shape): Pool {
  const pool = pools.get(shape) ?? new Pool(shape.contents, shape.sizes, shape.largeSizes, shape.engine.chunkSizes)
  pools.set(shape, pool)
  return pool
}

/** What fails otherwise, because the disk does, is thrown on. */
export async function refused(call: () => Promise<unknown>, code: StoreErrorCode, what: string): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (isStoreError(error, code)) return
    throw error
  }
  throw new Error(`${what} succeeded, expected ${code}`)
}
