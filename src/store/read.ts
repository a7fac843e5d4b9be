/**
 * Reading committed (or staged) values: from a place in the index to checked bytes. Between finding the place and reading it nothing
 * waits, so a compaction cannot take the segment away in between; where a handle must be opened first, the place is found anew.
 */

import { isStoreError, StoreError } from '../errors.js'
import { keyHex, sameKey } from '../format/key.js'
import type { Location } from '../kernel/kernel.js'
import { isBefore } from '../log/position.js'
import { corrupt, type Wanted } from '../log/reader.js'
import { samePlace } from '../log/state.js'
import type { Context } from './context.js'

/** The value at the place that `find` gives, or undefined when it gives none. Throws CORRUPT. */
export async function readValue(
  context: Context,
  key: Uint8Array,
  find: () => Location | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { reader, writer } = context
  for (;;) {
    const location = find()
    if (location === undefined) return undefined
    if (reader.ready(location, writer)) {
      return noting(context, key, () => believed(context, location, key, 0, reader.value(location, key, 0, writer)))
    }
    try {
      await reader.open(location.segment)
    } catch (error) {
      const now = find()
      if (now === undefined || !samePlace(now, location)) continue
      throw missing(context, location, key, error)
    }
  }
}

/** The values of many keys, in their order; 32 bytes each in `keys`. Read sorted by place, neighbours in one call. */
export async function readValues(
  context: Context,
  keys: readonly Uint8Array[],
): Promise<(Uint8Array<ArrayBuffer> | undefined)[]> {
  const { reader, writer } = context
  const values: (Uint8Array<ArrayBuffer> | undefined)[] = new Array(keys.length).fill(undefined)
  const wanted: Wanted[] = []
  keys.forEach((key, index) => {
    const location = context.state.keys.find(key)
    if (location) wanted.push({ location, key, keyAt: 0, index })
  })
  wanted.sort((a, b) => a.location.segment - b.location.segment || a.location.offset - b.location.offset)
  for (let next = 0; next < wanted.length; ) {
    const { location, key, index } = wanted[next] as Wanted
    if (!reader.ready(location, writer)) {
      // Opens the segment for its neighbours too, or finds where the key is by now.
      values[index] = await readValue(context, key, () => context.state.keys.find(key))
      next++
      continue
    }
    next = reader.values(wanted, next, ({ location, key, keyAt, index }, value) => {
      values[index] = noting(context, key, () => {
        if (value instanceof StoreError) throw value
        return believed(context, location, key, keyAt, value)
      })
    })
  }
  return values
}

/** In front of `context.doubt` a value that another may have replaced is only believed when its hash is its key. */
function believed(
  { doubt, hasher }: Context,
  location: Location,
  key: Uint8Array,
  keyAt: number,
  value: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  if (!isBefore(location, doubt)) return value
  if (sameKey(hasher.sha256Now(value), 0, key, keyAt)) return value
  throw corrupt('a newer value of this key may be among what is damaged behind it', location, key, keyAt)
}

/** As `readValue`, but undefined too when the value is damaged. What says nothing of the value is thrown. */
export async function soundValue(
  context: Context,
  key: Uint8Array,
  find: () => Location | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await readValue(context, key, find)
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error
    return undefined
  }
}

/** Runs a read and remembers the key when it turns out damaged, so that a later put heals it. */
function noting<T>({ damagedKeys }: Context, key: Uint8Array, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (isStoreError(error, 'CORRUPT')) damagedKeys.add(keyHex(key))
    throw error
  }
}

function missing({ damagedKeys }: Context, location: Location, key: Uint8Array, error: unknown): unknown {
  if (!isStoreError(error, 'NOT_FOUND')) return error
  damagedKeys.add(keyHex(key))
  return corrupt('its segment is missing', location, key, 0, error)
}
