/**
 * A content as the answer to an HTTP request, for service workers: RFC 9110 as far as it concerns one content that is read. Used by the
 * engine and the page's side, which say how pieces are read.
 */

import { isStoreError } from './errors.js'
import { type ReadPiece, streamPieces } from './piece-stream.js'
import type { Key, ResponseOptions } from './types.js'

/** The answer to `request`, or to a plain GET. `read` gives bytes from an offset on, and throws RANGE behind the end. */
export async function respond(
  read: ReadPiece,
  key: Key,
  request: Request | undefined,
  { type }: ResponseOptions,
): Promise<Response> {
  const { method = 'GET', signal } = request ?? {}
  const asked = (name: string) => request?.headers.get(name) ?? ''
  if (method !== 'GET' && method !== 'HEAD') return new Response(null, { status: 405, headers: { Allow: 'GET, HEAD' } })
  const etag = `"${key}"`
  const condition = asked('If-Range')
  const isPart = method === 'GET' && (condition === '' || condition === etag)
  const [first, last] = isPart ? parseRange(asked('Range')) : []
  // A range that begins behind the end is answered with the size, which any piece tells.
  let start = first ?? 0
  const piece = await read(start).catch((error) => {
    if (!isStoreError(error, 'RANGE')) throw error
    start = 0
    return read(0)
  })
  if (!piece) return new Response(null, { status: 404 })
  const { size } = piece
  const headers = new Headers({ ETag: etag, 'Accept-Ranges': 'bytes' })
  const reply = (status: number, body: BodyInit | null = null) => new Response(body, { status, headers })
  // Weak comparison: a W/ in front does not count.
  if (/^\s*\*\s*$/.test(asked('If-None-Match')) || asked('If-None-Match').includes(etag)) return reply(304)
  let [from, to, status] = [0, size, 200]
  if (first !== undefined) {
    from = first
    to = Math.min(size, (last ?? size) + 1)
    status = 206
  } else if (last !== undefined) {
    from = Math.max(0, size - last)
    // The last bytes of nothing are no part that Content-Range could name.
    status = size === 0 && last > 0 ? 200 : 206
  }
  if (status === 206) {
    headers.set('Content-Range', `bytes ${from < to ? `${from}-${to - 1}` : '*'}/${size}`)
    if (from >= to) return reply(416)
  }
  headers.set('Content-Length', `${to - from}`)
  if (type) headers.set('Content-Type', type)
  if (method === 'HEAD') return reply(status)
  const known: ReadPiece = async (offset, memory) => (offset === start ? piece : read(offset, memory))
  return reply(status, await streamPieces(known, { offset: from, length: to - from, ...(signal && { signal }) }))
}

/** First and last position; without a first one, how many bytes from the end. Several ranges, and what is no range, are neither: the whole is wanted. */
function parseRange(header: string): [first?: number | undefined, last?: number | undefined] {
  const [, first, last] = /^bytes=(?=.*\d)(\d*)-(\d*)$/i.exec(header) ?? []
  if (first && last && Number(first) > Number(last)) return []
  return [first ? Number(first) : undefined, last ? Number(last) : undefined]
}
