/** A command line run as a function: what it is given, and what it prints and answers. Used by the tests of src/cli. */

import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { main } from '../cli/main.js'

export interface CommandResult {
  code: number
  out: string
  bytes: Buffer
  error: string
}

export interface Surroundings {
  stdin?: Uint8Array | string
  isTTY?: boolean
  signal?: AbortSignal
}

export async function runCommand(
  words: string[],
  { stdin = '', isTTY = false, signal }: Surroundings = {},
): Promise<CommandResult> {
  const [stdout, stderr] = [new PassThrough(), Object.assign(new PassThrough(), { isTTY })]
  const said = [buffer(stdout), buffer(stderr)] as const
  const code = await main(words, {
    stdin: Readable.from([Buffer.from(stdin)]),
    stdout,
    stderr,
    signal: signal ?? new AbortController().signal,
  })
  stdout.end()
  stderr.end()
  const [bytes, error] = await Promise.all(said)
  return { code, out: bytes.toString(), bytes, error: error.toString() }
}
