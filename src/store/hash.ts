/**
 * The key of a content: its SHA-256. Small contents are hashed by the kernel, at once; large ones by the platform, whose
 * `digest` is faster per byte but costs a trip to another thread (85 microseconds in Firefox).
 */

import type { Arena, Kernel } from '../kernel/kernel.js'

/** From this size on the platform's digest is faster, in Firefox and Chromium alike. */
const PLATFORM_BYTES_LEAST = 32 * 1024

export class Hasher {
  readonly #arena: Arena
  // Absent in pages that are not secure; then the kernel hashes everything.
  readonly #subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle

  constructor(kernel: Kernel) {
    this.#arena = kernel.arena(PLATFORM_BYTES_LEAST)
  }

  /** SHA-256 as 32 bytes; a promise only for large contents. */
  sha256(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    if (bytes.length < PLATFORM_BYTES_LEAST || this.#subtle === undefined) return this.sha256Now(bytes)
    return this.#subtle.digest('SHA-256', bytes).then((digest) => new Uint8Array(digest))
  }

  /** The same without waiting, whatever the size. */
  sha256Now(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    this.#arena.reserve(bytes.length)
    this.#arena.view(0, bytes.length).set(bytes)
    return this.#arena.sha256(0, bytes.length)
  }
}
