/** The page's end of worker/baseline.ts: a message there and back in place of a get, one that fetches bytes, and one with the bytes in place of a put. */
import type { Item } from '../shared/data.js'
import type { Keeper, Values } from '../shared/keeper.js'

export class BaselineKeeper implements Keeper {
  #worker: Worker | undefined

  async open(): Promise<void> {
    this.#worker = new Worker(new URL('../worker/baseline.ts', import.meta.url), { type: 'module' })
    await this.#ask('open')
  }

  async close(): Promise<void> {
    await this.#ask('close')
    this.#worker?.terminate()
  }

  async writeEach(items: Item[]): Promise<void> {
    for (const { value } of items) await this.#ask(value)
  }

  async readEach(items: Item[]): Promise<Values> {
    for (let count = 0; count < items.length; count++) await this.#ask(undefined)
    return items.map(({ value }) => value)
  }

  /** One after the other too; whatever stands there, the file being one of bytes without keys. */
  async readMany(items: Item[]): Promise<Values> {
    for (const [index, { value }] of items.entries()) {
      const size = value.length
      await this.#ask({ at: 7919 * index * size, size })
    }
    return items.map(({ value }) => value)
  }

  #ask(message: unknown): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) throw new Error('it is not open')
    return new Promise((resolve, reject) => {
      worker.onmessage = () => resolve()
      worker.onerror = (event) => reject(new Error(event.message || 'the worker did not load'))
      worker.postMessage(message)
    })
  }
}
