/**
 * What the page remembers of its stores in IndexedDB: when each was made and last opened. Hints only. The truth is in OPFS: a
 * hint counts while its id is the store's, and `listStores` rebuilds what is missing or wrong. Where IndexedDB fails nothing
 * is remembered, and nothing else changes: every function here resolves.
 */

import { createStore, update } from 'idb-keyval'
import type { Key, StoreInfo } from '../types.js'

/** Times are milliseconds since 1970. */
export interface Hint {
  id: Key
  created: number | undefined
  lastOpened: number | undefined
}

/** By the stores' names. One record, so that a change of it is one atomic step. */
type Catalogue = Map<string, Hint>

// The database is opened at the first use, not when the module is loaded.
const database = createStore('lodestore', 'hints')

/** Notes that the store has been opened, and made if it has. */
export function remember(name: string, id: Key, made: boolean): Promise<void> {
  return change((hints) => {
    const now = Date.now()
    const known = hints.get(name)
    const created = made ? now : known?.id === id ? known.created : undefined
    return hints.set(name, { id, created, lastOpened: now })
  })
}

export function forget(name: string): Promise<void> {
  return change((hints) => {
    hints.delete(name)
    return hints
  })
}

/** Puts into `stores`, which is all there are, when each was made, as far as a hint knows better; rebuilds the hints from them. */
export function reconcile(stores: StoreInfo[]): Promise<void> {
  return change((hints) => {
    const right: Catalogue = new Map()
    for (const store of stores) {
      const { name, id } = store
      const found = hints.get(name)
      const known = found?.id === id ? found : undefined
      if (known?.created) store.created = new Date(known.created)
      right.set(name, { id, created: store.created?.getTime(), lastOpened: known?.lastOpened })
    }
    return right
  })
}

async function change(edit: (hints: Catalogue) => Catalogue): Promise<void> {
  try {
    // A record of another shape is wrong: begin anew.
    await update<Catalogue>('stores', (old) => edit(old instanceof Map ? old : new Map()), database)
  } catch {
    // IndexedDB is missing, forbidden or broken, and only hints are lost.
  }
}
