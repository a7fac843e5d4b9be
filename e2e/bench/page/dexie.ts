/** Dexie with strict durability, one table without indexes, keys beside the values; 256 values in one call. The empty database stays. */
import { Dexie, type Table } from 'dexie'
import { BATCH_LENGTH, batches, type Item } from '../shared/data.js'
import type { Keeper, Values } from '../shared/keeper.js'

export class DexieKeeper implements Keeper {
  readonly #table: Table<Uint8Array, string>

  constructor() {
    const database = new Dexie('lodestore-bench-dexie', { chromeTransactionDurability: 'strict' })
    database.version(1).stores({ values: '' })
    this.#table = database.table('values')
  }

  open(): Promise<void> {
    return this.#table.clear()
  }

  close(): Promise<void> {
    return this.#table.clear()
  }

  async writeMany(items: Item[]): Promise<void> {
    for (const batch of batches(items, BATCH_LENGTH)) {
      await this.#table.bulkPut(
        batch.map(({ value }) => value),
        batch.map(({ key }) => key),
      )
    }
  }

  async writeEach(items: Item[]): Promise<void> {
    for (const { key, value } of items) await this.#table.put(value, key)
  }

  async readMany(items: Item[]): Promise<Values> {
    const values: Values = []
    for (const batch of batches(items, BATCH_LENGTH)) {
      values.push(...(await this.#table.bulkGet(batch.map(({ key }) => key))))
    }
    return values
  }

  async readEach(items: Item[]): Promise<Values> {
    const values: Values = []
    for (const { key } of items) values.push(await this.#table.get(key))
    return values
  }
}
