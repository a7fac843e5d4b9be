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
