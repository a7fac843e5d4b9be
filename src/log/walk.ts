/**
 * The walk over one segment: good entries in batches, and the gaps between them. Shared by the replay, which decides what is a
 * torn tail, and by check and repair, for which everything that is no entry is damage.
 */

import { MAGIC, MAGIC_BYTES, MAGICS } from '../format/entry.js'
import type { Kernel } from '../kernel/kernel.js'
import { type Gap, Inspector } from './inspect.js'
import { type Batch, SegmentScan } from './reader.js'
import type { SegmentFiles } from './segments.js'

/** `isTail(at)` says whether what stands at `at` may be what a crash left of an unfinished write; the walk then ends there. */
export type IsTail = (at: number) => boolean

export class SegmentWalk {
  readonly #files: SegmentFiles
  readonly #scan: SegmentScan
  readonly #inspector: Inspector

  constructor(files: SegmentFiles, kernel: Kernel) {
    this.#files = files
    this.#scan = new SegmentScan(files, kernel)
    this.#inspector = new Inspector(this.#scan)
  }

  async size(segment: number): Promise<number> {
    return await this.#files.with(segment, (file) => file.size())
  }

  /** How the file begins: as a segment does, as one that a crash left unwritten or torn (zeros), or neither. */
  async beginning(segment: number): Promise<'magic' | 'torn' | 'foreign'> {
    const bytes = await this.#scan.read(segment, 0, MAGIC_BYTES)
    const text = String.fromCharCode(...bytes)
    if (MAGICS.includes(text)) return 'magic'
    return MAGIC.startsWith(text.replace(/\0+$/, '')) ? 'torn' : 'foreign'
  }

  /** True when the file holds another segment, or another store's: what stands there is not what the segment held. */
  async isMisplaced(segment: number, id: Uint8Array): Promise<boolean> {
    return await this.#scan.isMisplaced(segment, id)
  }

  /** Walks from `from` to the end, or to a tail. The last value is the offset where it stopped. */
  async *walk(segment: number, from: number, isTail: IsTail): AsyncGenerator<Batch | Gap, number> {
    let at = from
    for (;;) {
      yield* this.#scan.batches(segment, at)
      const end = this.#scan.end
      if (end.kind === 'end' || isTail(end.at)) return end.at
      const fileBytes = await this.size(segment)
      const gap = await this.#inspector.inspect(segment, end.at, fileBytes)
      yield gap
      if (gap.next >= fileBytes) return fileBytes
      at = gap.next
    }
  }
}
