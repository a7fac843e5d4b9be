/**
 * A kernel that hands out the same arenas and tables again after `recycle`. Making instances is most of the cost of opening a small
 * store, and the torture run opens millions. Arenas come back with their old contents, as unforgiving as real memory.
 */

import type { Arena, Kernel, Table } from '../kernel/kernel.js'

export class RecyclingKernel implements Kernel {
  readonly #kernel: Kernel
  readonly #arenas: Arena[] = []
  readonly #tables: Table[] = []
  #arenasUsed = 0
  #tablesUsed = 0

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Everything handed out so far is free again; nobody may use it any more. */
  recycle(): void {
    this.#arenasUsed = 0
    this.#tablesUsed = 0
  }

  arena(bytes: number): Arena {
    let arena = this.#arenas[this.#arenasUsed]
    if (arena === undefined) {
      arena = this.#kernel.arena(bytes)
      this.#arenas.push(arena)
    }
    arena.reserve(bytes)
    this.#arenasUsed++
    return arena
  }

  table(seed: bigint): Table {
    let table = this.#tables[this.#tablesUsed]
    if (table === undefined) {
      table = this.#kernel.table(seed)
      this.#tables.push(table)
    }
    table.clear()
    this.#tablesUsed++
    return table
  }
}
