/**
 * What a command is: its words in the help, its options, and what it does. The commands stand in the files commands-*.ts; main.ts runs them.
 */

import { stat } from 'node:fs/promises'
import { StoreError } from '../errors.js'
import { type Engine, isStoreError, nodeStorage, openEngine } from '../node.js'
import { print, type Terminal } from './terminal.js'

export interface Option {
  type: 'boolean' | 'string'
  short?: string
  /** What stands for the value in the help. */
  value?: string
  help: string
}

export interface Command {
  /** What follows the command's name: STORE KEY. */
  operands: string
  /** How many operands there may be. */
  counts: { least: number; most: number }
  summary: string
  /** What else a person has to know, as paragraphs. */
  details: string[]
  options: Record<string, Option>
  /** Answers with the exit code. */
  run(call: Call): Promise<number>
}

export interface Call {
  operands: string[]
  flags: ReadonlySet<string>
  values: ReadonlyMap<string, string>
  terminal: Terminal
}

export const EXIT = { fine: 0, found: 1, usage: 2 } as const

/** The command line says something that no command understands. */
export class UsageError extends Error {}

export const JSON_OPTION: Option = { type: 'boolean', help: 'print the result as JSON, one object a line' }
export const CREATE_OPTION: Option = { type: 'boolean', help: 'make the store if there is none' }

/** Opens the store that the first operand names, and closes it whatever happens. */
export async function withStore<T>(
  { operands, flags, terminal }: Call,
  use: (store: Engine) => Promise<T>,
): Promise<T> {
  const [folder = ''] = operands
  const store = await openFolder(folder, flags.has('create'), terminal.signal)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

async function openFolder(folder: string, create: boolean, signal: AbortSignal): Promise<Engine> {
  const found = await stat(folder).catch(() => undefined)
  if (found?.isFile()) {
    const message = `${folder} is a file, and a store is a folder; an archive is taken into one by import`
    throw new StoreError('FORMAT', message)
  }
  try {
    return await openEngine(nodeStorage(folder), { create, signal })
  } catch (error) {
    if (!isStoreError(error, 'NOT_FOUND')) throw error
    const message = `there is no store in ${folder}; check the path (put and import make one with --create)`
    throw new StoreError('NOT_FOUND', message, { cause: error })
  }
}

/** Prints the result: as JSON if that was asked for, else as these lines. */
export async function answer({ flags, terminal }: Call, result: object, lines: () => string[]): Promise<void> {
  if (flags.has('json')) await print(terminal, JSON.stringify(result))
  else for (const line of lines()) await print(terminal, line)
}

/** The value of an option that is a number of bytes; undefined when it is not given. */
export function bytesOption({ values }: Call, name: string): number | undefined {
  const text = values.get(name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new UsageError(`--${name} takes a whole number of bytes, not "${text}"`)
  }
  return number
}
