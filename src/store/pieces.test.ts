/** A Blob piece by piece: into a buffer that is given, where its stream can do that, or else in slices; and one that has fewer bytes than it said. */

import { expect, test } from 'vitest'
import { noise } from '../testing/bytes.js'
import { piecesOf } from './pieces.js'

const bytes = noise(5_000_000, 1)

async function collect(blob: Blob): Promise<{ whole: Buffer; largest: number }> {
  const copies: Uint8Array[] = []
  const sizes: number[] = []
  for await (const piece of piecesOf(blob)) {
    copies.push(piece.slice())
    sizes.push(piece.buffer.byteLength)
  }
  return { whole: Buffer.concat(copies), largest: Math.max(...sizes) }
}

/** As in browsers whose Blobs give no byte streams. */
class OldBlob extends Blob {
  override stream(): ReturnType<Blob['stream']> {
    return new ReadableStream() as ReturnType<Blob['stream']>
  }
}

/** As in Firefox, which leaves much of each buffer empty. */
class TricklingBlob extends Blob {
  override stream(): ReturnType<Blob['stream']> {
    let at = 0
    const source: UnderlyingByteSource = {
      type: 'bytes',
      pull(controller) {
        if (at >= 3 * 1024 * 1024) throw new Error('the stream goes on')
        controller.enqueue(bytes.slice(at, at + 60_000))
        at += 60_000
      },
    }
    return new ReadableStream(source) as ReturnType<Blob['stream']>
  }
}

/** As a file that has changed since it was chosen, with the stream of one browser or another. */
class ChangedBlob extends Blob {
  readonly #type: 'bytes' | undefined

  constructor(parts: Uint8Array<ArrayBuffer>[], type: 'bytes' | undefined) {
    super(parts)
    this.#type = type
  }

  override stream(): ReturnType<Blob['stream']> {
    const source = { type: this.#type, pull: () => Promise.reject(new Error('NotReadable')) }
    return new ReadableStream(source as UnderlyingDefaultSource) as ReturnType<Blob['stream']>
  }

  override slice(): Blob {
    return Object.assign(new Blob(), { arrayBuffer: () => Promise.reject(new Error('NotReadable')) })
  }
}

class CutBlob extends Blob {
  override get size(): number {
    return super.size + 1
  }
}

/** Its slices are as long as the file still is. */
class CutOldBlob extends OldBlob {
  override get size(): number {
    return super.size + 1
  }
}

test.each([
  { what: 'with a byte stream', blob: new Blob([bytes]), most: 256 * 1024 },
  { what: 'without one', blob: new OldBlob([bytes]), most: 1024 * 1024 },
  { what: 'whose stream gives little at a time', blob: new TricklingBlob([bytes]), most: 1024 * 1024 },
])('a Blob $what comes whole, in pieces of bounded size', async ({ blob, most }) => {
  const { whole, largest } = await collect(blob)
  expect(Buffer.compare(whole, bytes)).toBe(0)
  expect(largest).toBeLessThanOrEqual(most)
})

test.each([
  ['with a byte stream', new CutBlob([bytes])],
  ['without one', new CutOldBlob([bytes])],
])(
  'a Blob %s that ends before its size, as a file does that was cut since it was chosen, is an error that says so',
  async (_, blob) => {
    await expect(collect(blob)).rejects.toMatchObject({ code: 'IO', message: /5000000 of its 5000001/ })
  },
)

test.each(['bytes', undefined] as const)(
  'a Blob that cannot be read is an error that says what to do (stream: %s)',
  async (type) => {
    const error = { code: 'IO', message: /choose it again/, cause: { message: 'NotReadable' } }
    await expect(collect(new ChangedBlob([bytes], type))).rejects.toMatchObject(error)
  },
)

test('a Blob whose signal fires gives no more', async () => {
  const abort = new AbortController()
  const pieces = piecesOf(new Blob([bytes]), abort.signal)[Symbol.asyncIterator]()
  await pieces.next()
  abort.abort()
  await expect(pieces.next()).rejects.toMatchObject({ code: 'ABORTED' })
})

test('the memory of a slice is given back when the next one is asked for, where the platform can', async () => {
  const given: ArrayBuffer[] = []
  const transfer = function (this: ArrayBuffer, size: number) {
    expect(size).toBe(0)
    given.push(this)
  }
  // Node 20 has none; a newer one is to have its own again.
  const own = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'transfer')
  Object.defineProperty(ArrayBuffer.prototype, 'transfer', { value: transfer, configurable: true })
  try {
    const seen: ArrayBufferLike[] = []
    for await (const { buffer } of piecesOf(new OldBlob([bytes]))) {
      expect(given.length).toBe(seen.length)
      seen.push(buffer)
    }
    expect(given.map((buffer, i) => buffer === seen[i])).toEqual([true, true, true, true, true])
  } finally {
    Reflect.deleteProperty(ArrayBuffer.prototype, 'transfer')
    if (own) Object.defineProperty(ArrayBuffer.prototype, 'transfer', own)
  }
})
