/** Contents of some chunks, in pieces and as streams, and compared by their hash. For the engine cases that store, read and ingest them. */

import { CHUNK_SIZES, wholeBytesMax } from '../format/chunks.js'
import { equal } from './check.js'

export const MIB = 1024 * 1024
/** Some chunks, the last of them short. */
export const LARGE = wholeBytesMax(CHUNK_SIZES) + 3 * MIB + 12_345

export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export async function* inPieces(bytes: Uint8Array, ...sizes: number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? bytes.length
    yield bytes.subarray(at, at + size)
    at += size
  }
}

export async function readAll(stream: ReadableStream<Uint8Array> | undefined): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

/** The same bytes, said by their hash: a list of millions is no message. */
export async function same(
  actual: Uint8Array<ArrayBuffer> | undefined,
  expected: Uint8Array<ArrayBuffer>,
  what: string,
) {
  equal(actual && [actual.length, await sha256(actual)], [expected.length, await sha256(expected)], what)
}
