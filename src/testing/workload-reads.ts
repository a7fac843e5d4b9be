/** The steps of a workload that only read, and compare what they are given with the model. */

import type { Engine } from '../store/engine.js'
import { equal } from './check.js'
import type { State } from './model.js'
import type { Draws } from './workload-draws.js'
import type { StepName } from './workload-shape.js'

interface Look {
  engine: Engine
  model: State
  draws: Draws
}

export const READS: Partial<Record<StepName, (look: Look) => Promise<void>>> = {
  async get({ engine, model, draws }) {
    const key = draws.anyKey()
    draws.expectValue(await engine.get(key), model.contents.get(key), key)
  },

  async getMany({ engine, model, draws }) {
    const keys = draws.several(() => draws.anyKey())
    const values = await engine.getMany(keys)
    equal(values.length, keys.length, 'the count of values')
    for (const [i, key] of keys.entries()) draws.expectValue(values[i], model.contents.get(key), key)
  },

  async has({ engine, model, draws }) {
    const keys = draws.several(() => draws.anyKey())
    const answers = await engine.hasMany(keys)
    equal(answers.length, keys.length, 'the count of answers')
    for (const [i, key] of keys.entries()) draws.expectHas(answers[i] === true, model.contents.get(key), key)
    const first = keys[0] as string
    draws.expectHas(await engine.has(first), model.contents.get(first), first)
  },

  async range({ engine, model, draws }) {
    const { pool, random } = draws
    const { key } = random.pick(random.chance(0.8) ? pool.large : pool.all)
    const expected = model.contents.get(key)
    const size = expected?.length ?? 0
    const offset = random.below(size + 1)
    const length = random.below(size - offset + 100)
    const range = { offset, length }
    if (expected === undefined && pool.mayBeChunk(key)) return
    const slice = expected?.slice(offset, offset + length)
    draws.expectValue(await engine.get(key, range), slice, key)
    const stream = await engine.stream(key, range)
    const read = stream && new Uint8Array(await new Response(stream).arrayBuffer())
    draws.expectValue(read, slice, key)
  },

  async keys({ engine, model }) {
    const found: string[] = []
    for await (const { key, size } of engine.keys()) found.push(`${key} ${size}`)
    const expected = Array.from(model.contents, ([key, { length }]) => `${key} ${length}`)
    equal(found.sort(), expected.sort(), 'keys and sizes')
  },

  async names({ engine, model, draws }) {
    const prefix = draws.random.pick(['', 'a/', 'Ω', 'none'])
    const found: string[] = []
    for await (const { name, key } of engine.refs.list({ prefix })) found.push(`${name} ${key}`)
    const expected = Array.from(model.refs, ([name, key]) => `${name} ${key}`)
    equal(found, expected.filter((name) => name.startsWith(prefix)).sort(), 'names')
  },
}
