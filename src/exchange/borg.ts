/**
 * Repositories of Borg 1.x: writing one that Borg itself checks and reads, and taking in the objects of one. The entries are the same in both
 * programs; what differs is told in FORMAT.md, "Borg".
 */

import { isStoreError, StoreError, throwIfAborted } from '../errors.js'
import { CONFIG_BYTES_MAX, type Config, encodeConfig } from '../format/config.js'
import { keyHex, RESERVED, reservedKind } from '../format/key.js'
import { type Chunk, decodeManifest, decodeUploadPart, manifestContent } from '../format/manifest.js'
import { CONFIG_FILE, DATA_DIR } from '../format/paths.js'
import { createKernel } from '../kernel/kernel.js'
import type { Storage } from '../storage/storage.js'
import { withFile } from '../storage/use.js'
import { type Engine, openEngine } from '../store/engine.js'
import type { Frozen, Store, TaskOptions } from '../types.js'
import { decodeBorgConfig } from './borg-config.js'
import { lostObjects } from './borg-index.js'
import { BorgSegments } from './borg-segments.js'
import { copyContents, type Target } from './copy.js'
import { entriesOf, type FrozenEntry } from './entries.js'
import { accessTo, quietly, removeAll } from './folder.js'
import { type ExportReport, formatError, type ImportReport } from './report.js'
import { viewOf } from './view.js'

/** Borg holds a repository by a directory of this name. */
const BORG_LOCK = 'lock.exclusive/'

/**
 * Writes a repository into an empty directory: every content as committed now. What cannot be read is skipped and named. When it fails, the
 * directory is empty again, unless what was made cannot be removed.
 */
export async function exportBorg(
  store: Pick<Store, 'freeze'>,
  target: Storage,
  { signal, onProgress }: TaskOptions = {},
): Promise<ExportReport> {
  throwIfAborted(signal)
  if ((await target.list('')).length > 0) throw formatError('the directory is not empty; choose another one')
  const frozen = await store.freeze()
  const segments = new BorgSegments(target, await createKernel())
  try {
    const entries = await entriesOf(frozen)
    const left = await onlyUploading(frozen, entries)
    const objects = entries.filter(({ key }) => isObject(key) && !left.has(keyHex(key)))
    const total = objects.reduce((sum, { size }) => sum + size, 0)
    const report: ExportReport = { objects: 0, bytes: 0, skipped: [] }
    let done = 0
    for (const entry of objects) {
      throwIfAborted(signal)
      const value = await valueOr(frozen, entry, (error) => {
        report.skipped.push({ ...error.where, key: keyHex(entry.key), message: error.message })
      })
      if (value) {
        await segments.put(entry.key, value)
        report.objects++
        report.bytes += value.length
      }
      done += entry.size
      onProgress?.({ done, total })
    }
    await segments.finish(frozen.id)
    return report
  } catch (error) {
    await quietly(() => segments.close())
    await removeAll(accessTo(target))
    throw error
  } finally {
    frozen.release()
  }
}

/**
 * Takes in all objects of a repository, which is only read. Throws FORMAT when the directory is none, LOCKED when Borg is using it. What is
 * damaged, and objects whose keys are reserved here (Borg's own list of archives is one), are skipped and named.
 */
export async function importBorg(store: Target, directory: Storage, options: TaskOptions = {}): Promise<ImportReport> {
  throwIfAborted(options.signal)
  const config = await configOf(directory)
  const lost = await lostObjects(directory, config.segmentsPerDir)
  const source = await openBorg(directory)
  try {
    const report = await copyContents(source, store, options)
    for (const { key } of report.skipped) if (key !== undefined) lost.delete(key)
    // Where the index is wrong the log is right.
    for await (const { key } of source.keys()) lost.delete(key)
    report.skipped.push(...lost.values())
    return report
  } finally {
    await quietly(() => source.close())
  }
}

/** A repository as an open store, for reading. What is written to it stays in memory. */
export async function openBorg(directory: Storage): Promise<Engine> {
  const text = encodeConfig(await configOf(directory))
  const view = viewOf(directory)
  await withFile(view, CONFIG_FILE, { create: true }, (config) => config.write(new TextEncoder().encode(text), 0))
  return await openEngine(view, { create: false })
}

/** Throws FORMAT when the directory is no repository, LOCKED when Borg is using it. */
async function configOf(directory: Storage): Promise<Config> {
  const names = await directory.list('')
  if (!names.includes(CONFIG_FILE) || !names.includes(`${DATA_DIR}/`)) {
    throw formatError('the directory holds no Borg repository: it has to have config and data/', CONFIG_FILE)
  }
  if (names.includes(BORG_LOCK)) {
    const message = 'Borg is using the repository; wait for its end, or remove the lock that it left: borg break-lock'
    throw new StoreError('LOCKED', message, { where: { file: BORG_LOCK } })
  }
  return decodeBorgConfig(await readText(directory, CONFIG_FILE))
}

async function readText(directory: Storage, path: string): Promise<string> {
  return await withFile(directory, path, {}, (file) => {
    const bytes = new Uint8Array(Math.min(file.size(), CONFIG_BYTES_MAX + 1))
    file.read(bytes, 0)
    return new TextDecoder().decode(bytes)
  })
}

/** Contents, chunks, the lists that say which chunks make a content, and names. */
function isObject(key: Uint8Array): boolean {
  const kind = reservedKind(key)
  return kind === undefined || kind === RESERVED.manifest || kind === RESERVED.ref
}

/** Keys of the chunks that only unfinished uploads list: they are nobody's content yet. */
async function onlyUploading(frozen: Frozen, entries: readonly FrozenEntry[]): Promise<Set<string>> {
  const keys = new Set<string>()
  const visit = async (kind: number, take: (value: Uint8Array) => void) => {
    for (const entry of entries) {
      if (reservedKind(entry.key) !== kind) continue
      // What is damaged lists nothing; a list of chunks that cannot be read is named when its turn comes.
      const value = await valueOr(frozen, entry, () => undefined)
      if (value) take(value)
    }
  }
  const each = (chunks: readonly Chunk[] | undefined, use: (key: string) => void) => {
    for (const { key } of chunks ?? []) use(keyHex(key))
  }
  await visit(RESERVED.uploadPart, (value) => each(decodeUploadPart(value)?.chunks, (key) => keys.add(key)))
  if (keys.size === 0) return keys
  await visit(RESERVED.manifest, (value) => {
    const content = manifestContent(value)
    each(content && decodeManifest(value, content)?.chunks, (key) => keys.delete(key))
  })
  return keys
}

/** The value of an entry; undefined when it is damaged, after `told` has been told. */
async function valueOr(
  frozen: Frozen,
  entry: FrozenEntry,
  told: (error: StoreError) => void,
): Promise<Uint8Array | undefined> {
  try {
    return await frozen.value(entry.index)
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error
    told(error)
    return undefined
  }
}
