/**
 * What a generated workload is like: its keys and values, its engine, and how often each kind of step comes. The torture run wants a
 * small store in which every call to the disk matters; the run against the model wants every call of the engine, in stores of all sizes.
 */

import type { ChunkSizes } from '../kernel/kernel.js'
import type { EngineSettings } from '../store/engine.js'
import type { Random } from './random.js'

export type StepName =
  | 'set'
  | 'put'
  | 'putMany'
  | 'delete'
  | 'deleteMany'
  | 'deleteAll'
  | 'transaction'
  | 'rolledBack'
  | 'together'
  | 'get'
  | 'getMany'
  | 'has'
  | 'keys'
  | 'flush'
  | 'compact'
  | 'check'
  | 'reopen'
  | 'reopenCompared'
  | 'replayCompared'
  | 'large'
  | 'largeTogether'
  | 'settingLarge'
  | 'failing'
  | 'range'
  | 'name'
  | 'nameChunk'
  | 'names'
  | 'gc'
  | 'ingest'
  | 'discardAll'

export interface Shape {
  /** How many keys of its own choice it uses, and how many different contents. */
  keys: number
  contents: number
  /** Sizes of values, in bytes: one of them is picked. */
  sizes: readonly number[]
  /** Sizes of contents that are cut into chunks. */
  largeSizes: readonly number[]
  engine: EngineSettings & { chunkSizes: ChunkSizes }
  /** How often a step comes, beside the others; one that is not named never does. */
  weights: Readonly<Partial<Record<StepName, number>>>
}

/** Microtasks between two slices of a checkpoint: enough for a step or two. */
const PAUSE_MICROTASKS = 40

/** Sizes that make a small workload fill several segments and write checkpoints, in slices. */
export const ENGINE_OPTIONS = {
  maxSegmentSize: 3000,
  checkpointBytes: 6000,
  sliceBytes: 200,
  /** By no clock, so that a seed repeats all of a run. */
  async pause(): Promise<void> {
    for (let i = 0; i < PAUSE_MICROTASKS; i++) await undefined
  },
  chunkSizes: { min: 64, average: 256, max: 400 },
}

export const TORTURE_SHAPE: Shape = {
  keys: 8,
  contents: 4,
  sizes: [0, 1, 30, 200, 700],
  largeSizes: [1100, 2600],
  engine: ENGINE_OPTIONS,
  weights: {
    set: 4,
    put: 1,
    delete: 1,
    deleteAll: 1,
    transaction: 4,
    rolledBack: 1,
    get: 1,
    flush: 1,
    compact: 1,
    reopen: 1,
    large: 3,
    settingLarge: 1,
    failing: 1,
    range: 1,
    name: 2,
    nameChunk: 1,
    gc: 1,
    ingest: 4,
    discardAll: 1,
  },
}

/** Mostly small values, so that there are many operations; no crash, so everything is compared all the time. */
const MODEL_WEIGHTS: Shape['weights'] = {
  set: 400,
  put: 200,
  putMany: 30,
  delete: 150,
  deleteMany: 20,
  deleteAll: 1,
  transaction: 100,
  rolledBack: 20,
  together: 150,
  get: 400,
  getMany: 40,
  has: 100,
  keys: 5,
  flush: 10,
  compact: 1,
  check: 1,
  reopenCompared: 2,
  replayCompared: 1,
  large: 100,
  largeTogether: 20,
  settingLarge: 10,
  failing: 30,
  range: 50,
  name: 60,
  nameChunk: 10,
  names: 10,
  gc: 5,
  ingest: 60,
  discardAll: 1,
}

/** A shape for the run against the model; which one is the seed's matter. */
export function modelShape(random: Random): Shape {
  return {
    keys: random.pick([3, 20, 60, 200]),
    contents: random.pick([2, 30]),
    sizes: random.pick([[0, 1, 20, 100], [0, 1, 7, 30, 60, 200, 1000], [1, 30, 100, 3000], SIZES_WITH_LARGE]),
    largeSizes: random.pick([
      [900, 3000],
      [1000, 5000, 20_000],
    ]),
    engine: {
      maxSegmentSize: random.pick([2000, 20_000, 200_000]),
      checkpointBytes: random.pick([10_000, 300_000]),
      chunkSizes: ENGINE_OPTIONS.chunkSizes,
    },
    weights: MODEL_WEIGHTS,
  }
}

/** One value in 50 is larger than the segment, and one than the writer's buffer. */
const SIZES_WITH_LARGE = [...new Array<number>(98).fill(30), 50_000, 1_100_000]
