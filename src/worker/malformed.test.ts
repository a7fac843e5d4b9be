import { expect, test } from 'vitest'
import { KEY, opened } from '../testing/wire.js'

test.each<[name: string, message: unknown, wrong: string]>([
  ['a message that is no object', 'hello', 'message'],
  ['a message without items', {}, 'items'],
  ['items that are no list', { items: 3, buffers: [], slices: new Float64Array(0) }, 'items'],
  ['buffers that are none', { items: [], buffers: [new Uint8Array(3)], slices: new Float64Array(0) }, 'buffers'],
  ['slices of another type', { items: [], buffers: [], slices: '0, 0, 1' }, 'slices'],
  ['slices that are no numbers', { items: [], buffers: [new ArrayBuffer(4)], slices: [0, 0, '1'] }, 'slices'],
  ['slices of less than nothing', { items: [], buffers: [new ArrayBuffer(4)], slices: [0, 2, -1] }, 'slices'],
  [
    'slices of parts of a byte',
    { items: [], buffers: [new ArrayBuffer(4)], slices: Float64Array.of(0, 0.5, 1) },
    'slices',
  ],
  ['slices that are cut off', { items: [], buffers: [], slices: new Float64Array(2) }, 'slices'],
  [
    'a slice outside its buffer',
    { items: [], buffers: [new ArrayBuffer(4)], slices: Float64Array.of(0, 1, 4) },
    'slice 0',
  ],
  ['a slice of no buffer', { items: [], buffers: [], slices: Float64Array.of(0, 0, 0) }, 'slice 0'],
])('%s is answered with BAD_MESSAGE for the connection', async (_name, message, wrong) => {
  const { wire } = await opened({})
  wire.say(message)
  const error = { code: 'BAD_MESSAGE', message: expect.stringContaining(wrong) }
  expect(await wire.answer(0)).toMatchObject({ type: 'error', error })
})

test.each<[name: string, item: unknown, id: number, wrong: string]>([
  ['null', null, 0, 'item'],
  ['a number', 7, 0, 'item'],
  ['a call without a type', { id: 2 }, 2, 'type'],
  ['a call of an unknown type', { type: 'drop', id: 2 }, 2, '"drop"'],
  ['a call named like a property of every object', { type: 'constructor', id: 2 }, 2, '"constructor"'],
  ['a call without an id', { type: 'stats' }, 0, 'stats: id'],
  ['a call with an id of another type', { type: 'stats', id: '2' }, 0, 'stats: id'],
  ['a call with id 0', { type: 'stats', id: 0 }, 0, 'stats: id'],
  ['a call with a broken id', { type: 'stats', id: 1.5 }, 0, 'stats: id'],
  ['a put without data', { type: 'put', id: 2 }, 2, 'put: data'],
  ['a put of a slice that is not there', { type: 'put', id: 2, data: 0 }, 2, 'put: data'],
  ['a put of a negative slice', { type: 'put', id: 2, data: -1 }, 2, 'put: data'],
  ['a put of an object', { type: 'put', id: 2, data: {} }, 2, 'put: data'],
  ['a put of a pipe without a number', { type: 'put', id: 2, data: { pipe: 0 } }, 2, 'put: data'],
  ['a put that expects a number', { type: 'put', id: 2, data: new Blob([]), expected: 7 }, 2, 'put: expected'],
  ['a put with odd progress', { type: 'put', id: 2, data: new Blob([]), progress: 1 }, 2, 'put: progress'],
  ['a write to no pipe', { type: 'pipeWrite', id: 2, data: 0 }, 2, 'pipeWrite: pipe'],
  ['a write of a Blob', { type: 'pipeWrite', id: 2, pipe: 3, data: new Blob([]) }, 2, 'pipeWrite: data'],
  ['an end of no pipe', { type: 'pipeEnd', id: 2 }, 2, 'pipeEnd: pipe'],
  ['a failure of no pipe', { type: 'pipeFail', id: 2, pipe: 'a' }, 2, 'pipeFail: pipe'],
  ['an end of a pipe that is not there', { type: 'pipeEnd', id: 2, pipe: 3 }, 2, 'no pipe 3'],
  ['a failure of a pipe that is not there', { type: 'pipeFail', id: 2, pipe: 3 }, 2, 'no pipe 3'],
  ['a get from an offset in words', { type: 'get', id: 2, key: KEY, offset: 'a' }, 2, 'get: offset'],
  ['a get of a length in words', { type: 'get', id: 2, key: KEY, length: 'a' }, 2, 'get: length'],
  ['a piece of no key', { type: 'piece', id: 2, offset: 0 }, 2, 'piece: key'],
  ['a piece without an offset', { type: 'piece', id: 2, key: KEY }, 2, 'piece: offset'],
  ['an ingest of no key', { type: 'ingest', id: 2, size: 1, ingest: 3 }, 2, 'ingest: key'],
  ['an ingest without a size', { type: 'ingest', id: 2, key: KEY, ingest: 3 }, 2, 'ingest: size'],
  ['an ingest without a number', { type: 'ingest', id: 2, key: KEY, size: 1 }, 2, 'ingest: ingest'],
  [
    'an ingest that takes a Blob',
    { type: 'ingestWrite', id: 2, ingest: 3, data: new Blob([]) },
    2,
    'ingestWrite: data',
  ],
  ['an ingest that takes nothing', { type: 'ingestWrite', id: 2, ingest: 3 }, 2, 'ingestWrite: data'],
  ['a write to no ingest', { type: 'ingestWrite', id: 2 }, 2, 'ingestWrite: ingest'],
  [
    'an ingest that ends oddly',
    { type: 'ingestFinish', id: 2, ingest: 3, durability: 1 },
    2,
    'ingestFinish: durability',
  ],
  ['an end of no ingest', { type: 'ingestFinish', id: 2 }, 2, 'ingestFinish: ingest'],
  ['a discard of no ingest', { type: 'ingestDiscard', id: 2 }, 2, 'ingestDiscard: ingest'],
  ['a pause of no ingest', { type: 'ingestPause', id: 2 }, 2, 'ingestPause: ingest'],
  ['a putMany of a value that is none', { type: 'putMany', id: 2, data: [new Blob([]), 'x'] }, 2, 'putMany: data'],
  ['a putMany of no list', { type: 'putMany', id: 2, data: 'x' }, 2, 'putMany: data'],
  ['a get of a number', { type: 'get', id: 2, key: 5 }, 2, 'get: key'],
  ['a getMany with an odd key', { type: 'getMany', id: 2, keys: [KEY, null] }, 2, 'getMany: keys'],
  ['an unknown durability', { type: 'begin', id: 2, tx: 1, durability: 'lazy' }, 2, 'begin: durability'],
  ['a transaction that is no number', { type: 'get', id: 2, key: KEY, tx: 'a' }, 2, 'get: tx'],
  ['a begin without a number', { type: 'begin', id: 2 }, 2, 'begin: tx'],
  ['a check that does not say if it wants progress', { type: 'check', id: 2 }, 2, 'check: progress'],
  [
    'a compact with a threshold in words',
    { type: 'compact', id: 2, progress: false, threshold: 'half' },
    2,
    'threshold',
  ],
  ['an open of an unknown storage', { type: 'open', id: 2, name: 's', storage: 'disk' }, 2, 'open: storage'],
  ['a freeze without a number', { type: 'freeze', id: 2 }, 2, 'freeze: frozen'],
  ['a read of no frozen store', { type: 'frozenRead', id: 2, file: 0, at: 0, length: 1 }, 2, 'frozenRead: frozen'],
  [
    'a read of a file by its path',
    { type: 'frozenRead', id: 2, frozen: 3, file: 'head', at: 0, length: 1 },
    2,
    'frozenRead: file',
  ],
  ['a read from nowhere', { type: 'frozenRead', id: 2, frozen: 3, file: 0, length: 1 }, 2, 'frozenRead: at'],
  ['a read of no length', { type: 'frozenRead', id: 2, frozen: 3, file: 0, at: 0 }, 2, 'frozenRead: length'],
  ['entries of no frozen store', { type: 'frozenEntries', id: 2 }, 2, 'frozenEntries: frozen'],
  ['a value of no frozen store', { type: 'frozenValue', id: 2, index: 0 }, 2, 'frozenValue: frozen'],
  ['a value of no index', { type: 'frozenValue', id: 2, frozen: 3 }, 2, 'frozenValue: index'],
  ['a release of no frozen store', { type: 'frozenEnd', id: 2 }, 2, 'frozenEnd: frozen'],
  ['a cursor that is none', { type: 'keysNext', id: 2, cursor: null }, 2, 'keysNext: cursor'],
  ['a cursor that is not there', { type: 'keysNext', id: 2, cursor: 5 }, 2, 'cursor 5'],
  ['a meta that is no JSON', { type: 'refSet', id: 2, name: 'a', key: KEY, meta: '{' }, 2, 'refSet: meta'],
  ['a name that is no text', { type: 'refGet', id: 2, name: 5 }, 2, 'refGet: name'],
  ['a collecting that keeps what is no key', { type: 'gc', id: 2, progress: false, keep: [5] }, 2, 'gc: keep'],
  ['an abort without an id', { type: 'abort' }, 0, 'abort: id'],
])('%s is answered with BAD_MESSAGE that names it, and the host goes on', async (_name, item, id, wrong) => {
  const { wire } = await opened({ has: async () => true })
  wire.send(item, { type: 'has', id: 50, key: KEY })
  const error = { code: 'BAD_MESSAGE', message: expect.stringContaining(wrong) }
  expect(await wire.answer(id)).toMatchObject({ type: 'error', error })
  expect(await wire.answer(50)).toMatchObject({ type: 'result', value: true })
})
