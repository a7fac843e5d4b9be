/** Whose memory is whose, in the run of the page's side: what a call was given is its caller's again, and what it gives is nobody else's. */

/** Changes bytes that were given to a call, right after it was made. What was moved is empty. */
export function overwrite(given: unknown): void {
  const buffer = given instanceof Uint8Array ? given.buffer : given
  if (buffer instanceof ArrayBuffer && buffer.byteLength > 0) new Uint8Array(buffer).fill(0xee)
}

/** Keys as 32 bytes each, all in one buffer. */
export function keysInOneBuffer(keys: readonly string[]): Uint8Array<ArrayBuffer>[] {
  const all = new Uint8Array(Buffer.from(keys.join(''), 'hex'))
  return keys.map((_, i) => all.subarray(i * 32, (i + 1) * 32))
}

export class Given {
  readonly #buffers = new WeakSet<ArrayBuffer>()

  /** Throws when somebody else was given a part of the same buffer, or could have been. */
  expectOwn(bytes: Uint8Array<ArrayBuffer> | undefined): void {
    if (bytes === undefined) return
    const { buffer, length } = bytes
    if (buffer.byteLength !== length) throw new Error(`${length} bytes came in a buffer of ${buffer.byteLength}`)
    if (this.#buffers.has(buffer)) throw new Error('two arrays that came share a buffer')
    this.#buffers.add(buffer)
  }
}
