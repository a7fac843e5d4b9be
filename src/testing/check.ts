/**
 * The few assertions of the suites that run everywhere, in Node and in a browser's worker alike: they know neither
 * Vitest nor Node. A failure throws with both values in its message, which is all that crosses the message port.
 */
import { StoreError, type StoreErrorCode } from '../errors.js'

export function equal<T>(actual: T, expected: T, what: string): void {
  const [left, right] = [show(actual), show(expected)]
  if (left !== right) throw new Error(`${what}: got ${left}, expected ${right}`)
}

/** Runs `action`, which has to fail with a StoreError of that code; returns the error. */
export async function fails(action: () => unknown, code: StoreErrorCode, what: string): Promise<StoreError> {
  let result: unknown
  try {
    result = await action()
  } catch (error) {
    if (!(error instanceof StoreError)) throw new Error(`${what}: got ${error}, expected a StoreError ${code}`)
    if (error.code !== code) throw new Error(`${what}: got ${error.code} (${error.message}), expected ${code}`)
    return error
  }
  throw new Error(`${what}: it succeeded with ${show(result)}, expected ${code}`)
}

/** Where `text` first stands among the bytes, which it does. */
export function placeOf(text: string | Uint8Array, bytes: Uint8Array): number {
  const sought = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const place = bytes.findIndex((_, at) => sought.every((byte, i) => bytes[at + i] === byte))
  if (place < 0) throw new Error(`${show(text)} does not stand there`)
  return place
}

/** Arrays are compared by their contents; bytes are shown in full, so keep them few. */
function show(value: unknown): string {
  if (value instanceof Uint8Array) return `[${value.join(' ')}]`
  return JSON.stringify(value) ?? String(value)
}
