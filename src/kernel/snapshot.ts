/**
 * A table's block of entries as it was at one moment, to be read in order while the table goes on changing. Nothing is copied
 * beforehand: a piece that is about to change before it was read is kept, and the others are read where they stand. So a checkpoint
 * of a million keys does not begin with a copy of them, which would take 20 milliseconds. Made by `Table.snapshot`.
 */

export const ENTRY_SIZE = 44

/** Entries that are kept together: 44 KiB. */
const PIECE_ENTRIES = 1024
const PIECE_SIZE = PIECE_ENTRIES * ENTRY_SIZE

export class Snapshot {
  /** Bytes of the block. */
  readonly size: number
  /** The first bytes of the block as it is in the table now. */
  readonly #live: (size: number) => Uint8Array
  readonly #kept = new Map<number, Uint8Array>()
  /** What stands before this was read and may change. */
  #at = 0

  constructor(size: number, live: (size: number) => Uint8Array) {
    this.size = size
    this.#live = live
  }

  /** The table calls this before the entry of this index changes. */
  keep(index: number): void {
    const piece = Math.floor(index / PIECE_ENTRIES)
    const end = Math.min((piece + 1) * PIECE_SIZE, this.size)
    if (index * ENTRY_SIZE >= this.size || end <= this.#at || this.#kept.has(piece)) return
    this.#kept.set(piece, this.#live(end).slice(piece * PIECE_SIZE))
  }

  /** Copies the next bytes of the block: all of `target` is filled, but for the end. Answers how many there were. */
  read(target: Uint8Array): number {
    const count = Math.min(target.length, this.size - this.#at)
    const live = this.#live(this.#at + count)
    for (let done = 0; done < count; ) {
      const piece = Math.floor(this.#at / PIECE_SIZE)
      const start = piece * PIECE_SIZE
      const end = Math.min(start + PIECE_SIZE, this.#at + count - done)
      const source = this.#kept.get(piece)?.subarray(this.#at - start, end - start) ?? live.subarray(this.#at, end)
      target.set(source, done)
      done += source.length
      this.#at = end
      if (end === start + PIECE_SIZE) this.#kept.delete(piece)
    }
    return count
  }
}
