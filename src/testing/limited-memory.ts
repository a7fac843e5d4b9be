/** An instance of the kernel whose memory ends soon, for tests of what happens then. */

import { assert } from '../errors.js'
import { type Exports, instantiate, moduleBytes } from '../kernel/instance.js'

const wasm = await moduleBytes()

/** The module with at most `pages` of memory: its memory section gets a maximum. */
export function limitedMemory(pages: number): Exports {
  let at = 8
  while (wasm[at] !== 5) at += 2 + sizeAt(at)
  const initial = wasm[at + 4] ?? 0
  assert(wasm[at + 1] === 3 && wasm[at + 2] === 1 && wasm[at + 3] === 0, 'the module has one memory, without a maximum')
  const section = [5, 4, 1, 1, initial, pages]
  const bytes = Uint8Array.from([...wasm.subarray(0, at), ...section, ...wasm.subarray(at + 5)])
  return instantiate(new WebAssembly.Module(bytes))
}

/** Bytes after the first two of the section at `at`; its size is a LEB128 of one or two bytes. */
function sizeAt(at: number): number {
  const low = wasm[at + 1] ?? 0
  return low < 128 ? low : (low & 127) + (wasm[at + 2] ?? 0) * 128 + 1
}
