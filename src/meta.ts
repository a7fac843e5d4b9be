/**
 * What an app notes with a name, as the JSON that the store keeps: on the page and in the engine alike. What JSON would drop or
 * make `{}` of without a word (a Blob, a Map, a promise that nobody awaited) is refused: the app would miss it only when it reads it again.
 */

import { kindOf } from './flow.js'

/** Undefined when nothing is noted. Throws TypeError for what JSON cannot say. */
export function metaJson(meta: unknown): string | undefined {
  if (meta === undefined) return undefined
  const json = JSON.stringify(meta, sayable)
  if (json === undefined) throw unsayable(typeof meta)
  return json
}

/** Called for each part of a meta, after its `toJSON`. What JSON leaves out by custom, members that are undefined or a function, is left out. */
function sayable(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const kind = kindOf(value)
  if (/^(Object|Array|String|Number|Boolean)$/.test(kind)) return value
  // An object of a class that names its kind says its members. Bytes have members too, one for each.
  if (ArrayBuffer.isView(value) || Object.keys(value).length === 0) throw unsayable(kind)
  return value
}

function unsayable(kind: string): TypeError {
  const advice = 'put bytes as a content of their own and note its key, and await a promise first'
  return new TypeError(`meta is what JSON can say, not a ${kind}; ${advice}`)
}
