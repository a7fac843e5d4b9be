/**
 * A source whose bytes come from the page, message by message. A write is answered when the store takes its bytes: that is what keeps a
 * fast source from filling the worker. It has ended when the page says so; it is left when the store wants no more, and what comes
 * then is let go: the store's own answer tells the page. Made by the handlers.
 */

export class Pipe implements AsyncIterable<Uint8Array> {
  readonly #waiting: { bytes: Uint8Array; taken: () => void }[] = []
  #end: { error?: unknown } | undefined
  #isLeft = false
  #wake: () => void = () => undefined

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isLeft) return
    await new Promise<void>((taken) => {
      this.#waiting.push({ bytes, taken })
      this.#wake()
    })
  }

  /** No more bytes come; with an `error`, some are missing. */
  end(end: { error?: unknown } = {}): void {
    this.#end ??= end
    this.#wake()
  }

  leave(): void {
    this.#isLeft = true
    for (const { taken } of this.#waiting.splice(0)) taken()
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (!this.#isLeft) {
      const next = this.#waiting.shift()
      if (next) {
        next.taken()
        yield next.bytes
      } else if (this.#end) {
        if ('error' in this.#end) throw this.#end.error
        return
      } else {
        await new Promise<void>((wake) => {
          this.#wake = wake
        })
      }
    }
  }
}
