/**
 * The config: made last when a store is made, read at each opening. A directory without one, and without segments, is a creation that a crash
 * interrupted, and is finished now. Each segment's header repeats what the config says, so a damaged config is told
 * from another version's, and mended; and so it is when there are no segments and the head says that there never were any.
 */

import { assert, StoreError } from '../errors.js'
import { CHUNK_SIZES, type ChunkSizes } from '../format/chunks.js'
import {
  CONFIG_BYTES_MAX,
  type Config,
  chunkSizesIn,
  decodeConfig,
  differByOneBit,
  encodeConfig,
  FORMAT_VERSION,
  isTornConfig,
  saysOtherVersion,
} from '../format/config.js'
import { decodeSegmentHeader, ENTRY, MAGIC_BYTES, SEGMENT_HEADER_ENTRY_BYTES } from '../format/entry.js'
import { type Crc, decodeHeadSlot, HEAD } from '../format/head.js'
import { hexBytes, keyHex, RESERVED, reservedKind } from '../format/key.js'
import { CONFIG_FILE, HEAD_FILE, README_FILE, README_TEXT } from '../format/paths.js'
import type { Kernel } from '../kernel/kernel.js'
import { HeadFile } from '../log/head-file.js'
import type { Storage, StorageFile } from '../storage/storage.js'
import { unlessAbsent, withFile } from '../storage/use.js'
import type { Damage } from '../types.js'
import type { FilesAhead } from './files-ahead.js'
import { type Inventory, takeInventory } from './inventory.js'

/** The seed's: 10,000 segments in a directory. */
const SEGMENTS_PER_DIR = 10_000
/** Measured: a file costs one to three milliseconds to make and open, 16 MiB take about ten to write, and less is cheaper to compact. */
const SEGMENT_BYTES_MAX = 16 * 1024 * 1024
const ID_BYTES = 32

export interface ConfigInput {
  storage: FilesAhead
  inventory: Inventory
  kernel: Kernel
  crc: Crc
  /** The open README. */
  lock: StorageFile
  create: boolean
  maxSegmentSize: number | undefined
  chunkSizes: ChunkSizes | undefined
  random: (bytes: Uint8Array<ArrayBuffer>) => void
}

export interface ConfigFound {
  config: Config
  created: boolean
  /** The config or the README were damaged, and have been written anew. */
  damaged: Damage[]
}

/** What an open store knows of its config. */
type OpenConfig = { storage: Storage; config: Config; lock: StorageFile }

/** Throws FORMAT when the directory holds something, but no store; NOT_FOUND when it holds nothing and nothing is to be made. */
export async function expectStoreOrRoom(storage: Storage, create: boolean): Promise<void> {
  const { names, holdsData } = await takeInventory(storage)
  const isOurs = names.includes(CONFIG_FILE) || names.includes(README_FILE) || holdsData
  if (names.length > 0 && !isOurs) {
    const message = 'this directory is not empty and holds no store; choose another one'
    throw new StoreError('FORMAT', message, { where: { file: CONFIG_FILE } })
  }
  if (!isOurs && !create) {
    throw new StoreError('NOT_FOUND', 'there is no store here; open it with create: true to make one')
  }
}

export async function readOrMakeConfig(input: ConfigInput): Promise<ConfigFound> {
  const { storage, inventory } = input
  const text = await readText(storage, CONFIG_FILE)
  if (!inventory.holdsData) {
    if (text === undefined || isTornConfig(text)) return await make(input)
    const read = decoded(text)
    if ('fault' in read) return await makeAnew(input, text, read.fault)
    // Nothing has leaned on it yet: its making may have failed at the very last flush.
    await withFile(storage, CONFIG_FILE, {}, (file) => file.flush())
    return { config: read.config, created: false, damaged: await mendReadme(input.lock) }
  }
  const read = decoded(text)
  // Segments do not repeat these.
  const chunkSizes = chunkSizesIn(text ?? '') ?? CHUNK_SIZES
  const inLog = await configInLog(input, chunkSizes)
  if ('config' in read && (inLog === undefined || (await agree(input, read.config, inLog)))) {
    return { config: read.config, created: false, damaged: await mendReadme(input.lock) }
  }
  // Damaged, or another version's? One flipped bit in the version is damage: the segments know better.
  const said = text ?? ''
  const isOurs = inLog !== undefined && (!saysOtherVersion(said) || differByOneBit(said, encodeConfig(inLog)))
  if ('fault' in read && !isOurs) throw saysOtherVersion(said) ? read.fault : withAdvice(read.fault)
  assert(inLog !== undefined, 'without a word in the log the config stands or is at fault')
  await writeConfig(storage, inLog)
  const message = 'the config was damaged; it was written anew from what the segments say'
  const damage: Damage = { kind: 'config', file: CONFIG_FILE, message }
  return { config: inLog, created: false, damaged: [damage, ...(await mendReadme(input.lock))] }
}

async function mendReadme(lock: StorageFile): Promise<Damage[]> {
  if (isReadme(lock)) return []
  await writeText(lock, README_TEXT)
  return [{ kind: 'readme', file: README_FILE, message: 'the README was damaged or missing; it was written anew' }]
}

function isReadme(lock: StorageFile): boolean {
  const bytes = new Uint8Array(README_TEXT.length + 1)
  const got = lock.read(bytes, 0)
  return new TextDecoder().decode(bytes.subarray(0, got)) === README_TEXT
}

/** What a check finds of the two files that are else read by an opening only: damaged under an open store, a config that no segment repeats could not be mended by it. */
export async function checkConfig({ storage, config, lock }: OpenConfig): Promise<Damage[]> {
  const findings: Damage[] = []
  const read = decoded(await readText(storage, CONFIG_FILE))
  if (!('config' in read && encodeConfig(read.config) === encodeConfig(config))) {
    findings.push({ kind: 'config', file: CONFIG_FILE, message: 'the config is missing or damaged' })
  }
  if (!isReadme(lock)) findings.push({ kind: 'readme', file: README_FILE, message: 'the README is damaged' })
  return findings
}

/** Writes anew what `checkConfig` found. */
export async function mendConfig({ storage, config, lock }: OpenConfig, findings: readonly Damage[]): Promise<void> {
  if (findings.some(({ kind }) => kind === 'config')) await writeConfig(storage, config)
  if (findings.some(({ kind }) => kind === 'readme')) await writeText(lock, README_TEXT)
}

function decoded(text: string | undefined): { config: Config } | { fault: StoreError } {
  try {
    if (text === undefined)
      throw new StoreError('FORMAT', 'the file config is missing', { where: { file: CONFIG_FILE } })
    return { config: decodeConfig(text) }
  } catch (fault) {
    return { fault: fault as StoreError }
  }
}

/** What to do about a config that is damaged, and of which nothing else in the store says what it was. */
function withAdvice({ message, where }: StoreError): StoreError {
  const advice = 'put a copy of it there, it never changes; or remove the store, if nothing in it is needed'
  return new StoreError('FORMAT', `${message}, and nothing in the store says what it was: ${advice}`, { where })
}

/** The config of a store in which nothing was ever committed: nothing has leaned on the old one but the head, which has the id. */
async function makeAnew(input: ConfigInput, text: string, fault: StoreError): Promise<ConfigFound> {
  if (saysOtherVersion(text)) throw fault
  const id = await idOfEmpty(input)
  if (id === undefined) throw withAdvice(fault)
  const config = configFor(input, id)
  await writeConfig(input.storage, config)
  const message = 'the config was damaged; as nothing was ever stored here, it was made anew'
  const damage: Damage = { kind: 'config', file: CONFIG_FILE, message }
  return { config, created: false, damaged: [damage, ...(await mendReadme(input.lock))] }
}

/** The id in a head whose slots both say that nothing was ever committed. */
async function idOfEmpty({ storage, inventory, crc }: ConfigInput): Promise<Uint8Array | undefined> {
  if (!inventory.names.includes(HEAD_FILE)) return undefined
  const bytes = new Uint8Array(HEAD.slots * HEAD.slotBytes)
  await storage.with(HEAD_FILE, (file) => file.read(bytes, 0))
  const id = bytes.slice(HEAD.id, HEAD.id + ID_BYTES)
  for (let at = 0; at < bytes.length; at += HEAD.slotBytes) {
    if (decodeHeadSlot(bytes.subarray(at, at + HEAD.slotBytes), id, crc)?.transaction !== 0) return undefined
  }
  return id
}

/** True when the config may stand. Another id in a segment is the segment's fault if the head has the config's, or neither; but no two stores have ids that one bit tells apart. */
async function agree({ storage, crc }: ConfigInput, config: Config, inLog: Config): Promise<boolean> {
  if (config.id === inLog.id) {
    return config.segmentsPerDir === inLog.segmentsPerDir && config.segmentBytesMax === inLog.segmentBytesMax
  }
  if (await headHasId(storage, config.id, crc)) return true
  return !differByOneBit(config.id, inLog.id) && !(await headHasId(storage, inLog.id, crc))
}

async function headHasId(storage: Storage, id: string, crc: Crc): Promise<boolean> {
  if (!(await storage.list('')).includes(HEAD_FILE)) return false
  const head = await HeadFile.open(storage, hexBytes(id), crc)
  try {
    return head.read().head !== undefined
  } finally {
    head.close()
  }
}

/** What the header of the newest segment that has a good one says. */
async function configInLog(
  { storage, inventory, kernel }: ConfigInput,
  chunkSizes: ChunkSizes,
): Promise<Config | undefined> {
  const arena = kernel.arena(SEGMENT_HEADER_ENTRY_BYTES)
  for (const { path } of inventory.segments) {
    const entry = arena.view(0, SEGMENT_HEADER_ENTRY_BYTES)
    const got = await storage.with(path, (file) => file.read(entry, MAGIC_BYTES))
    if (got < entry.length || !arena.verify(0, got)) continue
    if (reservedKind(entry, ENTRY.key) !== RESERVED.segmentHeader) continue
    const header = decodeSegmentHeader(entry.subarray(ENTRY.putHeaderBytes))
    if (header?.version !== FORMAT_VERSION) continue
    const { segmentsPerDir, segmentBytesMax, id } = header
    return { segmentsPerDir, segmentBytesMax, chunkSizes, id: keyHex(id) }
  }
  return undefined
}

async function make(input: ConfigInput): Promise<ConfigFound> {
  const { storage, lock, crc, create } = input
  if (!create) throw new StoreError('NOT_FOUND', 'the store here was never finished; open it with create: true')
  const id = new Uint8Array(ID_BYTES)
  input.random(id)
  const config = configFor(input, id)
  await writeText(lock, README_TEXT)
  const head = await HeadFile.open(storage, id, crc)
  try {
    head.reset({ transaction: 0, segment: 0, offset: 0 })
    await head.flush()
  } finally {
    head.close()
  }
  await writeConfig(storage, config)
  return { config, created: true, damaged: [] }
}

function configFor({ maxSegmentSize, chunkSizes }: ConfigInput, id: Uint8Array): Config {
  return {
    segmentsPerDir: SEGMENTS_PER_DIR,
    segmentBytesMax: maxSegmentSize ?? SEGMENT_BYTES_MAX,
    chunkSizes: chunkSizes ?? CHUNK_SIZES,
    id: keyHex(id),
  }
}

async function writeConfig(storage: Storage, config: Config): Promise<void> {
  await withFile(storage, CONFIG_FILE, { create: true }, (file) => writeText(file, encodeConfig(config)))
}

async function readText(storage: Storage, path: string): Promise<string | undefined> {
  const read = withFile(storage, path, {}, (file) => {
    const bytes = new Uint8Array(Math.min(file.size(), CONFIG_BYTES_MAX + 1))
    file.read(bytes, 0)
    return new TextDecoder().decode(bytes)
  })
  return await unlessAbsent(read)
}

async function writeText(file: StorageFile, text: string): Promise<void> {
  file.truncate(0)
  file.write(new TextEncoder().encode(text), 0)
  await file.flush()
}
