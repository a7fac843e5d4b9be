/** The commands for leaving and coming: export, import. */

import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { exportBorg, exportStore, type ImportReport, importBorg, importStore, type Skipped } from '../exchange.js'
import { type Engine, nodeStorage } from '../node.js'
import { answer, type Call, type Command, CREATE_OPTION, EXIT, JSON_OPTION, UsageError, withStore } from './command.js'
import { writeOut } from './commands-contents.js'
import { readable, task } from './terminal.js'

const READ_BYTES = 1024 * 1024

export const exportCommand: Command = {
  operands: 'STORE',
  counts: { least: 1, most: 1 },
  summary: 'write all contents of a store in a form that others read',
  details: [
    'store: the directory of the store as a tar archive, to stdout or a FILE. Unpacked, it is a store again.',
    'borg: a repository of Borg 1.x in a new or empty folder, without encryption. It holds the contents as objects, not as archives of files: check it with `borg check --repository-only`, read an object with `borg debug get-obj`.',
    'The exit code is 1 when a damaged content had to be left out of a repository.',
  ],
  options: {
    format: { type: 'string', value: 'FORMAT', help: 'store (unless told) or borg' },
    output: { type: 'string', short: 'o', value: 'PATH', help: 'the FILE or folder to write' },
    json: JSON_OPTION,
  },
  async run(call) {
    const format = call.values.get('format') ?? 'store'
    const output = call.values.get('output')
    if (format !== 'store' && format !== 'borg') throw new UsageError(`there is no format "${format}"`)
    if (format === 'borg' && output === undefined) throw new UsageError('name the folder of the repository with -o')
    if (format === 'store' && output === undefined && 'isTTY' in call.terminal.stdout && call.terminal.stdout.isTTY) {
      throw new UsageError('an archive is nothing to look at: name a file with -o, or redirect')
    }
    return await withStore(call, (store) =>
      output !== undefined && format === 'borg' ? toBorg(call, store, output) : toTar(call, store),
    )
  },
}

export const importCommand: Command = {
  operands: 'STORE FROM',
  counts: { least: 2, most: 2 },
  summary: 'take in all contents of an archive or a repository',
  details: [
    'FROM is a tar archive made by export (- reads it from stdin), or the folder of a Borg 1.x repository, which is only read.',
    'Every byte is verified. What could not be taken in is listed, and makes the exit code 1. An archive needs its size as free space while it is read, inside the folder of the store.',
    'A content whose key somebody chose, and a name, replace what is in the store under that key or name.',
  ],
  options: { create: CREATE_OPTION, json: JSON_OPTION },
  run: (call) =>
    withStore(call, async (store) => {
      const [, from = ''] = call.operands
      const isFolder = from !== '-' && (await stat(from)).isDirectory()
      const report = await (isFolder ? fromBorg(call, store, from) : fromTar(call, store, from))
      await answer(call, report, () => [
        ...skippedLines(report.skipped),
        `${report.contents} contents (${readable(report.bytes)}) and ${report.names} names imported, ${report.skipped.length} skipped`,
      ])
      return report.skipped.length === 0 ? EXIT.fine : EXIT.found
    }),
}

async function toTar(call: Call, store: Engine): Promise<number> {
  await task(call.terminal, 'exporting', async (options) => {
    await writeOut(call, await exportStore(store, options), () => undefined)
  })
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
  return await task(terminal, 'importing', (options) => importBorg(store, nodeStorage(folder), options))
}

async function fromTar({ terminal, operands }: Call, store: Engine, from: string): Promise<ImportReport> {
  const [folder = ''] = operands
  const bytes = from === '-' ? terminal.stdin : createReadStream(from, { highWaterMark: READ_BYTES })
  const tar = Readable.toWeb(bytes) as ReadableStream<Uint8Array>
  const scratch = await mkdtemp(join(folder, 'import-'))
  try {
    return await task(terminal, 'importing', (options) =>
      importStore(store, tar, { ...options, scratch: nodeStorage(scratch) }),
    )
  } finally {
    await rm(scratch, { recursive: true })
  }
}

function skippedLines(skipped: readonly Skipped[]): string[] {
  return skipped.map(({ message, ...where }) => {
    const places = Object.entries(where).map(([name, value]) => `; ${name} ${value}`)
    return `skipped: ${message}${places.join('')}`
  })
}
