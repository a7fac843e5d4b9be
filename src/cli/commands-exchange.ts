/** The commands for leaving and coming: export, import. */

import { createReadStream, existsSync, openAsBlob, readFileSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { StoreError } from '../errors.js'
import {
  exportBorg,
  exportFiles,
  exportStore,
  type Folder,
  type ImportReport,
  importBorg,
  importFiles,
  importStore,
  type Skipped,
} from '../exchange.js'
import { type Engine, nodeStorage } from '../node.js'
import { answer, type Call, type Command, CREATE_OPTION, EXIT, JSON_OPTION, UsageError, withStore } from './command.js'
import { writeOut } from './commands-contents.js'
import { printable, readable, task } from './terminal.js'

const READ_BYTES = 1024 * 1024

export const exportCommand: Command = {
  operands: 'STORE',
  counts: { least: 1, most: 1 },
  summary: 'write all contents of a store in a form that others read',
  details: [
    'store: the directory of the store as a tar archive, to stdout or a FILE. Unpacked, it is a store again.',
    'borg: a repository of Borg 1.x in a new or empty folder, without encryption. It holds the contents as objects, not as archives of files: check it with `borg check --repository-only`, read an object with `borg debug get-obj`.',
    'files: every content that has a name, as a file of that name in a new or empty folder; / in a name makes folders. Names that could not be files on all systems are left out and listed.',
    'The exit code is 1 when something had to be left out.',
  ],
  options: {
    format: { type: 'string', value: 'FORMAT', help: 'store (unless told), borg or files' },
    output: { type: 'string', short: 'o', value: 'PATH', help: 'the FILE or folder to write' },
    json: JSON_OPTION,
  },
  async run(call) {
    const format = call.values.get('format') ?? 'store'
    const output = call.values.get('output')
    if (!['store', 'borg', 'files'].includes(format)) throw new UsageError(`there is no format "${format}"`)
    if (format !== 'store' && output === undefined) throw new UsageError('name the folder to write with -o')
    if (format === 'store' && output === undefined && 'isTTY' in call.terminal.stdout && call.terminal.stdout.isTTY) {
      throw new UsageError('an archive is nothing to look at: name a file with -o, or redirect')
    }
    return await withStore(call, (store) => {
      if (output === undefined || format === 'store') return toTar(call, store)
      return format === 'borg' ? toBorg(call, store, output) : toFiles(call, store, output)
    })
  },
}

export const importCommand: Command = {
  operands: 'STORE FROM',
  counts: { least: 2, most: 2 },
  summary: 'take in all contents of an archive, a repository or a folder',
  details: [
    'FROM is a tar archive made by export (- reads it from stdin), the folder of another store, or that of a Borg 1.x repository. Folders are only read.',
    'With --format files it is any folder: each file in it and below becomes a content, its path in the folder the name. Links are left out.',
    'Every byte is verified. What could not be taken in is listed, and makes the exit code 1. An archive or store needs its size as free space while it is read, inside the folder of the store.',
    'A content whose key somebody chose, and a name, replace what is in the store under that key or name.',
  ],
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      help: 'files: FROM is a folder of files. Others are told apart by themselves',
    },
    create: CREATE_OPTION,
    json: JSON_OPTION,
  },
  async run(call) {
    const format = call.values.get('format')
    if (format !== undefined && format !== 'files') throw new UsageError(`there is no format "${format}" to be told`)
    return await withStore(call, async (store) => {
      const [, from = ''] = call.operands
      const report = await (format === 'files' ? fromFiles(call, store, from) : fromOther(call, store, from))
      await answer(call, report, () => [
        ...skippedLines(report.skipped),
        `${report.contents} contents (${readable(report.bytes)}) and ${report.names} names imported, ${report.skipped.length} skipped`,
      ])
      return report.skipped.length === 0 ? EXIT.fine : EXIT.found
    })
  },
}

async function fromOther(call: Call, store: Engine, from: string): Promise<ImportReport> {
  if (from === '-' || !(await stat(from)).isDirectory()) {
    const bytes = from === '-' ? call.terminal.stdin : createReadStream(from, { highWaterMark: READ_BYTES })
    return await fromStore(call, store, Readable.toWeb(bytes) as ReadableStream<Uint8Array>)
  }
  if (!existsSync(join(from, 'config')) && !existsSync(join(from, 'data'))) {
    const message = 'there is no store in it and no repository; to take in plain files add --format files'
    throw new StoreError('FORMAT', message, { where: { file: 'config' } })
  }
  return await (isRepository(from)
    ? fromBorg(call, store, from)
    : fromStore(call, store, nodeStorage(from, { readOnly: true })))
}

/** True when the folder says that it is Borg's. */
function isRepository(folder: string): boolean {
  const config = join(folder, 'config')
  return existsSync(config) && /^\[repository\]/m.test(readFileSync(config, 'utf8'))
}

async function toTar(call: Call, store: Engine): Promise<number> {
  const bytes = await task(call.terminal, 'exporting', async (options) =>
    writeOut(call, await exportStore(store, options), () => undefined),
  )
  if (call.values.has('output')) await answer(call, { bytes }, () => [`${readable(bytes)} exported`])
  return EXIT.fine
}

async function toBorg(call: Call, store: Engine, folder: string): Promise<number> {
  const report = await task(call.terminal, 'exporting', (options) => exportBorg(store, nodeStorage(folder), options))
  await answer(call, report, () => [
    ...skippedLines(report.skipped),
    `${report.objects} objects (${readable(report.bytes)}) exported, ${report.skipped.length} skipped`,
  ])
  return report.skipped.length === 0 ? EXIT.fine : EXIT.found
}

async function fromBorg({ terminal }: Call, store: Engine, folder: string): Promise<ImportReport> {
  return await task(terminal, 'importing', (options) =>
    importBorg(store, nodeStorage(folder, { readOnly: true }), options),
  )
}

async function toFiles(call: Call, store: Engine, folder: string): Promise<number> {
  const report = await task(call.terminal, 'exporting', (options) => exportFiles(store, nodeStorage(folder), options))
  await answer(call, report, () => [
    ...skippedLines(report.skipped),
    `${report.files} files (${readable(report.bytes)}) exported, ${report.skipped.length} skipped`,
  ])
  return report.skipped.length === 0 ? EXIT.fine : EXIT.found
}

async function fromFiles({ terminal }: Call, store: Engine, folder: string): Promise<ImportReport> {
  const skipped: Skipped[] = []
  const report = await task(terminal, 'importing', (options) =>
    importFiles(store, filesBelow(folder, '', skipped), options),
  )
  return { ...report, skipped: [...skipped, ...report.skipped] }
}

/**
 * Plain files, by their paths in the folder; their bytes stay on the disk until they are read. What cannot be opened is noted: one that may not
 * be read, that went meanwhile, or whose name is no text.
 */
async function* filesBelow(folder: string, path: string, skipped: Skipped[]): AsyncGenerator<File> {
  const entries = await readdir(join(folder, path), { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inside = `${path}${entry.name}`
    try {
      if (entry.isDirectory()) yield* filesBelow(folder, `${inside}/`, skipped)
      else if (entry.isFile()) yield new File([await openAsBlob(join(folder, inside))], inside)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      skipped.push({ file: inside, message: `it cannot be read: ${error.message}` })
    }
  }
}

/** In the store's folder, while a store is taken in; a name that nobody else's folder has. */
const SCRATCH_FOLDER = 'lodestore-import-scratch'

async function fromStore(
  { terminal, operands }: Call,
  store: Engine,
  from: ReadableStream<Uint8Array> | Folder,
): Promise<ImportReport> {
  const [folder = ''] = operands
  const scratch = join(folder, SCRATCH_FOLDER)
  // What an import left that was killed. The store is open here, so no other is at work.
  await rm(scratch, { recursive: true, force: true })
  await mkdir(scratch)
  try {
    return await task(terminal, 'importing', (options) =>
      importStore(store, from, { ...options, scratch: nodeStorage(scratch) }),
    )
  } finally {
    await rm(scratch, { recursive: true })
  }
}

function skippedLines(skipped: readonly Skipped[]): string[] {
  return skipped.map(({ message, ...where }) => {
    const places = Object.entries(where).map(([name, value]) => `; ${name} ${printable(`${value}`)}`)
    return `skipped: ${message}${places.join('')}`
  })
}
