/**
 * What is done after each commit, before the next one has its turn: what uploads left behind goes, segments that are mostly dead are
 * rewritten, a checkpoint goes on by a slice, and the reserve is filled. Called by the engine's queue alone.
 */

import { compactSegments, dueSegments } from './compaction.js'
import type { Context } from './context.js'
import { checkpointStep, unlessFailed } from './maintenance.js'
import type { Staging } from './staging.js'
import type { Uploads } from './uploads.js'

export class Upkeep {
  readonly #context: Context
  readonly #staging: Staging
  readonly #uploads: Uploads
  readonly #wake: () => void
  /** After a compaction that failed: bytes of the log from which on the next is tried. */
  #compactFrom = 0
  /** A slice of a checkpoint was written, and the next one is not due yet. */
  #isPausing = false

  /** `wake` asks for a step when no commit brings one. */
  constructor(context: Context, staging: Staging, uploads: Uploads, wake: () => void) {
    this.#context = context
    this.#staging = staging
    this.#uploads = uploads
    this.#wake = wake
  }

  /** What fails here is not lost, and keeps nothing else from being done: it is due again after a later commit, and `compact` and `close` report it. */
  async step(): Promise<void> {
    const context = this.#context
    await this.#uploads.sweep().catch(unlessFailed)
    await this.#compact()
    if (!this.#isPausing) await checkpointStep(context).catch(unlessFailed)
    // One that failed is no longer under way: nothing is tried again and again while nobody writes.
    if (context.saving && !this.#isPausing) this.#pause()
    await context.reserve.fill().catch(unlessFailed)
  }

  /** Each try costs a copy: after one that failed the next waits until the log has grown by a segment. */
  async #compact(): Promise<void> {
    const { state, config } = this.#context
    const { bytes } = state.totals()
    if (bytes < this.#compactFrom) return
    const due = dueSegments(this.#context)
    if (due.length === 0) return
    try {
      await compactSegments(this.#context, this.#staging, due, false)
    } catch (error) {
      unlessFailed(error)
      this.#compactFrom = bytes + config.segmentBytesMax
    }
  }

  /** Between two slices of a checkpoint whoever waits goes first; then the next one is due, also when nothing else is done. */
  #pause(): void {
    this.#isPausing = true
    void this.#context.pause().then(() => {
      this.#isPausing = false
      this.#wake()
    })
  }
}
