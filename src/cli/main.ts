/**
 * From a command line to an exit code. The streams are handed in, nothing of the process is touched: lodestore.ts does that. What goes wrong
 * in operation is told in a line or two, with what to do; a stack is shown only for what should not be possible.
 */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { isStoreError, type StoreError } from '../errors.js'
import { type Call, type Command, EXIT, UsageError } from './command.js'
import { check, repair, stats } from './commands-care.js'
import { get, ls, put } from './commands-contents.js'
import { exportCommand, importCommand } from './commands-exchange.js'
import type { Terminal } from './terminal.js'

export const COMMANDS: Readonly<Record<string, Command>> = {
  check,
  ls,
  stats,
  get,
  put,
  repair,
  export: exportCommand,
  import: importCommand,
}

const ABOUT = [
  'STORE is the folder of a store. While a command runs, nobody else can open it.',
  'Exit codes: 0 all is well; 1 something was found wrong, is not there, or failed; 2 the command line is not understood.',
]

/** Runs a command line (without the program's name) and answers with the exit code. Never throws. */
export async function main(words: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = words
  const { stdout, stderr } = terminal
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const out = name === undefined ? stderr : stdout
    out.write(overview())
    return name === undefined ? EXIT.usage : EXIT.fine
  }
  if (name === '--version' || name === '-v') {
    stdout.write(`lodestore ${release()}\n`)
    return EXIT.fine
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  try {
    if (command === undefined) throw new UsageError(`there is no command "${name}"`)
    const call = parse(command, rest, terminal)
    if (call.flags.has('help')) {
      stdout.write(help(name, command))
      return EXIT.fine
    }
    return await command.run(call)
  } catch (error) {
    // The reader has what it wanted, as `head` does.
    if (hasCode(error, 'EPIPE')) return EXIT.fine
    if (error instanceof UsageError) {
      stderr.write(`lodestore: ${error.message}\nsee: lodestore ${command === undefined ? '' : `${name} `}--help\n`)
      return EXIT.usage
    }
    stderr.write(`lodestore: ${explain(error)}\n`)
    return EXIT.found
  }
}

function parse({ options, counts }: Command, words: string[], terminal: Terminal): Call {
  const known = { ...options, help: { type: 'boolean', short: 'h', help: '' } as const }
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args: words, options: known, allowPositionals: true })
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new UsageError(error.message)
  }
  const flags = new Set<string>()
  const values = new Map<string, string>()
  for (const [name, value] of Object.entries(parsed.values)) {
    if (typeof value === 'string') values.set(name, value)
    else if (value === true) flags.add(name)
  }
  const operands = parsed.positionals
  if (!flags.has('help') && (operands.length < counts.least || operands.length > counts.most)) {
    throw new UsageError(operands.length < counts.least ? 'an operand is missing' : 'there are too many operands')
  }
  return { operands, flags, values, terminal }
}

function release(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

function overview(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  return [
    'Usage: lodestore COMMAND STORE ...',
    '',
    ...lines,
    '',
    ...ABOUT,
    'Each command has a --help; --version names the release.',
    '',
  ].join('\n')
}

function help(name: string, { operands, summary, details, options }: Command): string {
  const lines = Object.entries(options).map(([option, { short, value, help }]) => {
    const left = `${short === undefined ? '' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`
    return `  ${left.padEnd(20)} ${help}`
  })
  const about = [...details, ...ABOUT].map((paragraph) => `${paragraph}\n`).join('')
  const list = lines.length === 0 ? '' : `\nOptions:\n${lines.join('\n')}\n`
  return `Usage: lodestore ${name} ${operands}\n\n${summary}\n${list}\n${about}`
}

function explain(error: unknown): string {
  if (isStoreError(error)) return `${error.code}: ${error.message}${placeOf(error)}`
  // What the system says of a file that the user named: no stack helps there.
  if (error instanceof Error && 'syscall' in error) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function placeOf({ code, where }: StoreError): string {
  const places = Object.entries(where ?? {}).map(([name, value]) => `${name} ${value}`)
  const place = places.length === 0 ? '' : ` (${places.join(', ')})`
  return code === 'CORRUPT' ? `${place}\nsee all that is damaged with: lodestore check STORE` : place
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
