/**
 * idb-keyval in a database of its own. It has no way to ask for strict durability: with the browsers' default its writes are acknowledged when
 * the system has them, before they are on the disk, which is less than the others do. Its connection cannot be closed, so an
 * empty database stays.
 */
import { clear, createStore, get, getMany, set, setMany, type UseStore } from 'idb-keyval'
import { BATCH_LENGTH, batches, type Item } from '../shared/data.js'
import type { Keeper, Values } from '../shared/keeper.js'

let opened: UseStore | undefined

export class IdbKeyvalKeeper implements Keeper {
  async open(): Promise<void> {
    await clear(store())
  }

  async close(): Promise<void> {
    await clear(store())
  }

  async writeMany(items: Item[]): Promise<void> {
    for (const batch of batches(items, BATCH_LENGTH)) {
      await setMany(
        batch.map(({ key, value }) => [key, value]),
        store(),
      )
    }
  }

  async writeEach(items: Item[]): Promise<void> {
    for (const { key, value } of items) await set(key, value, store())
  }

  async readMany(items: Item[]): Promise<Values> {
    const values: Values = []
    for (const batch of batches(items, BATCH_LENGTH)) {
      const keys = batch.map(({ key }) => key)
      values.push(...(await getMany<Uint8Array>(keys, store())))
    }
    return values
  }

  async readEach(items: Item[]): Promise<Values> {
    const values: Values = []
    for (const { key } of items) values.push(await get<Uint8Array>(key, store()))
    return values
  }
}

function store(): UseStore {
  opened ??= createStore('lodestore-bench-idb-keyval', 'values')
  return opened
}
