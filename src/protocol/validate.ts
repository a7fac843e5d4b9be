/**
 * What comes through the port is checked before it is used: the envelope, then each request against the fields its type
 * has. What is wrong is BAD_MESSAGE, naming the field, what it has to be and what it was. Called by the host only;
 * values that have a meaning beyond their type (keys, names, limits) are the engine's to check.
 */

import { StoreError } from '../errors.js'
import { kindOf } from '../flow.js'
import type { Envelope } from './bytes.js'
import { type CallType, CONNECTION_ID, type Fields, type Request } from './messages.js'

/** What a field has to be, in words, and whether a value is. `slices` is how many there are in the envelope. */
type Rule = readonly [expected: string, holds: (value: unknown, slices: number) => boolean]

const text: Rule = ['a string', (value) => typeof value === 'string']
const flag: Rule = ['a boolean', (value) => typeof value === 'boolean']
const number: Rule = ['a number', (value) => typeof value === 'number']
const id: Rule = ['a whole number from 1', (value) => Number.isSafeInteger(value) && (value as number) > CONNECTION_ID]
const key: Rule = ['a string or a Uint8Array', (value) => typeof value === 'string' || value instanceof Uint8Array]
const slice: Rule = ['the number of a slice', (value, slices) => isCount(value) && value < slices]
const data: Rule = [
  'a Blob or the number of a slice',
  (value, slices) => value instanceof Blob || slice[1](value, slices),
]
const source: Rule = [
  'a Blob, the number of a slice or a pipe',
  (value, slices) => data[1](value, slices) || (isObject(value) && id[1](value.pipe, slices)),
]
const object: Rule = ['an object', isObject]
const json: Rule = ['a string of JSON', (value) => typeof value === 'string' && isJSON(value)]
const durability = optional(oneOf('strict', 'relaxed'))
const tx = optional(id)

function oneOf(...choices: string[]): Rule {
  return [choices.map((choice) => `'${choice}'`).join(' or '), (value) => choices.includes(value as string)]
}

function optional([expected, holds]: Rule): Rule {
  return [`${expected}, or absent`, (value, slices) => value === undefined || holds(value, slices)]
}

function listOf([expected, holds]: Rule): Rule {
  return [
    `a list, each of it ${expected}`,
    (value, slices) => Array.isArray(value) && value.every((each) => holds(each, slices)),
  ]
}

const FIELDS: { readonly [T in CallType]: { readonly [F in keyof Fields<T>]-?: Rule } } = {
  open: {
    name: text,
    storage: oneOf('opfs', 'memory'),
    create: optional(flag),
    maxSegmentSize: optional(number),
    chunkSizes: optional(object),
    durability,
  },
  put: { data: source, expected: optional(key), progress: optional(flag), tx, durability },
  pipeWrite: { pipe: id, data: slice },
  pipeEnd: { pipe: id },
  pipeFail: { pipe: id },
  putMany: { data: listOf(data), slab: optional(slice), tx, durability },
  set: { key, data, tx, durability },
  get: { key, offset: optional(number), length: optional(number), tx },
  piece: { key, offset: number, memory: optional(slice) },
  blob: { key, mediaType: optional(text), verify: optional(flag) },
  getMany: { keys: listOf(key) },
  has: { key, tx },
  hasMany: { keys: listOf(key) },
  delete: { key, tx },
  deleteMany: { keys: listOf(key), durability },
  keys: {},
  keysNext: { cursor: id },
  refs: { prefix: optional(text) },
  refsNext: { cursor: id },
  listEnd: { cursor: id },
  refSet: { name: text, key, meta: optional(json), tx },
  refGet: { name: text, tx },
  refDelete: { name: text, tx },
  gc: { dryRun: optional(flag), keep: optional(listOf(key)), grace: optional(number), progress: flag },
  ingest: { key, size: number, ingest: id },
  ingestWrite: { ingest: id, data: slice },
  ingestFinish: { ingest: id, durability },
  ingestDiscard: { ingest: id },
  ingestPause: { ingest: id },
  begin: { tx: id, durability },
  commit: { tx: id },
  rollback: { tx: id },
  stats: {},
  check: { repair: optional(flag), progress: flag },
  compact: { threshold: optional(number), progress: flag },
  freeze: { frozen: id },
  frozenRead: { frozen: id, file: number, at: number, length: number },
  frozenEntries: { frozen: id },
  frozenValue: { frozen: id, index: number },
  frozenEnd: { frozen: id },
  flush: {},
  close: {},
}

/** The id that an answer to this item can go under: that of the connection if the item has none. */
export function idOf(item: unknown): number {
  const given = isObject(item) ? item.id : undefined
  return id[1](given, 0) ? (given as number) : CONNECTION_ID
}

export function checkEnvelope(message: unknown): Envelope<unknown> {
  if (!isObject(message)) throw bad('message', 'an object', message)
  const { items, buffers, slices } = message
  if (!Array.isArray(items)) throw bad('items', 'a list', items)
  if (!Array.isArray(buffers) || !buffers.every((buffer) => buffer instanceof ArrayBuffer)) {
    throw bad('buffers', 'a list of ArrayBuffers', buffers)
  }
  const isTable = slices instanceof Float64Array || Array.isArray(slices)
  if (!isTable || slices.length % 3 !== 0 || !slices.every(isCount)) {
    throw bad('slices', 'three numbers a slice', slices)
  }
  for (let i = 0; i < slices.length; i += 3) {
    const [buffer, at, size] = [slices[i] as number, slices[i + 1] as number, slices[i + 2] as number]
    if (at + size > (buffers[buffer]?.byteLength ?? -1)) {
      throw new StoreError('BAD_MESSAGE', `the message is malformed: slice ${i / 3} is not inside a buffer`)
    }
  }
  return { items, buffers, slices }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function checkRequest(item: unknown, slices: number): Request {
  if (!isObject(item)) throw bad('item', 'an object', item)
  const { type } = item
  if (typeof type !== 'string' || !(type === 'abort' || Object.hasOwn(FIELDS, type))) {
    throw bad('type', 'one of the calls or "abort"', type)
  }
  if (!id[1](item.id, slices)) throw bad(`${type}: id`, id[0], item.id)
  const fields: Readonly<Record<string, Rule>> = type === 'abort' ? {} : FIELDS[type as CallType]
  for (const name in fields) {
    const [expected, holds] = fields[name] as Rule
    if (!holds(item[name], slices)) throw bad(`${type}: ${name}`, expected, item[name])
  }
  return item as unknown as Request
}

function isJSON(value: string): boolean {
  try {
    JSON.parse(value)
    return true
  } catch {
    return false
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function bad(what: string, expected: string, value: unknown): StoreError {
  return new StoreError(
    'BAD_MESSAGE',
    `the message is malformed: "${what}" has to be ${expected}, not ${shown(value)}; if it was not you who gave that, page and worker have to run the same release of lodestore`,
  )
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40))
  return typeof value === 'number' ? String(value) : kindOf(value)
}
