/**
 * Reading committed (or staged) values: from a place in the index to checked bytes. Between finding the place and reading it nothing
 * waits, so a compaction cannot take the segment away in between; where a handle must be opened first, the place is found anew.
 */

import { copyOf } from '../copy.js'
import { assert, isStoreError, StoreError } from '../errors.js'
import { KEY_BYTES, keyHex, RESERVED, reservedKind, sameKey } from '../format/key.js'
import type { Location } from '../kernel/kernel.js'
import { isBefore } from '../log/position.js'
import { corrupt, type Take, type Wanted } from '../log/reader.js'
import { samePlace } from '../log/state.js'
import type { Context } from './context.js'
import type { Hasher } from './hash.js'

/** The value at the place that `find` gives, or undefined when it gives none. Throws CORRUPT. */
export async function readValue(
  context: Context,
  key: Uint8Array,
  find: () => Location | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return await takeValue(context, key, find, copyOf)
}

/** The value under a key, as committed; undefined when there is none. Throws CORRUPT. */
export async function readCommitted(context: Context, key: Uint8Array): Promise<Uint8Array<ArrayBuffer> | undefined> {
  return await readValue(context, key, () => context.state.keys.find(key))
}

/** The value that stands there. Throws CORRUPT. */
export async function readAt(context: Context, key: Uint8Array, location: Location): Promise<Uint8Array<ArrayBuffer>> {
  const value = await readValue(context, key, () => location)
  assert(value !== undefined, 'a place that is given is always looked at')
  return value
}

/**
 * What `take` makes of that value, all of which is checked before: so of a large one no more is copied than somebody asked for. A promise only where a
 * handle has to be opened first: for one small value each turn of the microtask queue counts.
 */
export function takeValue<T>(
  context: Context,
  key: Uint8Array,
  find: () => Location | undefined,
  take: Take<T>,
  isRetry = false,
): T | undefined | Promise<T | undefined> {
  const { reader, writer } = context
  const location = find()
  if (location === undefined) return undefined
  let wasRefused = isRetry
  if (reader.ready(location, writer)) {
    try {
      return reader.value(location, key, writer, (value) => take(believed(context, location, key, 0, value)))
    } catch (error) {
      // No longer ready: the system refused the handle. A new one may do.
      if (isRetry || reader.ready(location, writer)) throw noted(context, key, 0, error)
      wasRefused = true
    }
  }
  const again = () => takeValue(context, key, find, take, wasRefused)
  return reader.open(location.segment).then(again, (error) => {
    const now = find()
    if (now === undefined || !samePlace(now, location)) return again()
    throw missing(context, location, key, error)
  })
}

/** The values of many keys, in their order; 32 bytes each in `keys`. Read sorted by place, neighbours in one call, and copied by `copy`. */
export async function readValues(
  context: Context,
  keys: Uint8Array,
  copy: Take<Uint8Array<ArrayBuffer>> = copyOf,
): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
  const { reader, writer } = context
  const wanted = inLogOrder(context, keys)
  const values: (Uint8Array<ArrayBuffer> | undefined)[] = new Array(keys.length / KEY_BYTES).fill(undefined)
  /** Opens the segment for its neighbours too, or finds where the key is by now. */
  const readAlone = async ({ keyAt, index }: Wanted) => {
    const key = keys.subarray(keyAt, keyAt + KEY_BYTES)
    values[index] = await takeValue(context, key, () => context.state.keys.find(key), copy)
  }
  for (let next = 0; next < wanted.length; ) {
    const first = wanted[next] as Wanted
    if (!reader.ready(first.location, writer)) {
      await readAlone(first)
      next++
      continue
    }
    const refused: Wanted[] = []
    next = reader.values(wanted, next, (entry, value) => {
      const { location, keyAt, index } = entry
      try {
        if (value instanceof StoreError) throw value
        values[index] = copy(believed(context, location, keys, keyAt, value))
      } catch (error) {
        if (reader.ready(location, writer)) throw noted(context, keys, keyAt, error)
        refused.push(entry)
      }
    })
    for (const entry of refused) await readAlone(entry)
  }
  return values
}

/** Those of the keys that are in the index, sorted by their places. */
function inLogOrder({ state }: Context, keys: Uint8Array): Wanted[] {
  const places = new Uint32Array((keys.length / KEY_BYTES) * 3)
  state.keys.findMany(keys, places)
  const found: number[] = []
  for (let i = 0; i * 3 < places.length; i++) if (places[i * 3 + 2] !== 0) found.push(i)
  const number = (at: number) => places[at] as number
  found.sort((a, b) => number(a * 3) - number(b * 3) || number(a * 3 + 1) - number(b * 3 + 1))
  return found.map((index) => {
    const at = index * 3
    const location = { segment: number(at), offset: number(at + 1), size: number(at + 2) }
    return { location, key: keys, keyAt: index * KEY_BYTES, index }
  })
}

/**
 * In front of `context.doubt`, where a newer value may be among what is damaged, only that is believed which proves itself; and in a file that holds
 * another segment.
 */
function believed(
  { doubt, hasher, reader }: Context,
  location: Location,
  key: Uint8Array,
  keyAt: number,
  value: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const isMisplaced = reader.isMisplaced(location.segment)
  if (!(isMisplaced || isBefore(location, doubt)) || provesItself(hasher, key, keyAt, value)) return value
  const why = isMisplaced
    ? 'the file holds another segment'
    : 'a newer value of this key may be among what is damaged behind it'
  throw corrupt(why, location, key, keyAt)
}

/** What `read` gives; undefined when that is damaged. A value that could only not be read is thrown: it may be whole, and what it holds is held. */
export async function unlessDamaged<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (!isDamage(error)) throw error
    return undefined
  }
}

/** True for an error that says that what was read is damaged; false when it could not be read. */
function isDamage(error: unknown): boolean {
  return isStoreError(error, 'CORRUPT') && !isStoreError(error.cause, 'IO')
}

/** True for a content under its SHA-256, and for what never has two values: a list of chunks, the note of chosen keys. */
function provesItself(hasher: Hasher, key: Uint8Array, keyAt: number, value: Uint8Array<ArrayBuffer>): boolean {
  const kind = reservedKind(key, keyAt)
  if (kind === undefined) return sameKey(hasher.sha256Now(value), 0, key, keyAt)
  return kind === RESERVED.manifest || kind === RESERVED.uploadPart || kind === RESERVED.chosenKeys
}

/** Remembers a key that turned out damaged, so that a later put heals it. */
function noted({ damagedKeys }: Context, key: Uint8Array, keyAt: number, error: unknown): unknown {
  if (isStoreError(error, 'CORRUPT')) damagedKeys.add(keyHex(key, keyAt))
  return error
}

function missing({ damagedKeys }: Context, location: Location, key: Uint8Array, error: unknown): unknown {
  if (!isStoreError(error, 'NOT_FOUND')) return error
  damagedKeys.add(keyHex(key))
  return corrupt('its segment is missing', location, key, 0, error)
}
