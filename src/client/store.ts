/**
 * The store as the page sees it: each call becomes a message to the worker that has it open. What one call cannot hold
 * (many blobs, all keys) goes in pieces of a bounded size. `openStore` makes it.
 */

import { keyHex } from '../format/key.js'
import { checkRange, type ReadPiece, streamPieces } from '../piece-stream.js'
import { decodeKeys } from '../protocol/key-page.js'
import type { KeyPage, Result } from '../protocol/messages.js'
import { respond } from '../response.js'
import { transact } from '../transact.js'
import type {
  BlobOptions,
  CheckOptions,
  CheckReport,
  CollectOptions,
  CollectReport,
  CommitOptions,
  CompactOptions,
  CompactReport,
  Data,
  Frozen,
  Ingest,
  Key,
  KeyEntry,
  KeyLike,
  PutOptions,
  Recovery,
  Refs,
  ResponseOptions,
  Stats,
  Store,
  StreamOptions,
  Transaction,
} from '../types.js'
import type { Connection, Take } from './connection.js'
import { packKey } from './data.js'
import { asyncDispose } from './dispose.js'
import { freeze } from './frozen.js'
import { RemoteIngest } from './ingest.js'
import { listing } from './listing.js'
import { RemoteOperations } from './operations.js'
import { RemoteRefs } from './refs.js'
import { RemoteTransaction } from './transaction.js'
import { upload } from './upload.js'

export class RemoteStore extends RemoteOperations implements Store {
  readonly name: string
  readonly id: string
  readonly recovery: Recovery
  readonly refs: Refs
  protected readonly tx = undefined

  constructor(connection: Connection, name: string, { id, recovery }: Result<'open'>) {
    super(connection)
    this.name = name
    this.id = id
    this.recovery = recovery
    this.refs = new RemoteRefs(connection, () => undefined)
  }

  async putMany(data: Iterable<Data> | AsyncIterable<Data>, options: PutOptions = {}): Promise<Key[]> {
    return upload(this.connection, data, options)
  }

  async ingest(key: KeyLike, { size }: { size: number }): Promise<Ingest> {
    const { connection } = this
    const ingest = connection.drawId()
    const offset = await connection.call('ingest', { key: packKey(key), size, ingest })
    return new RemoteIngest(connection, ingest, size, offset)
  }

  async stream(
    key: KeyLike,
    options: StreamOptions = {},
  ): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined> {
    return streamPieces(this.#pieces(key), checkRange(options))
  }

  async response(key: KeyLike, request?: Request, options: ResponseOptions = {}): Promise<Response> {
    return respond(this.#pieces(key), typeof key === 'string' ? key : keyHex(key), request, options)
  }

  async blob(key: KeyLike, { type, verify }: BlobOptions = {}): Promise<Blob | undefined> {
    return this.connection.call('blob', { key: packKey(key), mediaType: type, verify })
  }

  #pieces(key: KeyLike): ReadPiece {
    const { connection } = this
    const name = packKey(key)
    const read = (found: Result<'piece'>, take: Take) =>
      found && { bytes: (take(found.memory) as Uint8Array<ArrayBuffer>).subarray(0, found.length), size: found.size }
    return async (offset, memory) =>
      connection.call('piece', { key: name, offset, memory: memory && connection.bytes.move(memory) }, { read })
  }

  async getMany(keys: Iterable<KeyLike>): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
    const read = (slices: (number | undefined)[], take: Take) => slices.map(take)
    return this.connection.call('getMany', { keys: Array.from(keys, packKey) }, { read })
  }

  async hasMany(keys: Iterable<KeyLike>): Promise<boolean[]> {
    return this.connection.call('hasMany', { keys: Array.from(keys, packKey) })
  }

  async deleteMany(keys: Iterable<KeyLike>, { durability }: CommitOptions = {}): Promise<number> {
    return this.connection.call('deleteMany', { keys: Array.from(keys, packKey), durability })
  }

  keys({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<KeyEntry, void, undefined> {
    const { connection } = this
    const read = ({ entries, cursor }: KeyPage, take: Take) => ({
      entries: decodeKeys(take(entries) as Uint8Array),
      cursor,
    })
    return listing(
      connection,
      () => connection.call('keys', {}, { signal, read }),
      (cursor) => connection.call('keysNext', { cursor }, { signal, read }),
      signal,
    )
  }

  async transaction<T>(fn: (tx: Transaction) => Promise<T> | T, options: CommitOptions = {}): Promise<T> {
    return transact(this.begin(options), fn)
  }

  async begin({ durability }: CommitOptions = {}): Promise<RemoteTransaction> {
    const { connection } = this
    const tx = connection.drawId()
    await connection.call('begin', { tx, durability })
    return new RemoteTransaction(connection, tx)
  }

  async stats(): Promise<Stats> {
    return this.connection.call('stats', {})
  }

  async check({ repair, signal, onProgress }: CheckOptions = {}): Promise<CheckReport> {
    return this.connection.call('check', { repair, progress: !!onProgress }, { signal, onProgress })
  }

  async compact({ threshold, signal, onProgress }: CompactOptions = {}): Promise<CompactReport> {
    return this.connection.call('compact', { threshold, progress: !!onProgress }, { signal, onProgress })
  }

  async gc({ dryRun, keep, grace, signal, onProgress }: CollectOptions = {}): Promise<CollectReport> {
    const keys = keep && Array.from(keep, packKey)
    return this.connection.call('gc', { dryRun, keep: keys, grace, progress: !!onProgress }, { signal, onProgress })
  }

  async freeze(): Promise<Frozen> {
    return freeze(this.connection, this.id)
  }

  async flush(): Promise<void> {
    return this.connection.call('flush', {})
  }

  close(): Promise<void> {
    return this.connection.close()
  }

  [asyncDispose](): Promise<void> {
    return this.close()
  }
}
