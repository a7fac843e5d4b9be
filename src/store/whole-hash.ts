/** The SHA-256 of a whole content, whose bytes come piece by piece; it can go on from the state that earlier pieces have left. */

import type { Arena, Kernel, Sha256Stream } from '../kernel/kernel.js'

const PIECE_BYTES = 256 * 1024

export class WholeHash {
  readonly #arena: Arena
  readonly #stream: Sha256Stream

  constructor(kernel: Kernel, state?: Uint8Array) {
    this.#arena = kernel.arena(PIECE_BYTES)
    this.#stream = this.#arena.sha256Stream()
    if (state) this.#stream.restore(state)
  }

  /** Takes the next bytes, which may change once it returns. */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      this.#arena.view(0, piece.length).set(piece)
      this.#stream.update(0, piece.length)
    }
  }

  /** Of all bytes taken so far, in the layout of `SHA256_STATE`. */
  state(): Uint8Array<ArrayBuffer> {
    return this.#stream.save()
  }

  digest(): Uint8Array<ArrayBuffer> {
    return this.#stream.digest()
  }
}
