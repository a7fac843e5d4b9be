/**
 * Instances of the WASM module: each has a memory of its own. The module is compiled once for each kernel, asynchronously,
 * because a page's main thread may not compile more than a few kilobytes at once; instances are made from it at once.
 * Called by kernel.ts; the others of this folder see an instance through `Exports`.
 */

import { StoreError } from '../errors.js'
import { deflatedBase64 } from './module.js'

/** What assembly/index.ts exports. Addresses are bytes in `memory`; i32 results that are counts or addresses come signed. */
export interface Exports {
  readonly memory: WebAssembly.Memory
  readonly BASE: WebAssembly.Global<'i32'>
  readonly KEYS: WebAssembly.Global<'i32'>
  readonly KEYS_MAX: WebAssembly.Global<'i32'>
  readonly PLACES: WebAssembly.Global<'i32'>
  readonly DIGESTS: WebAssembly.Global<'i32'>
  readonly JOBS: WebAssembly.Global<'i32'>
  readonly JOBS_MAX: WebAssembly.Global<'i32'>
  readonly MIXERS: WebAssembly.Global<'i32'>
  readonly SCANNED: WebAssembly.Global<'i32'>
  readonly RECORDS: WebAssembly.Global<'i32'>
  readonly STATE: WebAssembly.Global<'i32'>
  reserve(end: number): number
  crc32(ptr: number, size: number, crc: number): number
  sha256(total: number): void
  sha256Begin(): void
  sha256Update(ptr: number, size: number): void
  sha256Digest(): void
  cut(ptr: number, size: number): number
  seal(ptr: number, size: number, tag: number): void
  verify(ptr: number, size: number): number
  scan(ptr: number, end: number, limit: number): number
  tableCreate(seed: bigint): void
  tableCount(): number
  tableEntries(): number
  tableFind(): number
  tableFindMany(total: number): void
  tableAddMany(total: number): number
  tableSet(segment: number, offset: number, size: number): number
  tableDelete(): number
  tableClear(): void
  tablePrepare(total: number): number
  tableReserve(more: number): number
  tableAdopt(total: number): number
}

/** The address of the arena's bytes [at, at + size), once they are known to lie in it; what streams over an arena call. */
export type Address = (at: number, size: number) => number

/** Throws UNSUPPORTED where WebAssembly, its SIMD or DecompressionStream is missing or forbidden. */
export async function compileModule(): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(await moduleBytes())
  } catch (cause) {
    const message =
      'WebAssembly (with SIMD) or DecompressionStream cannot be used here: the browser is too old, or the page has a ' +
      "Content-Security-Policy without 'wasm-unsafe-eval'"
    throw new StoreError('UNSUPPORTED', message, { cause })
  }
}

/** The module's bytes. They are kept deflated: base64 undoes what a server's compression would save. */
export async function moduleBytes(): Promise<Uint8Array<ArrayBuffer>> {
  const deflated = Uint8Array.from(atob(deflatedBase64), (character) => character.charCodeAt(0))
  const inflated = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
  return new Uint8Array(await new Response(inflated).arrayBuffer())
}

export function instantiate(module: WebAssembly.Module): Exports {
  return new WebAssembly.Instance(module).exports as unknown as Exports
}

/** The memory as it is now; growing it replaces the buffer and empties every view of the old one. */
export function bufferOf(exports: Exports): ArrayBuffer {
  return exports.memory.buffer as ArrayBuffer
}
