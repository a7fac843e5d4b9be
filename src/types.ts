/**
 * The public shapes of lodestore: what a page, a worker of one's own and a Node program all see.
 * `Store` is implemented twice: by the engine (src/store) and by the page's side (src/client),
 * which forwards each call to an engine in a worker.
 */

// An app whose `lib` is older does not know `AsyncDisposable`; this reaches its compiler through the published types.
/// <reference lib="esnext.disposable" preserve="true" />

/** 64 lowercase hex digits: what a content is found by, its SHA-256 or digits of your choice. Words of your choice are names: `refs`. */
export type Key = string
/** A key, or its 32 bytes. */
export type KeyLike = Key | Uint8Array

/** What is there as a whole: bytes, a `Blob` or `File` (read by the store), or a string (stored as UTF-8). */
export type Data = Uint8Array | ArrayBuffer | Blob | string

/** What can be put: data, or bytes that come one after the other, of any size: they are stored while they come. */
export type Source = Data | ReadableStream<Uint8Array> | Response | AsyncIterable<Uint8Array>

/**
 * `strict`: on the disk (flushed) before the promise resolves; survives a crash of the machine.
 * `relaxed`: handed to the system before the promise resolves; survives the end of the page, the worker and the browser.
 */
export type Durability = 'strict' | 'relaxed'

export interface PutOptions {
  durability?: Durability
  /** The key that the content of a put has to have: another content is refused with MISMATCH, and nothing of it is stored. */
  expected?: KeyLike
  /** Ends a put or a putMany with ABORTED, as long as it has not been committed; nothing of the contents is kept. */
  signal?: AbortSignal
  /** Bytes that a put has taken so far; `total` is Infinity where nobody knows it. Data of at most 4 MiB is taken at once. */
  onProgress?: (progress: Progress) => void
  /** Hand the bytes over instead of copying them: an `ArrayBuffer`, or a `Uint8Array` that is all of its buffer, is empty afterwards. Only matters from a page. */
  transfer?: boolean
}

export interface CommitOptions {
  /** What the store was opened with, unless told. */
  durability?: Durability
}

export interface KeyEntry {
  key: Key
  /** Bytes of the value. */
  size: number
}

export interface Progress {
  /** Bytes done so far, and in all; in `gc` contents. */
  done: number
  total: number
}

/** A part of a content, in bytes. Without `length` it goes to the end, where it ends at the latest; `offset` must not lie behind it. */
export interface Range {
  offset?: number
  length?: number
}

export interface StreamOptions extends Range {
  signal?: AbortSignal
}

export interface BlobOptions {
  /** The media type of the Blob; none unless told. */
  type?: string
  /** Read and check every byte before the Blob is handed out; false unless told. */
  verify?: boolean
}

export interface ResponseOptions {
  /** The media type of the content: what `Content-Type` says. */
  type?: string
}

/** Some bytes of a content of `size` bytes. */
export interface Piece {
  bytes: Uint8Array<ArrayBuffer>
  size: number
}

export interface TaskOptions {
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
}

export interface CheckOptions extends TaskOptions {
  /** Rebuild what is damaged from what can be proven good. What is touched is copied to lost+found/ first. */
  repair?: boolean
}

export interface CompactOptions extends TaskOptions {
  /** Rewrite segments whose share of dead bytes is at least this; 0 to 1, 0.5 unless told. */
  threshold?: number
}

/** One thing found wrong. */
export interface Damage {
  kind:
    | 'entry' // an entry that does not match its checksum, or cannot be walked past
    | 'content' // a whole entry whose content does not match its SHA-256
    | 'index' // the index differs from the log
    | 'segment' // a segment that is missing, cut short, or not the one its name says
    | 'head'
    | 'checkpoint'
    | 'config'
    | 'readme'
  message: string
  key?: Key
  segment?: number
  offset?: number
  file?: string
  /** Bytes concerned, where that is known. */
  size?: number
}

/** What opening the store found and did. */
export interface Recovery {
  /** True when the store was made by this call. */
  created: boolean
  /** Where the index came from: a checkpoint and the log since, or the whole log. */
  source: 'checkpoint' | 'log'
  /** What was read from the log after the checkpoint. */
  replayed: { segments: number; transactions: number; entries: number; bytes: number }
  /** What no COMMIT covered (a transaction that a crash interrupted) and is gone. */
  rolledBack: { entries: number; bytes: number }
  /** Files in lost+found/ that this opening wrote. */
  setAside: string[]
  /**
   * What was found damaged. Head, checkpoint, config and README have been mended already. With an entry or a segment among it the
   * store is degraded: all else stays readable, nothing is compacted, and `check({ repair: true })` mends it.
   */
  damaged: Damage[]
}

export interface SegmentStats {
  segment: number
  /** Bytes of the file, and how many of them live entries take. */
  bytes: number
  liveBytes: number
}

export interface Stats {
  /** Blobs in the store, and the bytes of their values. */
  count: number
  bytes: number
  /** Bytes of the log's files; how many of them live entries take, and how many not. */
  logBytes: number
  liveBytes: number
  deadBytes: number
  /** Committed transactions since the store was made. */
  transactions: number
  segments: SegmentStats[]
  /** Memory of the index, in bytes. */
  indexBytes: number
}

export interface CheckReport {
  /** True when nothing was found (after a repair: when nothing is left). */
  clean: boolean
  /** Entries and bytes of the log that were read. */
  entries: number
  bytes: number
  findings: Damage[]
  /**
   * What `repair` did: entries kept from damaged segments, contents lost, files written to lost+found/. Of a large content that is lost in part the rest
   * can still be read by ranges. Absent without `repair`.
   */
  repaired?: { kept: number; lost: Key[]; setAside: string[] }
}

export interface CompactReport {
  /** Segments rewritten or dropped, the bytes copied on, and the bytes given back. */
  segments: number
  copiedBytes: number
  freedBytes: number
}

/** A name of a content. */
export interface Ref {
  name: string
  key: Key
  /** What the app noted with it: what JSON can say, at most 64 KiB of it; undefined when it noted nothing. */
  meta: unknown
}

export interface ListOptions {
  /** Only names that begin so. */
  prefix?: string
  signal?: AbortSignal
}

/** Names are 1 to 1,024 bytes of UTF-8: anything else is BAD_NAME. A content with a name cannot be deleted, and is not collected. */
export interface RefOperations {
  /**
   * Points the name to a content that is there, else NOT_FOUND; replaces what it pointed to, and its meta. The meta is kept as JSON (a Date comes back as a
   * string): TOO_LARGE over 64 KiB, TypeError for what JSON cannot say, as a Blob or bytes.
   */
  set(name: string, key: KeyLike, meta?: unknown): Promise<void>
  /** Where the name points, and its meta; undefined if there is no such name. */
  get(name: string): Promise<Ref | undefined>
  /** Removes the name, not the content; false if it was not there. */
  delete(name: string): Promise<boolean>
}

export interface Refs extends RefOperations {
  /**
   * Every name as committed when the iteration began, in the order of their characters. When some cannot be read it throws CORRUPT, behind
   * all others.
   */
  list(options?: ListOptions): AsyncIterable<Ref>
}

export interface CollectOptions extends TaskOptions {
  /** Only look: say what would be deleted. */
  dryRun?: boolean
  /** Contents that stay though they have no name. */
  keep?: Iterable<KeyLike>
  /** Milliseconds for which a content that was put since the store was opened stays without a name; ten minutes unless told. */
  grace?: number
}

export interface CollectReport {
  /** Contents deleted, and the bytes of values that were only theirs. The disk gets them back by compaction. */
  count: number
  bytes: number
}

/** Calls that are the same on a store and inside a transaction. */
export interface Operations {
  /** The bytes under `key`, checked, or `undefined`. Throws CORRUPT (with key, segment, offset) when they can't be read. */
  get(key: KeyLike): Promise<Uint8Array<ArrayBuffer> | undefined>
  has(key: KeyLike): Promise<boolean>
  /** Removes the content; false if it was not there. Throws IN_USE while a name points to it. */
  delete(key: KeyLike): Promise<boolean>
}

/** A content that comes in parts, maybe over several sessions. It is visible once it is complete and its SHA-256 is its key. */
export interface Ingest extends AsyncDisposable {
  /** Bytes that are there: those of an earlier session that were kept, and those written since. The next `write` begins here. */
  readonly offset: number
  /** Takes the next bytes; resolves when more may come. Throws MISMATCH when they are more than the size. After any other failure begin another ingest, which goes on from what was kept. */
  write(bytes: Uint8Array): Promise<void>
  /**
   * Stores the content. Throws MISMATCH when bytes are missing, and what came is kept, or when they are not the content, and nothing is;
   * NOT_FOUND when it was there at the beginning and has been deleted since, CORRUPT when a repair has taken away a chunk of it.
   */
  finish(options?: CommitOptions): Promise<Key>
  /** Gives up; nothing is kept. Disposing of it without `finish` keeps what came of a large content, up to the last whole chunk. */
  discard(): Promise<void>
}

/**
 * An open transaction: its reads see what it wrote, others see that after the commit. A call that is refused, as a `delete` with IN_USE, leaves it open. After
 * `commit` or `rollback` every call throws TX_CLOSED.
 */
export interface Transaction extends Operations, AsyncDisposable {
  readonly refs: RefOperations
  put(source: Source, options?: Omit<PutOptions, 'durability'>): Promise<Key>
  set(key: KeyLike, data: Data, options?: Pick<PutOptions, 'transfer'>): Promise<void>
  commit(): Promise<void>
  rollback(): Promise<void>
}

/** A file of the store's directory, of which the first `size` bytes count. */
export interface FrozenFile {
  path: string
  size: number
  /** `length` bytes from `at` on. Throws RANGE when they do not lie within the size, CORRUPT when they are not there. */
  read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>>
}

/**
 * The store of one moment, whatever is written meanwhile. What compaction retires stays on the disk, and a repair is LOCKED, until it is released. After
 * that, and after the store's close, reading throws CLOSED.
 */
export interface Frozen {
  readonly id: Key
  /** False when any key may have been chosen: then only its bytes say what is under it. */
  readonly keysAreHashes: boolean
  /** What makes a directory that opens as this store: README, config, head, segments. */
  readonly files: readonly FrozenFile[]
  /** The index of the log, in no order: a record of 44 bytes for each live entry, the store's own among them, as checkpoints have them (FORMAT.md). */
  entries(): Promise<Uint8Array<ArrayBuffer>>
  /** The value of the entry that this record of `entries()` is of, counted from 0; checked. Throws CORRUPT, RANGE. */
  value(index: number): Promise<Uint8Array<ArrayBuffer>>
  /** Has to be called when it is no longer needed; twice does no harm. */
  release(): void
}

export interface Store extends Operations, AsyncDisposable {
  /** Names of contents. */
  readonly refs: Refs
  readonly name: string
  /** 64 hex digits, drawn when the store was made. */
  readonly id: string
  readonly recovery: Recovery

  /**
   * Stores a content of any size under its SHA-256 and returns it. What is there already is not written again. From a page the bytes are copied at the
   * call; an engine in your own worker reads them until the promise resolves, so leave them as they are until then.
   */
  put(source: Source, options?: PutOptions): Promise<Key>
  /**
   * All of them in one transaction, keys in the same order. What else writes waits for its end, so the source must not wait for that. From a page up to
   * 4 MiB of an array are copied at the call; of more the values are taken as there is room for them, so leave all as it is until the promise settles.
   */
  putMany(data: Iterable<Data> | AsyncIterable<Data>, options?: PutOptions): Promise<Key[]>
  /**
   * Takes in a content whose key and size in bytes are known, in parts that survive a reload: call it again with the same key and size, and
   * go on from `offset`. Throws LOCKED while an ingest of the same content is going on.
   */
  ingest(key: KeyLike, options: { size: number }): Promise<Ingest>
  /** Stores bytes under a key of your choice, at most 20,971,479; replaces what is there. */
  set(key: KeyLike, data: Data, options?: PutOptions): Promise<void>
  /** The bytes under `key`, or a part of them, checked; `undefined` when it is not there. Throws CORRUPT, RANGE. */
  get(key: KeyLike, range?: Range): Promise<Uint8Array<ArrayBuffer> | undefined>
  /**
   * The same as a byte stream, in memory only as far as it is read; a reader of mode `byob` has its own buffers filled, and no other memory is made.
   * Ends with NOT_FOUND when the content is deleted meanwhile. Where a browser has no byte streams it is a plain one.
   */
  stream(key: KeyLike, options?: StreamOptions): Promise<ReadableStream<Uint8Array<ArrayBuffer>> | undefined>
  /**
   * The answer to an HTTP request for the content (to a plain GET without one), for service workers: 200, 206 for a single range, 304, 404,
   * 405, 416. The key is its ETag, so this is for contents under their SHA-256: under a key of your choice they may change. Throws CORRUPT.
   */
  response(key: KeyLike, request?: Request, options?: ResponseOptions): Promise<Response>
  /**
   * The content as a `Blob`, for URLs, images and uploads; `undefined` when it is not there. It is no copy: it is read from the store's files, which stay
   * for it until the store is closed. So use it until then. What the browser reads from it is not checked, unless all of it is by `verify`
   * now. Copied into memory, and checked, is only what stands in the file that is still written, a content of at most 16 KiB, and all of it where the storage
   * has no files. Throws CORRUPT.
   */
  blob(key: KeyLike, options?: BlobOptions): Promise<Blob | undefined>
  /** As `get`, in the order of the keys; faster than one by one. All are in memory at once. */
  getMany(keys: Iterable<KeyLike>): Promise<(Uint8Array<ArrayBuffer> | undefined)[]>
  /** As `has`, in the order of the keys. */
  hasMany(keys: Iterable<KeyLike>): Promise<boolean[]>
  /** Removes all of them in one transaction; how many were there. */
  deleteMany(keys: Iterable<KeyLike>, options?: CommitOptions): Promise<number>
  /** Every key as committed when the iteration began, in no particular order. */
  keys(options?: { signal?: AbortSignal }): AsyncIterable<KeyEntry>

  /**
   * Runs `fn` in a transaction: committed when what it returns has resolved, rolled back when it throws. Inside, write with `tx`: a write on the store itself waits for
   * the transaction's end, so awaiting one in `fn` never ends.
   */
  transaction<T>(fn: (tx: Transaction) => Promise<T> | T, options?: CommitOptions): Promise<T>
  /** The same by hand, or with `await using`, which rolls back unless it was committed. Until it ends everything else that writes waits. */
  begin(options?: CommitOptions): Promise<Transaction>

  /** How much is in the store, and what it takes on the disk. What is free `navigator.storage.estimate()` knows. */
  stats(): Promise<Stats>
  /** Reads every byte of the store and says what is wrong. Never throws on damage. */
  check(options?: CheckOptions): Promise<CheckReport>
  /** Gives the space of what was deleted or replaced back now; in part that happens by itself, between commits. */
  compact(options?: CompactOptions): Promise<CompactReport>
  /**
   * Deletes the contents that have no name, are not in `keep`, and were not put in the last ten minutes of this opening (`grace`), after a transaction that is open. Progress
   * counts contents. Throws TypeError when nothing has a name and `keep` is not given (`keep: []` then deletes all), CORRUPT in a damaged store.
   */
  gc(options?: CollectOptions): Promise<CollectReport>
  /** The store as committed now, for those who copy it: the exports of `lodestore/exchange` do. */
  freeze(): Promise<Frozen>
  /** Makes every relaxed commit so far durable. */
  flush(): Promise<void>
  /**
   * Waits for running calls, but not for sources that may never answer: a put of what flows (not of a File or Blob, however large), and a putMany that has
   * not got all of its values, end with CLOSED; a transaction of yours that is open is rolled back, its puts and a commit that waits for them end with
   * TX_CLOSED. Then saves the index and frees the store for others. Calls after it throw CLOSED.
   */
  close(): Promise<void>
}

/** Options of opening, on a page and in a worker of your own. */
export interface EngineOptions {
  /** Make the store if it is not there; true unless told. */
  create?: boolean
  /** A segment, a file of the log, is closed when it passes this many bytes; 16 MiB unless told. Only counts when the store is made. */
  maxSegmentSize?: number
  /**
   * Bytes of the chunks that contents over twice `max` are cut into; 128 KiB, 512 KiB and 2 MiB unless told. The average is a power of
   * two. Only counts when the store is made.
   */
  chunkSizes?: { min: number; average: number; max: number }
  /** For calls that don't say; 'strict' unless told. */
  durability?: Durability
  /** Ends the opening with ABORTED. */
  signal?: AbortSignal
}

/** Options of `openStore`, the page's side. */
export interface OpenOptions extends EngineOptions {
  /** 'opfs' unless told. A 'memory' store is gone when it is closed. */
  storage?: 'opfs' | 'memory'
  /** Ask the browser not to evict this origin's data under storage pressure. Whether it agreed `navigator.storage.persisted()` tells. */
  persist?: boolean
  /** Makes the worker, for bundlers and policies that need a hand. It has to run `lodestore/worker`. */
  worker?: () => Worker
}

export interface StoreInfo {
  name: string
  id: string
  /** When it was made, as far as known. */
  created: Date | undefined
  /** Bytes of all its files. */
  bytes: number
}
