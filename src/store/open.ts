/**
 * From a directory to an open store: the lock first, then the config, then recovery. Called by the engine only.
 */

import { throwIfAborted } from '../errors.js'
import { type ChunkSizes, checkChunkSizes } from '../format/chunks.js'
import { checkSegmentBytesMax } from '../format/config.js'
import type { Crc } from '../format/head.js'
import { hexBytes } from '../format/key.js'
import { CONFIG_FILE, HEAD_FILE, README_FILE } from '../format/paths.js'
import type { Kernel } from '../kernel/kernel.js'
import { HeadFile } from '../log/head-file.js'
import { NO_POSITION } from '../log/position.js'
import { LogReader } from '../log/reader.js'
import { SegmentFiles } from '../log/segments.js'
import { LogState } from '../log/state.js'
import { LogWriter } from '../log/writer.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import { unlessAbsent } from '../storage/use.js'
import { expectStoreOrRoom, readOrMakeConfig } from './config-file.js'
import type { Context } from './context.js'
import { FilesAhead } from './files-ahead.js'
import { Hasher } from './hash.js'
import { takeInventory } from './inventory.js'
import { Recency } from './recency.js'
import { Recent } from './recent.js'
import { recover } from './recovery.js'
import { Reserve } from './reserve.js'

/** A manifest of a gibibyte takes 100 kB. */
const MANIFESTS_KEPT = 16

export interface OpenInput {
  storage: Storage
  /** May still be compiled while the files are opened. */
  kernel: Kernel | Promise<Kernel>
  create: boolean
  maxSegmentSize: number | undefined
  chunkSizes: ChunkSizes | undefined
  checkpointBytes: number
  sliceBytes: number
  pause: () => Promise<void>
  /** Fills an array with random bytes. */
  random: (bytes: Uint8Array<ArrayBuffer>) => void
  /** Milliseconds since any moment. */
  now: () => number
  signal: AbortSignal | undefined
}

/** Opens the store in `storage`. Throws LOCKED at once when somebody else has it, NOT_FOUND, FORMAT. */
export async function openContext(input: OpenInput): Promise<Context> {
  const compiled = Promise.resolve(input.kernel)
  compiled.catch(() => undefined)
  if (input.maxSegmentSize !== undefined) checkSegmentBytesMax(input.maxSegmentSize)
  if (input.chunkSizes !== undefined) checkChunkSizes(input.chunkSizes)
  const lock = await takeLock(input.storage, input.create)
  const storage = new FilesAhead(whileLocked(input.storage, lock))
  const opened: { close(): void | Promise<void> }[] = [lock, storage]
  try {
    storage.begin(CONFIG_FILE)
    storage.begin(HEAD_FILE)
    const inventory = await takeInventory(storage)
    const { checkpoints, segments } = inventory
    if (checkpoints[0]) storage.begin(checkpoints[0].name)
    if (segments[0]) storage.begin(segments[0].path)
    const kernel = await compiled
    const scratch = kernel.arena(64 * 1024)
    const crc: Crc = (bytes, before) => {
      scratch.reserve(bytes.length)
      scratch.view(0, bytes.length).set(bytes)
      return scratch.crc32(0, bytes.length, before)
    }
    const { config, created, damaged } = await readOrMakeConfig({ ...input, storage, kernel, inventory, lock, crc })
    throwIfAborted(input.signal)
    const id = hexBytes(config.id)
    const head = await HeadFile.open(storage, id, crc)
    opened.push(head)
    const files = new SegmentFiles(storage, config.segmentsPerDir)
    opened.push(files)
    files.discover(segments)
    const bits = new DataView(new ArrayBuffer(8))
    input.random(new Uint8Array(bits.buffer))
    const seed = bits.getBigUint64(0)
    const state = new LogState(kernel, seed)
    const { head: last, unreadable } = head.read()
    const reserve = new Reserve(storage)
    const found = { head: last, unreadableSlots: unreadable, reserve }
    const recovered = await recover({ storage, kernel, crc, id, files, checkpoints, state, ...found })
    await storage.close()
    recovered.recovery.created = created
    recovered.recovery.damaged.push(...damaged)
    throwIfAborted(input.signal)
    const writer = new LogWriter(
      files,
      kernel,
      {
        segmentBytesMax: config.segmentBytesMax,
        segmentsPerDir: config.segmentsPerDir,
        id,
        freshSegment: recovered.degraded ? recovered.end.segment : undefined,
      },
      recovered.end,
      recovered.previous ?? NO_POSITION,
      state.transaction,
    )
    const context: Context = {
      storage,
      kernel,
      crc,
      config,
      id,
      seed,
      lock,
      head,
      files,
      state,
      writer,
      reader: new LogReader(files, kernel, id),
      hasher: new Hasher(kernel),
      random: input.random,
      recency: new Recency(input.now, writer.position),
      manifests: new Recent(MANIFESTS_KEPT),
      reserve,
      recovery: recovered.recovery,
      foreign: undefined,
      degraded: recovered.degraded,
      doubt: recovered.replay.doubt,
      uncut: recovered.uncut,
      checkpoint: recovered.checkpoint,
      checkpointBytes: input.checkpointBytes,
      checkpointFrom: 0,
      saving: undefined,
      sliceBytes: input.sliceBytes,
      pause: input.pause,
      unfinished: new Set(),
      bytesSinceCheckpoint: recovered.recovery.replayed.bytes,
      retired: recovered.replay.retired,
      frozenCount: 0,
      blobsCount: 0,
      lent: new Map(),
      outlived: [],
      unsound: new Set(),
      damagedKeys: new Set(recovered.recovery.damaged.flatMap(({ key }) => (key === undefined ? [] : [key]))),
    }
    await settle(context)
    return context
  } catch (error) {
    for (const resource of opened.reverse()) await resource.close()
    throw error
  }
}

/** Opens README, and makes it where there is a store without one, or room for one. */
async function takeLock(storage: Storage, create: boolean): Promise<StorageFile> {
  const found = await unlessAbsent(storage.open(README_FILE))
  if (found) return found
  await expectStoreOrRoom(storage, create)
  return await storage.open(README_FILE, { create: true })
}

/** Frees what is open, the lock last. What has to be written is written before. */
export async function closeContext({ head, files, lock }: Pick<Context, 'head' | 'files' | 'lock'>): Promise<void> {
  head.close()
  await files.close()
  lock.close()
}

/**
 * The storage as long as the lock is ours. The system can close handles under us; one that it closed may be opened anew, unless the
 * lock is gone as well: then somebody else may have changed the store since.
 */
function whileLocked(storage: Storage, lock: StorageFile): Storage {
  return {
    list: (path) => storage.list(path),
    async open(path, options) {
      lock.size()
      return await storage.open(path, options)
    },
    async remove(path) {
      lock.size()
      await storage.remove(path)
    },
    ...(storage.blob && { blob: storage.blob.bind(storage) }),
  }
}

/**
 * Makes durable what was found at the end of the log, and says so in the head: until now it may have been the system's word only, a
 * commit or a cut that was never flushed.
 */
async function settle({ files, head, state, recovery, degraded, writer }: Context): Promise<void> {
  if (degraded) return // The head goes on saying how far the log once was whole.
  const { position } = writer
  if (files.has(position.segment)) await flushFile(files, position.segment)
  const { head: last, unreadable } = head.read()
  if (!recovery.created && unreadable === 0 && last?.transaction === state.transaction) return
  head.reset({ transaction: state.transaction, ...writer.end })
  await head.flush()
}

async function flushFile(files: SegmentFiles, segment: number): Promise<void> {
  await files.open(segment)
  await files.peek(segment)?.flush()
}
