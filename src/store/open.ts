/**
 * From a directory to an open store: the lock first, then create or read the config, then recovery. The config is written last when a
 * store is made, so a directory without one, and without segments, is a creation that a crash interrupted and is finished now.
 */

import { isStoreError, StoreError, throwIfAborted } from '../errors.js'
import { type Config, checkSegmentBytesMax, decodeConfig, encodeConfig, isTornConfig } from '../format/config.js'
import type { Crc } from '../format/head.js'
import { hexBytes, keyHex } from '../format/key.js'
import { CONFIG_FILE, checkpointNumber, README_FILE, README_TEXT } from '../format/paths.js'
import type { Kernel } from '../kernel/kernel.js'
import { HeadFile } from '../log/head-file.js'
import { LogReader } from '../log/reader.js'
import { SegmentFiles } from '../log/segments.js'
import { LogState } from '../log/state.js'
import { LogWriter, NO_POSITION } from '../log/writer.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import type { Context } from './context.js'
import { Hasher } from './hash.js'
import { recover } from './recovery.js'

/** The seed's: 10,000 segments in a directory. */
const SEGMENTS_PER_DIR = 10_000
/** Measured: a file costs one to three milliseconds to make and open, 16 MiB take about ten to write, and less is cheaper to compact. */
const SEGMENT_BYTES_MAX = 16 * 1024 * 1024
const CONFIG_BYTES_MAX = 64 * 1024
const ID_BYTES = 32

export interface OpenInput {
  storage: Storage
  kernel: Kernel
  create: boolean
  maxSegmentSize: number | undefined
  checkpointBytes: number
  /** Fills an array with random bytes. */
  random: (bytes: Uint8Array<ArrayBuffer>) => void
  signal: AbortSignal | undefined
}

/** Opens the store in `storage`. Throws LOCKED at once when somebody else has it, NOT_FOUND, FORMAT. */
export async function openContext(input: OpenInput): Promise<Context> {
  const { storage, kernel } = input
  if (input.maxSegmentSize !== undefined) checkSegmentBytesMax(input.maxSegmentSize)
  const found = await survey(storage)
  if (!found.config && found.data) throw noStore('has data, but no file config')
  if (!found.config && found.foreign) throw noStore('is not empty, and no store')
  if (!found.config && !input.create)
    throw new StoreError('NOT_FOUND', 'there is no store here; open it with create: true to make one')
  const lock = await storage.open(README_FILE, { create: true })
  const opened: { close(): void | Promise<void> }[] = [lock]
  try {
    const scratch = kernel.arena(64 * 1024)
    const crc: Crc = (bytes) => {
      scratch.reserve(bytes.length)
      scratch.view(0, bytes.length).set(bytes)
      return scratch.crc32(0, bytes.length)
    }
    const { config, created } = await readOrCreate(input, lock, found.data, crc)
    throwIfAborted(input.signal)
    const id = hexBytes(config.id)
    const head = await HeadFile.open(storage, id, crc)
    opened.push(head)
    const files = new SegmentFiles(storage, config.segmentsPerDir)
    opened.push(files)
    await files.discover()
    const seed = new DataView(new ArrayBuffer(8))
    input.random(new Uint8Array(seed.buffer))
    const state = new LogState(kernel, seed.getBigUint64(0))
    const recovered = await recover({ storage, kernel, crc, id, files, state, head: head.read() })
    recovered.recovery.created = created
    throwIfAborted(input.signal)
    const writer = new LogWriter(
      files,
      kernel,
      { segmentBytesMax: config.segmentBytesMax, segmentsPerDir: config.segmentsPerDir, id },
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
      lock,
      head,
      files,
      state,
      writer,
      reader: new LogReader(files, kernel),
      hasher: new Hasher(kernel),
      recovery: recovered.recovery,
      degraded: recovered.degraded,
      doubt: recovered.replay.doubt,
      checkpoint: recovered.checkpoint,
      checkpointBytes: input.checkpointBytes,
      bytesSinceCheckpoint: recovered.recovery.replayed.bytes,
      retired: recovered.replay.retired,
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

/**
 * Makes durable what was found at the end of the log, and says so in the head: until now it may have been the system's word only, a
 * commit or a cut that was never flushed.
 */
async function settle({ files, head, state, recovery, degraded, writer }: Context): Promise<void> {
  if (degraded) return // The head goes on saying how far the log once was whole.
  const { position } = writer
  if (files.has(position.segment)) await flushFile(files, position.segment)
  if (!recovery.created && head.read()?.transaction === state.transaction) return
  head.reset({ transaction: state.transaction, ...position })
  await head.flush()
}

async function flushFile(files: SegmentFiles, segment: number): Promise<void> {
  await files.open(segment)
  await files.peek(segment)?.flush()
}

interface Found {
  config: boolean
  /** Segments or checkpoints. */
  data: boolean
  /** Anything that no store has. */
  foreign: boolean
}

async function survey(storage: Storage): Promise<Found> {
  const names = await storage.list('')
  const data = names.some((name) => checkpointNumber(name) !== undefined) || (await storage.list('data')).length > 0
  const foreign = names.length > 0 && !names.includes(README_FILE) && !data
  return { config: names.includes(CONFIG_FILE), data, foreign }
}

async function readOrCreate(
  input: OpenInput,
  lock: StorageFile,
  hasData: boolean,
  crc: Crc,
): Promise<{ config: Config; created: boolean }> {
  const { storage, create } = input
  const text = await readText(storage, CONFIG_FILE)
  if (text !== undefined && (hasData || !isTornConfig(text))) {
    const config = decodeConfig(text)
    // Nothing has leaned on it yet: its making may have failed at the very last flush.
    if (!hasData) await withFile(storage, CONFIG_FILE, (file) => file.flush())
    return { config, created: false }
  }
  if (!create) throw new StoreError('NOT_FOUND', 'the store here was never finished; open it with create: true')
  const id = new Uint8Array(ID_BYTES)
  input.random(id)
  const config: Config = {
    segmentsPerDir: SEGMENTS_PER_DIR,
    segmentBytesMax: input.maxSegmentSize ?? SEGMENT_BYTES_MAX,
    id: keyHex(id),
  }
  await writeText(lock, README_TEXT)
  const head = await HeadFile.open(storage, id, crc)
  try {
    head.reset({ transaction: 0, segment: 0, offset: 0 })
    await head.flush()
  } finally {
    head.close()
  }
  const file = await storage.open(CONFIG_FILE, { create: true })
  try {
    await writeText(file, encodeConfig(config))
  } finally {
    file.close()
  }
  return { config, created: true }
}

async function readText(storage: Storage, path: string): Promise<string | undefined> {
  try {
    return await withFile(storage, path, (file) => {
      const size = file.size()
      if (size > CONFIG_BYTES_MAX) {
        throw new StoreError('FORMAT', `the file ${path} is too large for what it is`, { where: { file: path } })
      }
      const bytes = new Uint8Array(size)
      file.read(bytes, 0)
      return new TextDecoder().decode(bytes)
    })
  } catch (error) {
    if (isStoreError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

async function withFile<T>(storage: Storage, path: string, use: (file: StorageFile) => T | Promise<T>): Promise<T> {
  const file = await storage.open(path)
  try {
    return await use(file)
  } finally {
    file.close()
  }
}

async function writeText(file: StorageFile, text: string): Promise<void> {
  file.truncate(0)
  file.write(new TextEncoder().encode(text), 0)
  await file.flush()
}

function noStore(what: string): StoreError {
  const message = `this directory ${what}; choose another one`
  return new StoreError('FORMAT', message, { where: { file: CONFIG_FILE } })
}
