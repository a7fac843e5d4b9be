/**
 * The end of the log, where entries are appended. They gather in an arena and leave it in few large writes; a segment that
 * has passed its limit is flushed and closed before the next one gets its first byte. Hence the two invariants that
 * recovery leans on: only the last segment can have a torn tail, and bytes cut off by a rollback are off the disk before others
 * take their place (or a crash could mix the two into a transaction that never was).
 *
 * One transaction at a time: `begin`, then `makeRoom` and `append` by turns, then `commit` or `rollback`.
 */

import { assert } from '../errors.js'
import { FORMAT_VERSION } from '../format/config.js'
import {
  COMMIT,
  COMMIT_BYTES,
  ENTRY,
  ENTRY_BYTES_MAX,
  encodeSegmentHeader,
  MAGIC,
  MAGIC_BYTES,
  NO_SEGMENT,
  segmentHeaderKey,
  TAG,
  type Tag,
} from '../format/entry.js'
import type { Arena, Kernel, Location } from '../kernel/kernel.js'
import type { StorageFile } from '../storage/storage.js'
import { type Position, START } from './position.js'
import type { SegmentFiles } from './segments.js'

/** The buffer is written out when it passes this: a write call costs up to 200 microseconds, a mebibyte about 500. */
const BUFFER_BYTES = 1024 * 1024

interface Begun {
  position: Position
  previous: Position
}

export interface WriterOptions {
  segmentBytesMax: number
  segmentsPerDir: number
  id: Uint8Array
  /** The segment in which the log goes on behind damage, if it does. */
  freshSegment: number | undefined
}

export class LogWriter {
  readonly #segments: SegmentFiles
  readonly #options: WriterOptions
  readonly #arena: Arena

  /** The segment being written; undefined before the first entry and after a close. */
  #file: StorageFile | undefined
  #segment: number
  /** Bytes of the segment that are in its file; those buffered follow. */
  #written: number
  #buffered = 0
  /** Written, but not flushed. */
  #dirty = false
  /** Bytes were cut off and the cut is not flushed yet. */
  #cut = false
  /** End of the segment before this one. */
  #previous: Position
  /** The next segment's file, made while this one fills. */
  #ahead: { segment: number; file: Promise<StorageFile> } | undefined
  /** Where the open transaction began: it is undone up to there. */
  #begun: Begun | undefined
  /** Ends of the segments that the open transaction filled. */
  readonly #finished: Position[] = []
  #transaction: number
  /** An undoing that failed; nothing is written before it succeeds. */
  #unfinished: Begun | undefined

  /** `end` is the end of the last committed transaction, `previous` that of the segment before; `transaction` counts what is committed. */
  constructor(
    segments: SegmentFiles,
    kernel: Kernel,
    options: WriterOptions,
    end: Position,
    previous: Position,
    transaction: number,
  ) {
    this.#segments = segments
    this.#options = options
    this.#arena = kernel.arena(2 * BUFFER_BYTES)
    this.#segment = end.segment
    this.#written = end.offset
    this.#previous = previous
    this.#transaction = transaction
  }

  /** Where the next entry will stand, unless a new segment begins first. */
  get position(): Position {
    // An undoing that failed halfway is finished before anything else; what it leaves counts.
    if (this.#unfinished) return this.#unfinished.position
    return { segment: this.#segment, offset: this.#written + this.#buffered }
  }

  /**
   * Where the last committed transaction ends: `position`, unless that is the start of a segment, which may never get a byte. Should the log
   * then go on in the one before it, what stands there would lie in front of such a mark.
   */
  get end(): Position {
    if (this.position.offset > 0) return this.position
    const { segment, offset } = this.#unfinished?.previous ?? this.#previous
    return segment === NO_SEGMENT ? START : { segment, offset }
  }

  /** The first segment whose file may still change. Those before it are as they will be until they are removed: none is ever written to again. */
  get firstOpen(): number {
    return (this.#unfinished ?? this.#begun)?.position.segment ?? this.#segment
  }

  get transaction(): number {
    return this.#transaction
  }

  /** True when everything committed is flushed. */
  get flushed(): boolean {
    return !this.#dirty && this.#unfinished === undefined
  }

  /** Starts a transaction: finishes an undoing that failed before. */
  async begin(): Promise<void> {
    assert(this.#begun === undefined && this.#buffered === 0, 'one transaction writes at a time')
    if (this.#unfinished) await this.#undo(this.#unfinished)
    if (this.#isGivenUp) await this.#reopen()
    this.#begun = { position: this.position, previous: this.#previous }
    this.#finished.length = 0
  }

  /** Has to be called before each `append`: opens a file, closes a full segment. Waits only when there is something to do. */
  makeRoom(): Promise<void> | undefined {
    if (this.#file !== undefined && !this.#cut && !this.#full) return undefined
    return this.#prepare()
  }

  /** Appends one entry and says where it stands. The value is copied. */
  append(tag: typeof TAG.put | typeof TAG.delete, key: Uint8Array, value?: Uint8Array): Location {
    assert(this.#begun !== undefined && this.#file !== undefined, 'entries are appended in a transaction with room')
    const size = ENTRY.putHeaderBytes + (value?.length ?? 0)
    assert(size <= ENTRY_BYTES_MAX, 'an entry is at most 20 MiB')
    return this.#place(tag, size, key, value)
  }

  /**
   * Closes the transaction with a COMMIT and hands all of it to the system; with `strict`, flushes it.
   * Answers how far the log now reaches in each segment that the transaction touched.
   */
  async commit(strict: boolean): Promise<Position[]> {
    assert(this.#begun !== undefined && this.#file !== undefined, 'a commit ends a transaction that wrote')
    const at = this.#take(COMMIT_BYTES)
    this.#arena.view(at, COMMIT_BYTES).set(COMMIT)
    this.#writeOut()
    if (strict) await this.flush()
    this.#begun = undefined
    this.#transaction++
    return [...this.#finished.splice(0), this.position]
  }

  /** Undoes the open transaction. It never fails: what could not be undone now is undone before the next one begins. */
  async rollback(): Promise<void> {
    assert(this.#begun !== undefined, 'only an open transaction is undone')
    const begun = this.#begun
    this.#begun = undefined
    try {
      await this.#undo(begun)
    } catch {
      // `#undo` has left its mark: the next transaction tries again, and fails with this error if it lasts.
    }
  }

  /** Closes the segment being written, which is flushed, before its time, so that it can be compacted or checkpointed as a whole. */
  async roll(): Promise<void> {
    assert(this.#begun === undefined && this.flushed, 'a segment is closed between transactions, and flushed before')
    if (this.#written > 0) await this.#finishSegment()
  }

  /** Makes durable what is committed. What failed and could not be undone yet is undone first, or it would last as well. */
  async flush(): Promise<void> {
    if (this.#unfinished) await this.#undo(this.#unfinished)
    if (!this.#dirty) return
    if (this.#isGivenUp) await this.#reopen()
    assert(this.#file !== undefined, 'what is dirty is open')
    await this.#file.flush()
    this.#dirty = false
    this.#cut = false
  }

  /** True when the entry is (partly) still in the buffer and not in the file. */
  holds(location: Location): boolean {
    return location.segment === this.#segment && location.offset >= this.#written
  }

  /** The arena and the offset in it of an entry that `holds` said is here. */
  buffered(location: Location): { arena: Arena; at: number } {
    return { arena: this.#arena, at: location.offset - this.#written }
  }

  /** Frees what was opened ahead and not used; all is flushed. The caller closes the segments' handles. */
  async close(): Promise<void> {
    assert(this.#begun === undefined && this.flushed, 'no transaction is open at the end, and all is flushed')
    await this.#dropAhead()
    this.#release()
  }

  get #full(): boolean {
    return this.#written + this.#buffered > this.#options.segmentBytesMax
  }

  /** True when the system refused the handle: the file has to be opened anew. What is dirty stays so. */
  get #isGivenUp(): boolean {
    return this.#file !== undefined && this.#segments.peek(this.#segment) !== this.#file
  }

  async #prepare(): Promise<void> {
    if (this.#file === undefined && this.#written > 0) await this.#reopen()
    if (this.#cut) await this.flush()
    if (this.#full) await this.#finishSegment()
    if (this.#file === undefined) await this.#startSegment()
  }

  /** Everything before the next segment's first byte is durable: see the invariants above. */
  async #finishSegment(): Promise<void> {
    this.#writeOut()
    await this.flush()
    this.#previous = this.position
    this.#finished.push(this.position)
    this.#release()
    this.#segment++
    this.#written = 0
  }

  async #startSegment(): Promise<void> {
    const ahead = this.#ahead
    this.#ahead = undefined
    // A failure of the opening ahead is met again, and reported, by the opening that is needed.
    await ahead?.file.catch(() => undefined)
    this.#use(await this.#segments.create(this.#segment))
    this.#arena.view(this.#take(MAGIC_BYTES), MAGIC_BYTES).set(new TextEncoder().encode(MAGIC))
    const value = encodeSegmentHeader({
      segment: this.#segment,
      previous: this.#previous.segment,
      previousEnd: this.#previous.offset,
      segmentsPerDir: this.#options.segmentsPerDir,
      segmentBytesMax: this.#options.segmentBytesMax,
      version: FORMAT_VERSION,
      isFresh: this.#segment === this.#options.freshSegment,
      tellsChosenKeys: true,
      transaction: this.#transaction,
      id: this.#options.id,
    })
    this.#place(TAG.put, ENTRY.putHeaderBytes + value.length, segmentHeaderKey(this.#segment), value)
  }

  async #reopen(): Promise<void> {
    await this.#segments.with(this.#segment, (file) => this.#use(file))
  }

  #use(file: StorageFile): void {
    this.#file = file
    this.#segments.pin(this.#segment)
  }

  #release(): void {
    this.#segments.pin(undefined)
    this.#file = undefined
    this.#dirty = false
    this.#cut = false
  }

  #place(tag: Tag, size: number, key: Uint8Array, value: Uint8Array | undefined): Location {
    const at = this.#take(size)
    const entry = this.#arena.view(at, size)
    entry.set(key, ENTRY.key)
    if (value) entry.set(value, ENTRY.putHeaderBytes)
    this.#arena.seal(at, size, tag)
    const location = { segment: this.#segment, offset: this.#written + at, size }
    if (location.offset > this.#options.segmentBytesMax / 2) this.#openAhead()
    return location
  }

  /** Room for `size` bytes in the buffer, which is written out first when it is full. */
  #take(size: number): number {
    if (this.#buffered > 0 && this.#buffered + size > BUFFER_BYTES) this.#writeOut()
    this.#arena.reserve(this.#buffered + size)
    const at = this.#buffered
    this.#buffered += size
    return at
  }

  #writeOut(): void {
    if (this.#buffered === 0) return
    assert(this.#file !== undefined, 'what is buffered has a file')
    this.#dirty = true
    this.#file.write(this.#arena.view(0, this.#buffered), this.#written)
    this.#written += this.#buffered
    this.#buffered = 0
  }

  #openAhead(): void {
    if (this.#ahead) return
    const segment = this.#segment + 1
    const file = this.#segments.create(segment)
    file.catch(() => undefined)
    this.#ahead = { segment, file }
  }

  async #dropAhead(): Promise<void> {
    const ahead = this.#ahead
    if (ahead === undefined) return
    this.#ahead = undefined
    try {
      await ahead.file
    } catch {
      // It was never made; remove() below clears what little may be there.
    }
    await this.#segments.remove(ahead.segment)
  }

  async #undo(begun: Begun): Promise<void> {
    this.#unfinished = begun
    this.#buffered = 0
    const { segment, offset } = begun.position
    if (this.#segment !== segment) {
      await this.#dropAhead()
      this.#release()
      for (; this.#segment > segment; this.#segment--) await this.#segments.discard(this.#segment)
      this.#previous = begun.previous
    }
    this.#written = offset
    if (offset > 0 && (this.#file === undefined || this.#isGivenUp)) await this.#reopen()
    if (offset === 0) {
      this.#release()
      await this.#segments.discard(segment)
    } else if (this.#file !== undefined && this.#file.size() > offset) {
      // Before the cut: a call that fails may have cut all the same, and nothing would be left to see of it the second time.
      this.#dirty = true
      this.#cut = true
      this.#file.truncate(offset)
    }
    this.#unfinished = undefined
  }
}
