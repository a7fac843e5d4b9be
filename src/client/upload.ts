/**
 * `putMany`, from the page. What fits in one piece is one call. More goes in pieces through one transaction, with a bounded
 * number of bytes on their way, so that neither side has to hold it all. Values are packed as they come: a source may
 * use one buffer for all of them. Used by the store.
 */

import { isStoreError, throwIfAborted } from '../errors.js'
import { checkMany, pull } from '../flow.js'
import type { Result, WireData } from '../protocol/messages.js'
import type { Data, Key, PutOptions } from '../types.js'
import type { Connection, Take } from './connection.js'
import { packData } from './data.js'
import { Slab } from './slab.js'

/** A synchronous source is sent in pieces of at most this many bytes, a value of more in one of its own. */
const PIECE_BYTES = 4 * 1024 * 1024
/** Of what needs several the first is smaller, each other twice the one before: so the worker has something to do early, and gets few messages. */
const FIRST_BYTES = PIECE_BYTES / 4
/** Sent and not answered yet, while another piece is filled. */
const WAY_BYTES_MAX = 2 * PIECE_BYTES
/** What a value counts for beside its bytes, so that a million empty ones are not one piece. */
const VALUE_BYTES = 256

export async function upload(
  connection: Connection,
  source: Iterable<Data> | AsyncIterable<Data>,
  { durability, transfer, signal }: PutOptions,
): Promise<Key[]> {
  checkMany(source)
  const pieces: Promise<Key[]>[] = []
  let tx: number | undefined
  let piece: WireData[] = []
  let pieceBytes = 0
  let pieceBytesMax = needsPieces(source) ? FIRST_BYTES : PIECE_BYTES
  /** What the piece is in, and what was given back. */
  let slab: Slab | undefined
  const spare: Uint8Array<ArrayBuffer>[] = []
  let wayBytes = 0
  let met = 0
  /** Pending until the store gives it its turn, which may be never. */
  let begun: Promise<undefined> | undefined
  /** Fires with the first error that the store met: a source may give nothing more. */
  const failed = new AbortController()
  const fail = (error: unknown) => failed.abort({ error })

  function add(value: Data): void {
    throwIfAborted(signal)
    pieceBytes += weightOf(value)
    piece.push(packData(slab ?? connection.bytes, value, transfer))
  }

  /** Sends the piece, in the tick in which its last value was packed; then waits until there is room for another. */
  async function send(): Promise<void> {
    if (tx === undefined) {
      tx = connection.drawId()
      begun = connection.call('begin', { tx, durability }, { signal })
      // Met below or at the end, as those of the pieces; until then it must not count as unhandled.
      begun.catch(fail)
    }
    const bytes = pieceBytes
    const fields = { data: piece, tx, slab: slab?.whole }
    const keys = connection.call('putMany', fields, { read }).finally(() => {
      wayBytes -= bytes
    })
    keys.catch(fail)
    pieces.push(keys)
    piece = []
    pieceBytes = 0
    pieceBytesMax = Math.min(2 * pieceBytesMax, PIECE_BYTES)
    slab = undefined
    wayBytes += bytes
    while (wayBytes > WAY_BYTES_MAX) {
      await begun
      await pieces[met++]
    }
    // A source may have no end: it is not to be taken on for nothing.
    failed.signal.throwIfAborted()
  }

  function read(result: Result<'putMany'>, take: Take): Key[] {
    const memory = take(result.slab)
    if (memory) spare.push(memory)
    return result.keys
  }

  try {
    if (Symbol.iterator in source) {
      for (const value of source) {
        const weight = weightOf(value)
        if (piece.length > 0 && pieceBytes + weight > pieceBytesMax) await send()
        // Not for the first piece, which may be all there is.
        if (tx !== undefined && !transfer && weight <= PIECE_BYTES) {
          slab ??= new Slab(connection.bytes, spare.pop() ?? new Uint8Array(PIECE_BYTES))
        }
        add(value)
      }
      if (tx === undefined) return await connection.call('putMany', { data: piece, durability }, { read, signal })
      if (piece.length > 0) await send()
    } else {
      for await (const value of pull(source[Symbol.asyncIterator](), [signal, connection.ended, failed.signal])) {
        add(value)
        await send()
      }
      if (tx === undefined) return []
    }
    await begun
    const keys = await Promise.all(pieces)
    throwIfAborted(signal)
    await connection.call('commit', { tx })
    return keys.flat()
  } catch (error) {
    // The first error is what counts.
    fail(error)
    // Not waited for: it may never get its turn. One that cannot be rolled back is gone already.
    if (tx !== undefined) connection.call('rollback', { tx }).catch(() => {})
    const { error: first } = failed.signal.reason
    throw isEndOf(connection, first) ? connection.ended.reason : first
  }
}

/** True for what comes of the end of the connection: the transaction has ended with it, or the waiting for the source. */
function isEndOf({ ended }: Connection, error: unknown): boolean {
  return ended.aborted && (isStoreError(error, 'TX_CLOSED') || (error as Error | undefined)?.cause === ended.reason)
}

/** True for a list that does not fit in one piece. Of another source that is known when it has given as much. */
function needsPieces(source: unknown): boolean {
  return Array.isArray(source) && source.reduce((bytes, value) => bytes + weightOf(value), 0) > PIECE_BYTES
}

/** What a value counts for. Near enough: a string is counted by its UTF-16 units. What is no data at all is refused when it is packed. */
function weightOf(value: unknown): number {
  const { size, byteLength, length } = Object(value)
  return VALUE_BYTES + (size ?? byteLength ?? length ?? 0)
}
