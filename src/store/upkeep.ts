/**
 * What is done after each commit, before the next one has its turn: what uploads left behind goes, segments that are mostly dead are
 * rewritten, a checkpoint goes on by a slice, and the reserve is filled. Called by the engine's queue alone.
 */

import { isStoreError } from '../errors.js'
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
  /** After a compaction that found no room: bytes of the log from which on the next is tried. */
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

  /** What fails here is not lost: it is due again after a later commit, and `compact` and `close` report it. */
  async step(): Promise<void> {
    const context = this.#context
    const { bytes } = context.state.totals()
    try {
      await this.#uploads.sweep()
      const due = bytes < this.#compactFrom ? [] : dueSegments(context)
      if (due.length > 0) await compactSegments(context, this.#staging, due, false)
      if (!this.#isPausing) await checkpointStep(context)
    } catch (error) {
      // No room on the disk, or no memory. Each try costs a copy, so the next one waits until the log has grown by a segment.
      if (!isStoreError(error) && !(error instanceof RangeError)) throw error
      this.#compactFrom = bytes + context.config.segmentBytesMax
    }
    if (context.saving && !this.#isPausing) this.#pause()
    await context.reserve.fill().catch(unlessFailed)
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
