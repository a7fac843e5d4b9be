/**
 * What a command sees of the world outside: three streams and a signal, handed in so that tests can look at them. Results go to stdout,
 * everything else to stderr; progress is shown only where a person looks on.
 */

import type { Readable, Writable } from 'node:stream'
import { abortError, throwIfAborted } from '../errors.js'
import type { Progress, TaskOptions } from '../types.js'

export interface Terminal {
  stdin: Readable
  stdout: Writable
  stderr: Writable & { isTTY?: boolean }
  signal: AbortSignal
}

/** Where nobody knows how much there will be, progress is shown in steps of this many bytes. */
const STEP_BYTES = 16 * 1024 * 1024
const ERASE_LINE = '\r\x1b[K'

/** Writes a line of the result. */
export async function print(terminal: Terminal, line: string): Promise<void> {
  await write(terminal, `${line}\n`)
}

/** Writes to stdout, and waits as long as the reader is slower, or until the signal: it may never read. */
export async function write({ stdout, signal }: Terminal, data: string | Uint8Array): Promise<void> {
  throwIfAborted(signal)
  if (stdout.errored) throw stdout.errored
  if (stdout.write(data)) return
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error) => {
      stdout.off('drain', settle).off('error', settle).off('close', settle)
      signal.removeEventListener('abort', onAbort)
      if (error) reject(error)
      else resolve()
    }
    const onAbort = () => settle(abortError(signal))
    stdout.on('drain', settle).on('error', settle).on('close', settle)
    signal.addEventListener('abort', onAbort)
  })
}

/** Runs a task with its signal, and a line of progress under `label` that is gone when it ends. */
export async function task<T>(
  { stderr, signal }: Terminal,
  label: string,
  run: (options: Required<TaskOptions>) => Promise<T>,
): Promise<T> {
  if (stderr.isTTY !== true) return await run({ signal, onProgress: () => undefined })
  let shown = ''
  const onProgress = (progress: Progress) => {
    const text = amount(progress)
    if (text !== shown) stderr.write(`${ERASE_LINE}${label}: ${text}`)
    shown = text
  }
  try {
    return await run({ signal, onProgress })
  } finally {
    if (shown !== '') stderr.write(ERASE_LINE)
  }
}

/** Changes at most a hundred times, or once a step, so that showing it costs nothing. */
function amount({ done, total }: Progress): string {
  if (Number.isFinite(total)) {
    return `${total === 0 ? 100 : Math.floor((done / total) * 100)}% of ${readable(total)}`
  }
  return readable(Math.floor(done / STEP_BYTES) * STEP_BYTES)
}

/** A terminal takes orders from control characters, and a line ends at a newline. */
export function printable(name: string): string {
  return /\p{Cc}/u.test(name) ? JSON.stringify(name) : name
}

/** A number of bytes for a person: 3 digits, decimal units. */
export function readable(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return unit === 0 ? `${bytes} B` : `${value.toPrecision(3)} ${units[unit]}`
}
