/**
 * The order of writers. One writes at a time; puts, sets and deletes that wait together become one transaction with one
 * flush (group commit), in the order of their calls. An explicit transaction, a compaction or a check has its turn alone.
 */

import type { Staging } from './staging.js'

/** Of what is done when nobody waits some is done after so many jobs, though somebody always does. */
const JOBS_MAX = 32

/** A write that may share its transaction with others. */
interface Write {
  kind: 'write'
  strict: boolean
  /** Everything that can be refused without writing: reading a Blob, hashing, checks. Starts at once, for all that wait. */
  prepared: Promise<unknown> | undefined
  stage(): Promise<void>
  done(): void
  fail(error: unknown): void
}

interface Turn {
  kind: 'turn'
  run(): Promise<void>
  fail(error: unknown): void
}

export class WriteQueue {
  readonly #staging: Staging
  readonly #afterCommit: () => Promise<void>
  readonly #waiting: (Write | Turn)[] = []
  #running: Promise<void> | undefined

  /** An error that cannot be (a broken invariant) in the queue's own work: nothing is written any more. */
  #failure: { error: unknown } | undefined

  /** `afterCommit` is called, in its own turn, when writes are committed and nobody waits, or many have not. It throws only what cannot be. */
  constructor(staging: Staging, afterCommit: () => Promise<void>) {
    this.#staging = staging
    this.#afterCommit = afterCommit
  }

  /** Queues one write. `prepare` may throw or reject: then nothing is written, and others are not disturbed. */
  write<P, T>(strict: boolean, prepare: () => P | Promise<P>, stage: (prepared: P) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let ready: P | Promise<P>
      try {
        ready = prepare()
      } catch (error) {
        reject(error)
        return
      }
      const waits = ready instanceof Promise
      if (waits) (ready as Promise<P>).catch(() => undefined)
      let result: T
      this.#push({
        kind: 'write',
        strict,
        prepared: waits ? (ready as Promise<P>) : undefined,
        stage: async () => {
          result = await stage(await ready)
        },
        done: () => resolve(result),
        fail: reject,
      })
    })
  }

  /** Has `run` to itself. */
  turn<T>(run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#push({ kind: 'turn', run: () => run().then(resolve, reject), fail: reject })
    })
  }

  /** Has `afterCommit` called once more, as soon as nobody waits. */
  wake(): void {
    this.#push({ kind: 'turn', run: async () => undefined, fail: () => undefined })
  }

  /** Resolves when nothing waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #push(job: Write | Turn): void {
    this.#waiting.push(job)
    // Started in a microtask of its own, so that calls made together are found together.
    this.#running ??= Promise.resolve().then(() => this.#run())
  }

  async #run(): Promise<void> {
    let jobs = 0
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      if (this.#failure) {
        job.fail(this.#failure.error)
        continue
      }
      if (job.kind === 'turn') {
        await job.run()
      } else {
        const group = [job]
        while (this.#waiting[0]?.kind === 'write') group.push(this.#waiting.shift() as Write)
        await this.#commit(group)
      }
      jobs++
      if (this.#waiting.length > 0 && jobs < JOBS_MAX) continue
      jobs = 0
      await this.#afterCommit().catch((error) => {
        this.#failure = { error }
      })
    }
    this.#running = undefined
  }

  async #commit(group: Write[]): Promise<void> {
    const ready: Write[] = []
    for (const write of group) {
      try {
        await write.prepared
        ready.push(write)
      } catch (error) {
        write.fail(error)
      }
    }
    try {
      await this.#staging.transact(
        ready.some((write) => write.strict),
        async () => {
          for (const write of ready) await write.stage()
        },
      )
    } catch (error) {
      if (ready.length === 1) ready[0]?.fail(error)
      // One that does not fit must not take the others with it: a delete is to work on a full disk.
      else for (const write of ready) await this.#commit([write])
      return
    }
    for (const write of ready) write.done()
  }
}
