/** What a store has to hold, as a Map, and how the two are compared. */

import type { Engine } from '../store/engine.js'

/** Key in hex to value. */
export type Model = ReadonlyMap<string, Uint8Array>

/** Everything the store holds, read back and checked. */
export async function readAll(engine: Engine): Promise<Model> {
  const keys: string[] = []
  for await (const { key } of engine.keys()) keys.push(key)
  const values = await engine.getMany(keys)
  return new Map(keys.map((key, i) => [key, values[i] as Uint8Array]))
}

export function sameModel(a: Model, b: Model): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (!sameValue(value, b.get(key))) return false
  return true
}

export function sameValue(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a === b || Buffer.compare(a, b) === 0
}

/** What a store has to hold: contents, and names of contents. */
export interface State {
  contents: Model
  /** Name to key. */
  refs: ReadonlyMap<string, string>
}

/** A state that is being changed. */
export interface Draft {
  contents: Map<string, Uint8Array>
  refs: Map<string, string>
}

export const EMPTY: State = { contents: new Map(), refs: new Map() }

export function draftOf({ contents, refs }: State): Draft {
  return { contents: new Map(contents), refs: new Map(refs) }
}

/** What the workloads note with a name. */
export function metaOf(name: string, key: string): unknown {
  return { of: `${name} ${key.slice(0, 4)}` }
}

/** Everything the store holds, read back and checked. */
export async function readState(engine: Engine): Promise<State> {
  const refs = new Map<string, string>()
  for await (const { name, key, meta } of engine.refs.list()) {
    if (JSON.stringify(meta) !== JSON.stringify(metaOf(name, key))) throw new Error(`the meta of ${name} is another`)
    refs.set(name, key)
  }
  return { contents: await readAll(engine), refs }
}

export function sameState(held: State, expected: State): boolean {
  return differencesOf(held, expected).length === 0
}

/** What is there and should not be, or the other way round, in words. */
export function differencesOf(held: State, expected: State): string[] {
  const differing: string[] = []
  for (const [name, key] of held.refs)
    if (expected.refs.get(name) !== key) differing.push(`${name} is a name of ${key}`)
  for (const [name, key] of expected.refs) if (!held.refs.has(name)) differing.push(`${name} is no name of ${key}`)
  for (const [key, value] of held.contents) {
    const wanted = expected.contents.get(key)
    if (!sameValue(value, wanted)) differing.push(`${key} has ${value?.length} bytes, expected ${wanted?.length}`)
  }
  for (const key of expected.contents.keys()) if (!held.contents.has(key)) differing.push(`${key} is missing`)
  return differing
}
