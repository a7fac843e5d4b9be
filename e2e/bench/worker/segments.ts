/**
 * What the size of a segment costs: the same values written into segments of each size, the store opened, a first value read of every segment (its
 * file has to be opened for that), and the space of three values of five given back between puts. One store at a time; its
 * calls come in the order of SEGMENTS_CALLS.
 */
import { type Engine, type Key, openEngine, opfsStorage } from 'lodestore/engine'
import { fillRandom, randomNumbers } from '../shared/data.js'
import { emptyDirectory, removeDirectory } from '../shared/directory.js'
import { SEGMENTS, type SegmentsCall } from '../shared/keeper.js'

const DIRECTORY = 'segments'
const MIB = 1024 * 1024
const TOGETHER_BYTES = 16 * MIB

export class SegmentsBench {
  #directory: FileSystemDirectoryHandle | undefined
  #engine: Engine | undefined
  #keys: Key[] = []
  #longestWait = 0

  /** Milliseconds; for `read`, those of one. `bytes` are those of all values, `mebibytes` of a segment. */
  async run(call: SegmentsCall, mebibytes: number, bytes: number): Promise<number> {
    switch (call) {
      case 'write':
        return this.#write(mebibytes * MIB, bytes)
      case 'open': {
        await this.#engine?.close()
        return timed(() => this.#open())
      }
      case 'read':
        return this.#readFirsts(mebibytes * MIB)
      case 'compact':
        return this.#compact()
      case 'wait': {
        await this.#engine?.close()
        await removeDirectory(DIRECTORY)
        return this.#longestWait
      }
    }
  }

  async #write(maxSegmentSize: number, bytes: number): Promise<number> {
    this.#directory = await emptyDirectory(DIRECTORY)
    const engine = await this.#open(maxSegmentSize)
    this.#keys = []
    const next = randomNumbers(maxSegmentSize)
    let milliseconds = 0
    for (let done = 0; done < bytes; done += TOGETHER_BYTES) {
      const values = randomValues(Math.min(TOGETHER_BYTES, bytes - done) / SEGMENTS.valueBytes, next)
      milliseconds += await timed(async () => {
        this.#keys.push(...(await engine.putMany(values)))
      })
    }
    return milliseconds
  }

  /** The first value of each segment, that nobody has read from since the store was opened. */
  async #readFirsts(segmentBytes: number): Promise<number> {
    const step = Math.max(1, Math.floor(segmentBytes / SEGMENTS.valueBytes))
    const firsts = this.#keys.filter((_, index) => index % step === 0)
    const milliseconds = await timed(async () => {
      for (const key of firsts) await this.#present.get(key)
    })
    return milliseconds / firsts.length
  }

  /** By itself, a step after each commit: puts one by one until no step makes the log shorter. */
  async #compact(): Promise<number> {
    const engine = this.#present
    await engine.deleteMany(this.#keys.filter((_, index) => index % 5 < 3))
    this.#longestWait = 0
    let milliseconds = 0
    for (let bytes = Number.POSITIVE_INFINITY, number = 0; ; number++) {
      const wait = await timed(() => engine.put(`${number}`, { durability: 'relaxed' }))
      milliseconds += wait
      this.#longestWait = Math.max(this.#longestWait, wait)
      const { logBytes } = await engine.stats()
      if (number > 1 && logBytes >= bytes) return milliseconds
      bytes = logBytes
    }
  }

  get #present(): Engine {
    if (this.#engine === undefined) throw new Error('nothing was written')
    return this.#engine
  }

  async #open(maxSegmentSize?: number): Promise<Engine> {
    if (this.#directory === undefined) throw new Error('nothing was written')
    this.#engine = await openEngine(
      opfsStorage(this.#directory),
      maxSegmentSize === undefined ? {} : { maxSegmentSize },
    )
    return this.#engine
  }
}

function randomValues(count: number, next: () => number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const value = new Uint8Array(SEGMENTS.valueBytes)
    fillRandom(value, next)
    return value
  })
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await run()
  return performance.now() - begin
}
