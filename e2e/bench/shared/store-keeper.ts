/**
 * lodestore as a contestant. The page's side and the engine have the same calls, so this is used for both: values are stored under their
 * SHA-256, which is computed while the clock runs, each commit is strict, and each checksum is verified when a value is read.
 */
import type { Store } from 'lodestore/engine'
import type { Keeper } from './keeper.js'

/** `open` gives an empty store, `remove` takes it away after it was closed. */
export function storeKeeper(open: () => Promise<Store>, remove: () => Promise<void>): Required<Keeper> {
  let store: Store | undefined
  const opened = () => {
    if (store === undefined) throw new Error('the store is not open')
    return store
  }
  return {
    async open() {
      await remove()
      store = await open()
    },
    async close() {
      await store?.close()
      store = undefined
      await remove()
    },
    async writeMany(items) {
      await opened().putMany(items.map(({ value }) => value))
    },
    async writeEach(items) {
      for (const { value } of items) await opened().put(value)
    },
    readMany: (items) => opened().getMany(items.map(({ key }) => key)),
    async readEach(items) {
      const values = []
      for (const { key } of items) values.push(await opened().get(key))
      return values
    },
  }
}
