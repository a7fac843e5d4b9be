/** The Cache API, a response for each value under an address made of its key. It says nothing about durability. */
import type { Item } from '../shared/data.js'
import type { Keeper, Values } from '../shared/keeper.js'

const NAME = 'lodestore-bench'

export class CacheKeeper implements Keeper {
  #cache: Cache | undefined

  async open(): Promise<void> {
    await caches.delete(NAME)
    this.#cache = await caches.open(NAME)
  }

  async close(): Promise<void> {
    await caches.delete(NAME)
  }

  async writeEach(items: Item[]): Promise<void> {
    for (const { key, value } of items) await this.#cache?.put(`/${key}`, new Response(value))
  }

  async readEach(items: Item[]): Promise<Values> {
    const values: Values = []
    for (const { key } of items) {
      const response = await this.#cache?.match(`/${key}`)
      values.push(response && new Uint8Array(await response.arrayBuffer()))
    }
    return values
  }
}
