/**
 * Sources that are watched: what they were asked, whether they came to an end of their own, and whether they were told of the end that
 * somebody else made. Each ends, throws, or sticks until its gate opens, which may be never. Used by the run of
 * the page's side.
 */

export type Behaviour = 'ends' | 'throws' | 'sticks'

/** One turn of the event loop: every message that has been posted is taken before it is over. */
export const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

export class Watched<T> {
  /** What it throws when it throws. */
  readonly error = new Error('the source failed')
  readonly behaviour: Behaviour
  readonly #values: readonly T[]
  readonly #gate: Promise<void>
  /** Turns that each value takes; none when it is there at once. */
  readonly #pause: number
  #given = 0
  #isBegun = false
  #isOver = false
  #isTold = false
  /** Asked for more though it had been told, or told twice. */
  fault: string | undefined

  constructor(values: readonly T[], behaviour: Behaviour, gate: Promise<void>, pause: number) {
    this.#values = values
    this.behaviour = behaviour
    this.#gate = gate
    this.#pause = pause
  }

  get given(): number {
    return this.#given
  }

  /** It gave all that it had, or threw: nobody has to tell it anything. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Somebody took it, it has not ended, and nobody has told it that no more is wanted. */
  get isForgotten(): boolean {
    return this.#isBegun && !this.#isOver && !this.#isTold
  }

  iterable(): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        this.#isBegun = true
        return {
          next: () => this.#step(),
          return: async () => {
            this.#tell()
            return { done: true, value: undefined }
          },
        }
      },
    }
  }

  /** Cannot stick: the task would. */
  synchronous(): Iterable<T> {
    return {
      [Symbol.iterator]: () => {
        this.#isBegun = true
        return {
          next: () => this.#next(),
          return: () => {
            this.#tell()
            return { done: true, value: undefined }
          },
        }
      },
    }
  }

  /** Gives nothing before it is asked. */
  stream(type?: 'bytes'): ReadableStream<T> {
    const source = {
      type,
      pull: async (controller: ReadableStreamDefaultController<T> & Partial<ReadableByteStreamController>) => {
        this.#isBegun = true
        const { done, value } = await this.#step()
        if (this.#isTold) return
        if (!done) {
          controller.enqueue(value as T & ArrayBufferView<ArrayBuffer>)
          return
        }
        controller.close()
        controller.byobRequest?.respond(0)
      },
      cancel: () => this.#tell(),
    }
    return new ReadableStream(source as UnderlyingDefaultSource<T>, { highWaterMark: 0 })
  }

  async #step(): Promise<IteratorResult<T>> {
    if (this.#isTold) this.fault ??= 'was asked for more after it was told'
    await turns(this.#pause)
    const isStuck = this.behaviour === 'sticks' && this.#given === this.#values.length
    if (isStuck) await this.#gate
    return this.#next()
  }

  #next(): IteratorResult<T> {
    if (this.#given < this.#values.length) return { done: false, value: this.#values[this.#given++] as T }
    this.#isOver = true
    if (this.behaviour === 'throws') throw this.error
    return { done: true, value: undefined }
  }

  #tell(): void {
    if (this.#isTold) this.fault ??= 'was told twice'
    this.#isTold = true
  }
}
