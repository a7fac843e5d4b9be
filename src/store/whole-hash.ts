/**
 * The SHA-256 of a whole content, whose bytes come piece by piece: the one step of an upload that can neither be divided nor given to the platform. So
 * that of a large content may go on in another thread, where there is one, from the state that the first bytes have left.
 */

import { type Arena, createKernel, type Kernel, type Sha256Stream } from '../kernel/kernel.js'

/** The states and the digest are of all bytes taken before the call. */
export interface WholeHash {
  /** Takes the next bytes, which may change once it returns. A promise when too many are on their way: it resolves when more may come. */
  update(bytes: Uint8Array): Promise<void> | undefined
  /** In the layout of `SHA256_STATE`. */
  state(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>
  digest(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>
  /** Nothing more comes, and nobody waits for anything. */
  end(): void
}

/** Goes on from a state in another thread. Undefined when there is none. */
export type HashThread = (state: Uint8Array) => Promise<WholeHash | undefined>

const PIECE_BYTES = 256 * 1024

/** For a thread that does nothing else, and so has no kernel yet. */
export async function createLocalHash(state: Uint8Array): Promise<WholeHash> {
  return new LocalHash(await createKernel(), state)
}

/** In this thread. */
export class LocalHash implements WholeHash {
  readonly #arena: Arena
  readonly #stream: Sha256Stream

  constructor(kernel: Kernel, state?: Uint8Array) {
    this.#arena = kernel.arena(PIECE_BYTES)
    this.#stream = this.#arena.sha256Stream()
    if (state) this.#stream.restore(state)
  }

  update(bytes: Uint8Array): undefined {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      this.#arena.view(0, piece.length).set(piece)
      this.#stream.update(0, piece.length)
    }
  }

  state(): Uint8Array<ArrayBuffer> {
    return this.#stream.save()
  }

  digest(): Uint8Array<ArrayBuffer> {
    return this.#stream.digest()
  }

  end(): void {}
}
