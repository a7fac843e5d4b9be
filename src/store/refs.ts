/**
 * Names of contents: inside the open transaction (`StagedRefs`) and on the store (`EngineRefs`). A name never points to what is not there: it is
 * only set to a content that is, and a content with a name is not deleted.
 */

import { isStoreError, StoreError, throwIfAborted } from '../errors.js'
import { TAG } from '../format/entry.js'
import { joinKeys, keyHex, parseKey, RESERVED } from '../format/key.js'
import { decodeRef, encodeRef, type RefEntry, refKey, refNameBytes } from '../format/ref.js'
import type { KeyLike, ListOptions, Ref, Refs } from '../types.js'
import type { Contents } from './contents.js'
import type { Context } from './context.js'
import { ownKeys } from './index-records.js'
import { readValue, readValues, unlessDamaged } from './read.js'
import type { Find } from './read-content.js'
import type { Staging } from './staging.js'

/** So many refs are read from the log at a time. */
const REFS_AT_ONCE = 1000

export class StagedRefs {
  readonly #context: Context
  readonly #staging: Staging
  readonly #contents: Contents

  constructor(context: Context, staging: Staging, contents: Contents) {
    this.#context = context
    this.#staging = staging
    this.#contents = contents
  }

  /** Throws NOT_FOUND when the content is not there. */
  async set(name: Uint8Array<ArrayBuffer>, value: Uint8Array<ArrayBuffer>, key: Uint8Array): Promise<void> {
    if (!(await this.#contents.keep(key))) {
      throw new StoreError('NOT_FOUND', 'a name is given to a content that is there; put it first', {
        where: { key: keyHex(key) },
      })
    }
    const { names } = await this.#loadedHolders()
    const old = await this.#old(name)
    await this.#staging.append(TAG.put, this.#place(name), value)
    if (old) names.change(old.key, -1)
    names.change(key, 1)
  }

  async get(name: Uint8Array<ArrayBuffer>): Promise<RefEntry | undefined> {
    return await readRef(this.#context, this.#place(name), (key) => this.#staging.find(key))
  }

  /** False when there is no such name. */
  async delete(name: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { names } = await this.#loadedHolders()
    const old = await this.#old(name)
    const isThere = await this.#staging.delete(this.#place(name))
    if (old) names.change(old.key, -1)
    return isThere
  }

  /** What the name pointed to, for the count. One that is damaged may be replaced or deleted all the same. */
  async #old(name: Uint8Array<ArrayBuffer>): Promise<RefEntry | undefined> {
    const old = await unlessDamaged(this.get(name))
    if (old === undefined && this.#staging.has(this.#place(name))) this.#staging.holders.recount()
    return old
  }

  #place(name: Uint8Array<ArrayBuffer>): Uint8Array {
    return placeOf(this.#context, name)
  }

  async #loadedHolders() {
    const { holders } = this.#staging
    await holders.load()
    return holders
  }
}

/** What runs a change in the open transaction: the store's queue, or a transaction's own order. */
export type Stage = <T>(change: () => Promise<T>) => Promise<T>

/** Where reads look, and what runs them: the store's own, as committed, or a transaction's. */
export interface Reading {
  find: Find
  run: Stage
}

/** The public calls. They check what comes from outside, in the same tick; `stage` says when a change has its turn. */
export class EngineRefs implements Refs {
  readonly #context: Context
  readonly #staged: StagedRefs
  readonly #stage: Stage
  readonly #reading: Reading

  constructor(context: Context, staged: StagedRefs, stage: Stage, reading: Reading) {
    this.#context = context
    this.#staged = staged
    this.#stage = stage
    this.#reading = reading
  }

  async set(name: string, key: KeyLike, meta?: unknown): Promise<void> {
    const [bytes, content] = [refNameBytes(name), parseKey(key)]
    const value = encodeRef(bytes, content, meta)
    await this.#stage(() => this.#staged.set(bytes, value, content))
  }

  async get(name: string): Promise<Ref | undefined> {
    const place = placeOf(this.#context, refNameBytes(name))
    const { find, run } = this.#reading
    return shown(await run(() => readRef(this.#context, place, find)))
  }

  async delete(name: string): Promise<boolean> {
    const bytes = refNameBytes(name)
    return await this.#stage(() => this.#staged.delete(bytes))
  }

  async *list({ prefix = '', signal }: ListOptions = {}): AsyncGenerator<Ref> {
    throwIfAborted(signal)
    const { run } = this.#reading
    const places = await run(async () => ownKeys(this.#context.state, [RESERVED.ref]))
    const found: Ref[] = []
    let damage: StoreError | undefined
    for (let at = 0; at < places.length; at += REFS_AT_ONCE) {
      throwIfAborted(signal)
      const some = places.slice(at, at + REFS_AT_ONCE)
      const read = await run(() => readUndamaged(this.#context, some))
      damage ??= read.damage
      for (const value of read.values) {
        const ref = value && shown(decodeRef(value))
        if (ref?.name.startsWith(prefix)) found.push(ref)
      }
    }
    found.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const ref of found) {
      throwIfAborted(signal)
      yield ref
    }
    if (damage) throw damage
  }
}

/** What can be read of some values, and why the first of the others cannot. */
async function readUndamaged(
  context: Context,
  places: readonly Uint8Array[],
): Promise<{ values: readonly (Uint8Array | undefined)[]; damage?: StoreError }> {
  try {
    return { values: await readValues(context, joinKeys(places)) }
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error
    if (places.length <= 1) return { values: [], damage: error }
  }
  const half = Math.ceil(places.length / 2)
  const [first, second] = [
    await readUndamaged(context, places.slice(0, half)),
    await readUndamaged(context, places.slice(half)),
  ]
  const damage = first.damage ?? second.damage
  return { values: [...first.values, ...second.values], ...(damage && { damage }) }
}

/** The ref whose entry has this key. Throws CORRUPT. */
export async function readRef(context: Context, place: Uint8Array, find: Find): Promise<RefEntry | undefined> {
  const value = await readValue(context, place, () => find(place))
  return value && decodeRef(value)
}

function placeOf({ hasher }: Context, name: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return refKey(hasher.sha256Now(name))
}

function shown(entry: RefEntry | undefined): Ref | undefined {
  return entry && { name: entry.name, key: keyHex(entry.key), meta: entry.meta }
}
