/** Bytes for tests: random in look, the same in every run. */

import { createCipheriv } from 'node:crypto'

/** `size` bytes that depend on `seed` alone. */
export function noise(size: number, seed = 0): Uint8Array<ArrayBuffer> {
  const key = Buffer.alloc(16)
  key.writeUInt32LE(seed >>> 0)
  return new Uint8Array(createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size)))
}
