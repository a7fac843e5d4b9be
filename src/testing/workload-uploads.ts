/**
 * Contents that come in parts, over several steps and reopenings: begun, gone on with, finished, given up, or left as they are. What
 * was kept of one that is not finished shows nowhere but in its next beginning, and is gone after a discard.
 */

import type { Engine } from '../store/engine.js'
import type { Ingest } from '../types.js'
import { equal } from './check.js'
import { type Model, type State, sameValue } from './model.js'
import type { Content, Pool } from './workload-contents.js'
import { type Draws, refused } from './workload-draws.js'

/** Nothing has this key: what is kept of an ingest of it can only be discarded. */
const NO_CONTENT = '0d'.repeat(32)

export class WorkloadUploads {
  readonly #draws: Draws
  /** Those that were left open, by key. */
  readonly #open = new Map<string, Ingest>()

  constructor(draws: Draws) {
    this.#draws = draws
  }

  /** The store has been closed, which keeps what has come. */
  forget(): void {
    this.#open.clear()
  }

  /**
   * Some bytes of some content. `readsMayFail`: then less may be found of one that the store has, what can be read or where an earlier
   * ingest stopped. Answers the ingest, which is complete, and its content, for the caller to finish; or has
   * ended or left it.
   */
  async step(
    engine: Engine,
    state: State,
    readsMayFail: boolean,
  ): Promise<{ ingest: Ingest; content: Content } | undefined> {
    const { random, pool } = this.#draws
    const content = random.pick(random.chance(0.8) ? pool.large : pool.all)
    const { key, bytes } = content
    const held = state.contents.get(key)
    const left = this.#open.get(key)
    if (left) {
      await refused(() => engine.ingest(key, { size: bytes.length }), 'LOCKED', 'a second ingest of a content')
      this.#open.delete(key)
    } else {
      if (held && !sameValue(held, bytes)) return undefined
      // What may be there as a chunk of what a crash cut off may go while it is being taken in.
      if (!held && pool.mayBeChunk(key)) return undefined
      if (!held && random.chance(0.2)) return await this.#misguided(engine, content)
    }
    const ingest = left ?? (await engine.ingest(key, { size: bytes.length }))
    if (!left && held) {
      const isFound = readsMayFail ? ingest.offset <= bytes.length : ingest.offset === bytes.length
      equal(isFound, true, `the offset ${ingest.offset}, of ${bytes.length} bytes that are there`)
    }
    const isComplete = await this.#write(ingest, bytes, random.chance(0.5) ? 3 : Number.POSITIVE_INFINITY)
    if (isComplete) return { ingest, content }
    if (random.chance(0.3)) this.#open.set(key, ingest)
    else if (random.chance(0.2)) await ingest.discard()
    else await ingest[Symbol.asyncDispose]()
    return undefined
  }

  /** One whose size or bytes are not the content's. */
  async #misguided(engine: Engine, { key, bytes }: Content): Promise<undefined> {
    const { random } = this.#draws
    if (random.chance(0.5)) {
      const ingest = await engine.ingest(key, { size: bytes.length + 1 + random.below(100) })
      if (await this.#write(ingest, bytes, 5)) await refused(() => ingest.finish(), 'MISMATCH', 'finishing a part')
      await ingest[Symbol.asyncDispose]()
      return
    }
    const ingest = await engine.ingest(NO_CONTENT, { size: bytes.length })
    await ingest.discard()
    const again = await engine.ingest(NO_CONTENT, { size: bytes.length })
    equal(again.offset, 0, 'the offset after a discard')
    await this.#write(again, bytes, Number.POSITIVE_INFINITY)
    await refused(() => again.finish(), 'MISMATCH', 'finishing with other bytes')
  }

  /** At most so many pieces; true when all bytes are there. A write that fails may be made again, from the offset on. */
  async #write(ingest: Ingest, bytes: Uint8Array, pieces: number): Promise<boolean> {
    const { random } = this.#draws
    try {
      for (let nth = 0; nth < pieces && ingest.offset < bytes.length; nth++) {
        await ingest.write(bytes.subarray(ingest.offset, ingest.offset + 1 + random.below(1200)))
      }
    } catch (error) {
      try {
        if (random.chance(0.5)) await ingest.write(bytes.subarray(ingest.offset, ingest.offset + 1000))
      } finally {
        await ingest[Symbol.asyncDispose]()
      }
      throw error
    }
    return ingest.offset >= bytes.length
  }
}

/**
 * Gives up what is kept of contents that are not complete, and writes: after that, what uploads have left is gone, and the store holds
 * each distinct chunk once and nothing else. `contents` are those that the store has to hold then.
 */
export async function expectNoLeftovers(engine: Engine, pool: Pool, contents: Model): Promise<void> {
  const begun = [...pool.all, ...pool.large].map(({ key, bytes }) => ({ key, size: bytes.length }))
  for (const { key, size } of [...begun, { key: NO_CONTENT, size: 0 }])
    await (await engine.ingest(key, { size })).discard()
  // What is done between commits is done before the second one's turn.
  await engine.flush()
  await engine.flush()
  const { count, bytes } = await engine.stats()
  equal(count, contents.size, 'the count of contents')
  equal(bytes, pool.bytesOf(contents), 'the bytes of all values, when nothing is on its way')
}
