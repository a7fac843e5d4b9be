/**
 * What the page remembers of its stores in IndexedDB: when each was made and last opened. Hints only. The truth is in OPFS: a
 * hint counts while its id is the store's, and `listStores` mends what is missing or wrong. Where IndexedDB fails nothing is
 * remembered, and nothing else changes: every function here resolves.
 */

import { createStore, del, delMany, entries, get, set, setMany } from 'idb-keyval'
import type { Key, StoreInfo } from '../types.js'

/** Times are milliseconds since 1970. */
interface Hint {
  id: Key
  created: number | undefined
  lastOpened?: number
}

// The database is opened at the first use, not when the module is loaded.
const hints = createStore('lodestore', 'stores')

/** Notes that the store has been opened, and made if it has. */
export function remember(name: string, id: Key, made: boolean): Promise<void> {
  return hint(async () => {
    const now = Date.now()
    const known = await get<Hint>(name, hints)
    const created = made ? now : known?.id === id ? known.created : undefined
    await set(name, { id, created, lastOpened: now } satisfies Hint, hints)
  })
}

export function forget(name: string): Promise<void> {
  return hint(() => del(name, hints))
}

/** Puts into `stores`, which is all there are, when each was made, and rebuilds the hints that disagree. */
export function reconcile(stores: StoreInfo[]): Promise<void> {
  return hint(async () => {
    const known = new Map(await entries<string, Hint>(hints))
    const wrong: [string, Hint][] = []
    for (const store of stores) {
      const { name, id } = store
      const found = known.get(name)
      known.delete(name)
      if (found?.id === id && Number.isFinite(found.created)) store.created = new Date(found.created as number)
      else wrong.push([name, { ...(found?.id === id && found), id, created: store.created?.getTime() }])
    }
    await setMany(wrong, hints)
    await delMany([...known.keys()], hints)
  })
}

async function hint(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch {
    // No IndexedDB, or it fails: it held only hints.
  }
}
