/**
 * The messages between a page and the worker that holds the store: closed unions of plain data.
 * A page sends calls (each answered once, under its id) and aborts; the worker sends replies. Both travel in
 * envelopes (bytes.ts), as many together as are ready. `Calls` is the one list: the requests' fields checked by
 * validate.ts, the handlers of the host and the calls of the page are all typed by it.
 */

import type {
  CheckReport,
  CollectReport,
  CompactReport,
  Durability,
  EngineOptions,
  Key,
  KeyLike,
  Progress,
  Recovery,
  Ref,
  Stats,
} from '../types.js'
import type { WireError } from './errors.js'

/** What carries the messages: a MessagePort, a Worker, or the global scope of a dedicated worker. */
export interface Transport {
  postMessage(message: unknown, transfer: Transferable[]): void
  onmessage: ((event: MessageEvent) => unknown) | null
}

/** Bytes in an envelope, by the number of their slice. */
export type Slice = number

/** Data on its way to the store. A Blob goes by reference: the worker reads it. */
export type WireData = Slice | Blob

/** A source that flows: its bytes come by `pipeWrite`, under the number that the page has drawn for it. */
export interface PipeData {
  pipe: number
}

/** The call runs inside this transaction: the id of the `begin` that started it. */
interface InTransaction {
  tx?: number | undefined
}

/** What of a content, in bytes. */
interface Part {
  offset?: number | undefined
  length?: number | undefined
}

/** An ingest, by the number that the page has drawn for it. */
interface InIngest {
  ingest: number
}

/** A frozen store, by the number that the page has drawn for it. */
interface InFrozen {
  frozen: number
}

interface Commit {
  durability?: Durability | undefined
}

/** A call with `progress` wants progress replies before its answer. */
interface Task {
  progress: boolean
}

/** A page of keys: records of 40 bytes (key-page.ts), and the cursor of what is left, if anything is. */
export interface KeyPage {
  entries: Slice
  cursor: number | undefined
}

/** A page of names, and the cursor of what is left, if anything is. */
export interface RefPage {
  entries: Ref[]
  cursor: number | undefined
}

/** Every call there is: what it says, and what its answer holds. */
export interface Calls {
  open: {
    fields: {
      name: string
      storage: 'opfs' | 'memory'
      create?: boolean | undefined
      maxSegmentSize?: number | undefined
      chunkSizes?: EngineOptions['chunkSizes'] | undefined
    } & Commit
    result: { id: Key; recovery: Recovery }
  }
  // Without `progress` it cannot be aborted. The number of a pipe is free again after `pipeEnd` or `pipeFail`, one of which has to come.
  put: {
    fields: {
      data: WireData | PipeData
      expected?: KeyLike | undefined
      progress?: boolean | undefined
    } & InTransaction &
      Commit
    result: Key
  }
  // Answered when the bytes were taken, or are not wanted any more.
  pipeWrite: { fields: PipeData & { data: Slice }; result: undefined }
  pipeEnd: { fields: PipeData; result: undefined }
  pipeFail: { fields: PipeData; result: undefined }
  // `slab` is the memory that values are in, and nothing of another call: it is given back.
  putMany: {
    fields: { data: WireData[]; slab?: Slice | undefined } & InTransaction & Commit
    result: { keys: Key[]; slab: Slice | undefined }
  }
  set: { fields: { key: KeyLike; data: WireData } & InTransaction & Commit; result: undefined }
  get: { fields: { key: KeyLike } & Part & InTransaction; result: Slice | undefined }
  // `memory` is for the bytes, if they fit; they are the first `length` of the one that comes back.
  piece: {
    fields: { key: KeyLike; offset: number; memory?: Slice | undefined }
    result: { memory: Slice; length: number; size: number } | undefined
  }
  // By reference: the page reads it from the disk, or from the browser's memory.
  blob: {
    fields: { key: KeyLike; mediaType?: string | undefined; verify?: boolean | undefined }
    result: Blob | undefined
  }
  getMany: { fields: { keys: KeyLike[] }; result: (Slice | undefined)[] }
  has: { fields: { key: KeyLike } & InTransaction; result: boolean }
  hasMany: { fields: { keys: KeyLike[] }; result: boolean[] }
  delete: { fields: { key: KeyLike } & InTransaction; result: boolean }
  deleteMany: { fields: { keys: KeyLike[] } & Commit; result: number }
  keys: { fields: object; result: KeyPage }
  keysNext: { fields: { cursor: number }; result: KeyPage }
  refs: { fields: { prefix?: string | undefined }; result: RefPage }
  refsNext: { fields: { cursor: number }; result: RefPage }
  /** Ends a listing of either kind before its end. */
  listEnd: { fields: { cursor: number }; result: undefined }
  refSet: { fields: { name: string; key: KeyLike; meta?: string | undefined } & InTransaction; result: undefined }
  refGet: { fields: { name: string } & InTransaction; result: Ref | undefined }
  refDelete: { fields: { name: string } & InTransaction; result: boolean }
  gc: {
    fields: { dryRun?: boolean | undefined; keep?: KeyLike[] | undefined; grace?: number | undefined } & Task
    result: CollectReport
  }
  // Both answer with the bytes that are there.
  ingest: { fields: { key: KeyLike; size: number } & InIngest; result: number }
  ingestWrite: { fields: { data: Slice } & InIngest; result: number }
  ingestFinish: { fields: InIngest & Commit; result: Key }
  ingestDiscard: { fields: InIngest; result: undefined }
  ingestPause: { fields: InIngest; result: undefined }
  begin: { fields: { tx: number } & Commit; result: undefined }
  commit: { fields: { tx: number }; result: undefined }
  rollback: { fields: { tx: number }; result: undefined }
  stats: { fields: object; result: Stats }
  check: { fields: { repair?: boolean | undefined } & Task; result: CheckReport }
  compact: { fields: { threshold?: number | undefined } & Task; result: CompactReport }
  freeze: { fields: InFrozen; result: { keysAreHashes: boolean; files: { path: string; size: number }[] } }
  // A file by its place in the list.
  frozenRead: { fields: { file: number; at: number; length: number } & InFrozen; result: Slice }
  frozenEntries: { fields: InFrozen; result: Slice }
  frozenValue: { fields: { index: number } & InFrozen; result: Slice }
  frozenEnd: { fields: InFrozen; result: undefined }
  flush: { fields: object; result: undefined }
  close: { fields: object; result: undefined }
}

export type CallType = keyof Calls
export type Fields<T extends CallType> = Calls[T]['fields']
export type Result<T extends CallType> = Calls[T]['result']

/** A call. Ids are positive, drawn by the page, and not used twice. */
export type Call<T extends CallType = CallType> = { [C in T]: { type: C; id: number } & Fields<C> }[T]

/** Ends the call of that id early. It has no answer of its own: the call's own answer is its answer. */
export interface Abort {
  type: 'abort'
  id: number
}

export type Request = Call | Abort

/** Id 0 is no call's: what is said under it concerns the connection. */
export const CONNECTION_ID = 0

export type Reply =
  | { type: 'result'; id: number; value: Result<CallType> }
  | { type: 'error'; id: number; error: WireError }
  | { type: 'progress'; id: number; progress: Progress }
  // The worker holds the Web Lock of this name for as long as it lives.
  | { type: 'alive'; id: number; lock: string }
