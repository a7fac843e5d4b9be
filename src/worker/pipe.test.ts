import { expect, test, vi } from 'vitest'
import { StoreError } from '../errors.js'
import { Packer } from '../protocol/bytes.js'
import { KEY, opened, type Wire } from '../testing/wire.js'
import type { Ingest, Source } from '../types.js'

/** Says these items, of which those with `data: 0` have the given bytes. */
function send(wire: Wire, bytes: number[], ...items: object[]): void {
  const packer = new Packer()
  packer.copy(Uint8Array.from(bytes))
  wire.say({ items, buffers: packer.buffers, slices: packer.slices() })
}

/** A store whose `put` reads all of its source, and what it has read. */
function reading() {
  const pieces: number[][] = []
  const put = async (source: Source) => {
    for await (const piece of source as AsyncIterable<Uint8Array>) pieces.push([...piece])
    return KEY
  }
  return { put, pieces }
}

test('the bytes of a pipe come in their order, also when all is said in one message', async () => {
  const { put, pieces } = reading()
  const { wire } = await opened({ put })
  send(
    wire,
    [1, 2, 3],
    { type: 'put', id: 2, data: { pipe: 9 } },
    { type: 'pipeWrite', id: 3, pipe: 9, data: 0 },
    { type: 'pipeWrite', id: 4, pipe: 9, data: 0 },
    { type: 'pipeEnd', id: 5, pipe: 9 },
  )
  expect(await wire.answer(2)).toMatchObject({ value: KEY })
  expect(pieces).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ])
  for (const id of [3, 4, 5]) expect(await wire.answer(id)).toMatchObject({ type: 'result' })
})

test('a write is answered when it is taken, not before', async () => {
  let take: () => void = () => undefined
  const put = async (source: Source) => {
    const iterator = (source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
    await iterator.next()
    await new Promise<void>((resolve) => {
      take = resolve
    })
    await iterator.next()
    return KEY
  }
  const { wire } = await opened({ put, has: async () => true })
  send(
    wire,
    [1],
    { type: 'put', id: 2, data: { pipe: 9 } },
    { type: 'pipeWrite', id: 3, pipe: 9, data: 0 },
    { type: 'pipeWrite', id: 4, pipe: 9, data: 0 },
  )
  await wire.answer(3)
  wire.send({ type: 'has', id: 50, key: KEY })
  await wire.answer(50)
  expect(wire.replies.some(({ id }) => id === 4)).toBe(false)
  take()
  await wire.answer(4)
})

test('a pipe that fails ends the put; its number is free again after that, and not before', async () => {
  const { put } = reading()
  const { wire } = await opened({ put })
  wire.send({ type: 'put', id: 2, data: { pipe: 9 } }, { type: 'put', id: 3, data: { pipe: 9 } })
  expect(await wire.answer(3)).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
  wire.send({ type: 'pipeFail', id: 4, pipe: 9 })
  expect(await wire.answer(2)).toMatchObject({ type: 'error' })
  wire.send({ type: 'put', id: 5, data: { pipe: 9 } }, { type: 'pipeEnd', id: 6, pipe: 9 })
  expect(await wire.answer(5)).toMatchObject({ value: KEY })
})

test('what is written after the put has ended is let go, until the page has ended the pipe', async () => {
  const put = () => Promise.reject(new StoreError('QUOTA', 'full'))
  const { wire } = await opened({ put })
  send(wire, [1], { type: 'put', id: 2, data: { pipe: 9 } }, { type: 'pipeWrite', id: 3, pipe: 9, data: 0 })
  expect(await wire.answer(2)).toMatchObject({ error: { code: 'QUOTA' } })
  send(wire, [1], { type: 'pipeWrite', id: 4, pipe: 9, data: 0 }, { type: 'pipeFail', id: 5, pipe: 9 })
  for (const id of [3, 4, 5]) expect(await wire.answer(id)).toMatchObject({ type: 'result' })
  send(wire, [1], { type: 'pipeWrite', id: 6, pipe: 9, data: 0 })
  expect(await wire.answer(6)).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
})

test('at a close the store ends what waits for bytes, with an error of its own, after what waits in a transaction', async () => {
  const ended: string[] = []
  /** A put that is told to stop, as the engine's are. */
  function stoppable(code: 'CLOSED' | 'TX_CLOSED') {
    let stop: () => void = () => undefined
    const put = () =>
      new Promise<string>((_, reject) => {
        stop = () => reject(new StoreError(code, 'it has ended'))
      })
    return {
      put,
      async stop() {
        ended.push(code)
        stop()
      },
    }
  }
  const [inStore, inTransaction] = [stoppable('CLOSED'), stoppable('TX_CLOSED')]
  const tx = { put: inTransaction.put, rollback: inTransaction.stop }
  const { wire } = await opened({ put: inStore.put, begin: async () => tx as never, close: inStore.stop })
  wire.send({ type: 'begin', id: 2, tx: 2 })
  await wire.answer(2)
  wire.send({ type: 'put', id: 3, tx: 2, data: { pipe: 3 } }, { type: 'put', id: 4, data: { pipe: 4 } })
  wire.send({ type: 'close', id: 5 })
  expect(await wire.answer(3)).toMatchObject({ error: { code: 'TX_CLOSED' } })
  expect(await wire.answer(4)).toMatchObject({ error: { code: 'CLOSED' } })
  expect(await wire.answer(5)).toMatchObject({ type: 'result' })
  expect(ended).toEqual(['TX_CLOSED', 'CLOSED'])
})

test('the number of an ingest is free again when it has ended, and what comes then is TX_CLOSED', async () => {
  const size = 3
  const handle = { offset: 0, finish: vi.fn(), write: vi.fn(), discard: vi.fn(), [Symbol.asyncDispose]: vi.fn() }
  const { wire } = await opened({ ingest: async () => handle as unknown as Ingest })
  let id = 2
  const ask = async (item: object, bytes: number[] = [1]) => {
    send(wire, bytes, { id: ++id, ingest: 7, key: KEY, size, data: 0, ...item })
    return await wire.answer(id)
  }
  const again = async () => {
    expect(await ask({ type: 'ingestWrite' })).toMatchObject({ error: { code: 'TX_CLOSED' } })
    expect(await ask({ type: 'ingest' })).toMatchObject({ value: handle.offset })
  }
  await again()
  expect(await ask({ type: 'ingest' })).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
  handle.finish.mockRejectedValueOnce(new StoreError('MISMATCH', 'too few'))
  expect(await ask({ type: 'ingestFinish' })).toMatchObject({ error: { code: 'MISMATCH' } })
  // Bytes are missing: it is still there.
  handle.offset = size
  expect(await ask({ type: 'ingestWrite' })).toMatchObject({ value: size })
  handle.finish.mockRejectedValueOnce(new StoreError('MISMATCH', 'others'))
  expect(await ask({ type: 'ingestFinish' })).toMatchObject({ error: { code: 'MISMATCH' } })
  await again()
  handle.finish.mockResolvedValueOnce(KEY)
  expect(await ask({ type: 'ingestFinish' })).toMatchObject({ value: KEY })
  await again()
  for (const type of ['ingestDiscard', 'ingestPause']) {
    for (let i = 0; i < 2; i++) expect(await ask({ type })).toMatchObject({ type: 'result' })
    await again()
  }
  expect(handle.discard).toHaveBeenCalledTimes(1)
  expect(handle[Symbol.asyncDispose]).toHaveBeenCalledTimes(1)
})

test('an abort that crosses the first page of keys ends the cursor that came with it', async () => {
  let isEnded = false
  const { wire } = await opened({
    async *keys() {
      try {
        for (let size = 0; ; size++) yield { key: KEY, size }
      } finally {
        isEnded = true
      }
    },
  })
  wire.send({ type: 'keys', id: 2 })
  expect(await wire.answer(2)).toMatchObject({ value: { cursor: 2 } })
  wire.send({ type: 'abort', id: 2 }, { type: 'keysNext', id: 3, cursor: 2 })
  expect(await wire.answer(3)).toMatchObject({ error: { code: 'BAD_MESSAGE' } })
  expect(isEnded).toBe(true)
})
