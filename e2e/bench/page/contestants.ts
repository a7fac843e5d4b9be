/**
 * Who takes part, and where each runs. Those that run in the worker are reached through `BenchWorker`; for the rest of the
 * benchmark there is no difference.
 */
import { deleteStore, isStoreError, openStore } from 'lodestore'
import { ItemsCache, type ItemsWanted } from '../shared/data.js'
import { type Call, type Keeper, timeCall } from '../shared/keeper.js'
import { storeKeeper } from '../shared/store-keeper.js'
import { BaselineKeeper } from './baseline.js'
import { CacheKeeper } from './cache.js'
import { DexieKeeper } from './dexie.js'
import { IdbKeyvalKeeper } from './idb-keyval.js'
import type { BenchWorker } from './worker.js'

export type ContestantName =
  | 'lodestore'
  | 'engine'
  | 'raw'
  | 'idb-keyval'
  | 'dexie'
  | 'sqlite'
  | 'cache'
  | 'files'
  | 'baseline'

export interface Contestant {
  open(): Promise<void>
  close(): Promise<void>
  /** Milliseconds. */
  time(call: Call, items: ItemsWanted): Promise<number>
}

const STORE_NAME = 'lodestore-bench'

async function removeStore(): Promise<void> {
  try {
    await deleteStore(STORE_NAME)
  } catch (error) {
    if (!(isStoreError(error) && error.code === 'NOT_FOUND')) throw error
  }
}

export function makeContestants(worker: BenchWorker): Record<ContestantName, Contestant> {
  const items = new ItemsCache()
  const onPage = (keeper: Keeper): Contestant => ({
    open: () => keeper.open(),
    close: () => keeper.close(),
    async time(call, wanted) {
      return timeCall(keeper, call, await items.get(wanted))
    },
  })
  const inWorker = (keeper: string): Contestant => ({
    open: () => worker.ask({ kind: 'open', keeper }).then(() => {}),
    close: () => worker.ask({ kind: 'close', keeper }).then(() => {}),
    time: (call, items) => worker.ask({ kind: 'time', keeper, call, items }),
  })
  return {
    lodestore: onPage(storeKeeper(() => openStore(STORE_NAME), removeStore)),
    engine: inWorker('engine'),
    raw: inWorker('raw'),
    'idb-keyval': onPage(new IdbKeyvalKeeper()),
    dexie: onPage(new DexieKeeper()),
    sqlite: inWorker('sqlite'),
    cache: onPage(new CacheKeeper()),
    files: inWorker('files'),
    baseline: onPage(new BaselineKeeper()),
  }
}
