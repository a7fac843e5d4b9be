/**
 * The engine: a store open in this thread, with the same calls as the page's `Store`. It is what a worker of one's own and Node programs use.
 */

import { keyHex, parseKey } from '../format/key.js'
import { checkRange, streamPieces } from '../piece-stream.js'
import { respond } from '../response.js'
import type { Storage } from '../storage/storage.js'
import { transact } from '../transact.js'
import type { CommitOptions, KeyLike, ResponseOptions, Store, StreamOptions, Transaction } from '../types.js'
import { EngineCore, type EngineSettings, openAs } from './core.js'

export type { EngineSettings, OpenEngineOptions } from './core.js'

/** Opens the store in `storage`, which is its directory. Throws LOCKED at once when it is open elsewhere, NOT_FOUND, FORMAT. */
export async function openEngine(storage: Storage, options: EngineSettings = {}): Promise<Engine> {
  return await openAs(Engine, storage, options)
}

export class Engine extends EngineCore implements Store {
  async stream(
    key: KeyLike,
    options: StreamOptions = {},
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
    return await streamPieces((...part) => this.piece(key, ...part), checkRange(options))
  }

  async response(key: KeyLike, request?: Request, options: ResponseOptions = {}): Promise<Response> {
    return await respond((...part) => this.piece(key, ...part), keyHex(parseKey(key)), request, options)
  }

  async transaction<T>(fn: (tx: Transaction) => Promise<T> | T, options: CommitOptions = {}): Promise<T> {
    return await transact(this.begin(options), fn)
  }
}
