/**
 * What the parts of an open store share: the log's files, its writer and reader, the state, and the places where
 * numbers and time come from. Made by open.ts, owned by the engine.
 */

import type { Config } from '../format/config.js'
import type { Crc } from '../format/head.js'
import type { Manifest } from '../format/manifest.js'
import type { Kernel } from '../kernel/kernel.js'
import type { HeadFile } from '../log/head-file.js'
import type { Position } from '../log/position.js'
import type { LogReader } from '../log/reader.js'
import type { SegmentFiles } from '../log/segments.js'
import type { LogState } from '../log/state.js'
import type { LogWriter } from '../log/writer.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import type { Recovery } from '../types.js'
import type { Hasher } from './hash.js'
import type { Saving } from './maintenance.js'
import type { Recency } from './recency.js'
import type { Recent } from './recent.js'
import type { Reserve } from './reserve.js'

export interface Context {
  readonly storage: Storage
  readonly kernel: Kernel
  readonly crc: Crc
  readonly config: Config
  /** The store's id as 32 bytes. */
  readonly id: Uint8Array
  /** Drawn at each opening and mixed into the hash tables: nobody can choose keys that collide. */
  readonly seed: bigint
  /** The open README: while it is held, the store is ours. */
  readonly lock: StorageFile
  readonly head: HeadFile
  readonly files: SegmentFiles
  /** Replaced as a whole by a repair: take it from here each time. */
  state: LogState
  readonly writer: LogWriter
  readonly reader: LogReader
  readonly hasher: Hasher
  /** Fills an array with random bytes. */
  readonly random: (bytes: Uint8Array<ArrayBuffer>) => void
  readonly recency: Recency
  /** Manifests read lately, by their place in the log. */
  readonly manifests: Recent<string, Manifest>
  readonly reserve: Reserve
  readonly recovery: Recovery
  /** Whether another program wrote the oldest segment; undefined until somebody asks. */
  foreign: boolean | undefined
  /** True while an entry or a segment is damaged: then nothing is compacted and no checkpoint hides the damage. */
  degraded: boolean
  /** Before this place only values that prove themselves by their SHA-256 are believed. */
  doubt: Position
  /** Segments with entries in them that were never committed: a repair takes them out, as only the header of the segment behind them says so. */
  uncut: ReadonlySet<number>
  /** The durable checkpoint, and the bytes that the log has grown by since. */
  checkpoint: Position | undefined
  bytesSinceCheckpoint: number
  /** A checkpoint is due, at the earliest, when the log has grown by this. */
  readonly checkpointBytes: number
  /** After one that failed, not before the log has grown by this either. */
  checkpointFrom: number
  /** The checkpoint that is being written between commits. */
  saving: Saving | undefined
  /** Bytes of it that are written at a time. */
  readonly sliceBytes: number
  /** Resolves when what waits in this thread has had its turn. */
  readonly pause: () => Promise<void>
  /** Segments whose `index.<n>` is no checkpoint: it is being written, or was given up. */
  readonly unfinished: Set<number>
  /** Retired segments whose files go when a checkpoint no longer needs them. */
  retired: number[]
  /** How many copies are being made of the store: meanwhile no segment goes, and no repair begins. */
  frozenCount: number
  /** How many Blobs are being made: meanwhile no segment goes. */
  blobsCount: number
  /** The files of segments that Blobs were made of: they stay until the store is closed. */
  readonly lent: Map<number, Promise<Blob>>
  /** Retired segments of which only those Blobs are left. */
  readonly outlived: number[]
  /** Segments that compaction found damaged and leaves alone. */
  readonly unsound: Set<number>
  /** Keys whose entry was found damaged: a put of the same bytes writes them anew. */
  readonly damagedKeys: Set<string>
}
