/** The commands for contents: ls, get, put. Contents flow: whatever their size, a few MiB of memory hold what is on its way. */

import { createReadStream, createWriteStream } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StoreError } from '../errors.js'
import type { Engine } from '../node.js'
import type { Key } from '../types.js'
import {
  answer,
  bytesOption,
  type Call,
  type Command,
  CREATE_OPTION,
  EXIT,
  JSON_OPTION,
  UsageError,
  withStore,
} from './command.js'
import { printable, task, write } from './terminal.js'

const READ_BYTES = 1024 * 1024

export const ls: Command = {
  operands: 'STORE [PREFIX]',
  counts: { least: 1, most: 2 },
  summary: 'list the keys and sizes in bytes of all contents, or the names',
  details: [
    'Keys come in no particular order. With --names: each name with the key it points to, sorted; those that begin with PREFIX, if there is one.',
    'A name with control characters in it is printed as JSON has it.',
  ],
  options: { names: { type: 'boolean', help: 'list names instead' }, json: JSON_OPTION },
  async run(call) {
    if (call.operands.length > 1 && !call.flags.has('names')) throw new UsageError('a PREFIX goes with --names')
    return await withStore(call, async (store) => {
      if (call.flags.has('names')) return await listNames(call, store)
      for await (const { key, size } of store.keys({ signal: call.terminal.signal })) {
        await answer(call, { key, size }, () => [`${key} ${size}`])
      }
      return EXIT.fine
    })
  },
}

async function listNames(call: Call, store: Engine): Promise<number> {
  const [, prefix = ''] = call.operands
  for await (const ref of store.refs.list({ prefix, signal: call.terminal.signal })) {
    await answer(call, ref, () => [`${ref.key} ${printable(ref.name)}`])
  }
  return EXIT.fine
}

export const get: Command = {
  operands: 'STORE KEY',
  counts: { least: 2, most: 2 },
  summary: 'write a content, or a part of it, to stdout or a file',
  details: [
    'Every byte is verified before it is written. A FILE appears under its name once all of it is there.',
    'With --name KEY is the name of a content. The exit code is 1 when there is nothing under KEY.',
  ],
  options: {
    name: { type: 'boolean', help: 'KEY is a name' },
    offset: { type: 'string', value: 'N', help: 'begin at byte N, counted from 0' },
    length: { type: 'string', value: 'N', help: 'end after N bytes' },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'write to FILE instead of stdout' },
  },
  run: (call) => {
    const [offset = 0, length] = [bytesOption(call, 'offset'), bytesOption(call, 'length')]
    return withStore(call, async (store) => {
      const key = await keyOf(call, store)
      const { signal } = call.terminal
      const content = await store.stream(key, { offset, signal, ...(length !== undefined && { length }) })
      if (content === undefined) throw new StoreError('NOT_FOUND', `there is nothing under the key ${key}`)
      await task(call.terminal, 'reading', ({ onProgress }) => writeOut(call, content, onProgress))
      return EXIT.fine
    })
  },
}

async function keyOf({ operands, flags }: Call, store: Engine): Promise<Key> {
  const [, key = ''] = operands
  if (!flags.has('name')) {
    if (/^[0-9a-f]{64}$/.test(key)) return key
    throw new StoreError('BAD_KEY', `a key is 64 lowercase hex digits, not ${printable(key)}; for a name add --name`)
  }
  const ref = await store.refs.get(key)
  if (ref === undefined) throw new StoreError('NOT_FOUND', `there is no name ${printable(key)}`)
  return ref.key
}

export const put: Command = {
  operands: 'STORE [FILE...]',
  counts: { least: 1, most: Number.POSITIVE_INFINITY },
  summary: 'store files, or stdin, and print their keys',
  details: [
    'All of them in one transaction: when it fails nothing is stored. Without a FILE, or for -, it reads stdin.',
    'A key is the SHA-256 of its content; what is there already is not written again.',
  ],
  options: { create: CREATE_OPTION, json: JSON_OPTION },
  run: (call) =>
    withStore(call, async (store) => {
      const [, ...files] = call.operands
      const names = files.length === 0 ? ['-'] : files
      const keys = await task(call.terminal, 'storing', (options) => putAll(call, store, names, options.onProgress))
      for (const [i, key] of keys.entries()) {
        await answer(call, { key, file: names[i] }, () => [`${key} ${names[i]}`])
      }
      return EXIT.fine
    }),
}

async function putAll(
  { terminal }: Call,
  store: Engine,
  names: string[],
  onProgress: (progress: { done: number; total: number }) => void,
): Promise<Key[]> {
  const { signal, stdin } = terminal
  let before = 0
  return await store.transaction(async (tx) => {
    const keys: Key[] = []
    for (const name of names) {
      let size = 0
      const source = name === '-' ? stdin : createReadStream(name, { highWaterMark: READ_BYTES })
      const report = ({ done }: { done: number }) => {
        size = done
        onProgress({ done: before + done, total: Number.POSITIVE_INFINITY })
      }
      keys.push(await tx.put(source, { signal, onProgress: report }))
      before += size
    }
    return keys
  })
}

/** Lets bytes flow to the file that -o names, or to stdout, and says how many. A file that could not be finished is removed. */
export async function writeOut(
  { terminal, values }: Call,
  bytes: ReadableStream<Uint8Array>,
  onProgress: (progress: { done: number; total: number }) => void,
): Promise<number> {
  const { signal } = terminal
  let done = 0
  const counted = async function* (source: AsyncIterable<Uint8Array>) {
    for await (const piece of source) {
      yield piece
      done += piece.length
      onProgress({ done, total: Number.POSITIVE_INFINITY })
    }
  }
  const flow = async (target: Writable) => {
    await pipeline(Readable.from(piecesOf(bytes)), counted, target, { signal })
    return done
  }
  const output = values.get('output')
  if (output === undefined) {
    for await (const piece of counted(piecesOf(bytes))) await write(terminal, piece)
    return done
  }
  const file = await placeOf(output)
  // A device or a pipe is written to; a file in its place would be another thing.
  if (file === undefined) return await flow(createWriteStream(output))
  // Of a name that no file has: one that is there is somebody's.
  const part = `${file}.${process.pid}.part`
  const target = await open(part, 'wx')
  try {
    await flow(target.createWriteStream({ flush: true }))
    await rename(part, file)
    return done
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
}

/** Where the file of this name lies, or will lie; undefined when something else has the name. */
async function placeOf(name: string): Promise<string | undefined> {
  try {
    const place = await realpath(name)
    return (await stat(place)).isFile() ? place : undefined
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    return name
  }
}

/** The pieces of a stream; when nobody wants more of them the stream is told. */
async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}
