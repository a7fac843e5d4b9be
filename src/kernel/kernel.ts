/**
 * The typed face of the WASM module (assembly/): the one place that knows its memory.
 *
 * Every arena and every table is an instance of the module with a memory of its own. So each can grow in place,
 * none can move under another, and a view is stale only after a call on its own instance that says so.
 */

import { Arena } from './arena.js'
import { compileModule, instantiate } from './instance.js'
import { Table } from './table.js'

export type { Arena, ScanResult } from './arena.js'
export type { Chunker, ChunkSizes } from './chunker.js'
export type { Sha256Stream } from './sha256-stream.js'
export type { Snapshot } from './snapshot.js'
export type { Location, Table } from './table.js'

export interface Kernel {
  /** An arena of at least `bytes`. */
  arena(bytes: number): Arena
  /** An empty table whose hash is mixed with `seed` (any 64 bits), so that nobody can choose keys that collide. */
  table(seed: bigint): Table
}

/** Compiles the module; once for each engine. */
export async function createKernel(): Promise<Kernel> {
  const module = await compileModule()
  return {
    arena: (bytes) => new Arena(instantiate(module), bytes),
    table: (seed) => new Table(instantiate(module), seed),
  }
}
