/**
 * Contents as answers to HTTP requests, held to RFC 9110: ranges (14), conditional requests (13) and methods (9). The same table on the
 * engine and on a page.
 */
import { describe, expect, test } from 'vitest'
import { CHUNK_SIZES, wholeBytesMax } from './format/chunks.js'
import { memoryStorage } from './storage/memory.js'
import { openEngine } from './store/engine.js'
import { KEY, pageOf, sha256 } from './testing/page.js'

const TEN = '0123456789'
const ETAG = `"${sha256(TEN)}"`
const OTHER = `"${KEY}"`

interface Row {
  name: string
  method?: string
  headers?: Record<string, string>
  status: number
  body?: string
  /** Undefined for a header that must not be there. */
  says?: Record<string, string | undefined>
}

const WHOLE = { status: 200, body: TEN, says: { 'Content-Length': '10', 'Content-Range': undefined } }
const part = (from: number, to: number) => ({
  status: 206,
  body: TEN.slice(from, to + 1),
  says: { 'Content-Length': `${to - from + 1}`, 'Content-Range': `bytes ${from}-${to}/10`, ETag: ETAG },
})
const NONE = { status: 416, body: '', says: { 'Content-Range': 'bytes */10' } }
const UNCHANGED = { status: 304, body: '', says: { ETag: ETAG } }
const range = (value: string, more: Record<string, string> = {}) => ({ headers: { Range: value, ...more } })

const ROWS: Row[] = [
  { name: 'a plain GET gets the whole', ...WHOLE },
  { name: 'a HEAD gets the header of the whole', method: 'HEAD', ...WHOLE, body: '' },
  { name: 'a HEAD ignores ranges', method: 'HEAD', ...range('bytes=2-4'), ...WHOLE, body: '' },
  { name: 'a POST is not allowed', method: 'POST', status: 405, body: '', says: { Allow: 'GET, HEAD' } },
  { name: 'first and last position are inclusive', ...range('bytes=2-4'), ...part(2, 4) },
  { name: 'one byte', ...range('bytes=0-0'), ...part(0, 0) },
  { name: 'the last byte', ...range('bytes=9-9'), ...part(9, 9) },
  { name: 'without a last position, to the end', ...range('bytes=7-'), ...part(7, 9) },
  { name: 'the whole as a range', ...range('bytes=0-'), ...part(0, 9) },
  { name: 'a last position behind the end is the end', ...range('bytes=5-999999999999999999999'), ...part(5, 9) },
  { name: 'the last three bytes', ...range('bytes=-3'), ...part(7, 9) },
  { name: 'more last bytes than there are', ...range('bytes=-30'), ...part(0, 9) },
  { name: 'the name of the unit in capitals', ...range('Bytes=2-4'), ...part(2, 4) },
  { name: 'a range that begins at the end', ...range('bytes=10-'), ...NONE },
  { name: 'a range that begins behind the end', ...range('bytes=11-12'), ...NONE },
  { name: 'a range that begins beyond all numbers', ...range('bytes=99999999999999999999999-'), ...NONE },
  { name: 'the last no bytes', ...range('bytes=-0'), ...NONE },
  { name: 'several ranges get the whole', ...range('bytes=0-1,4-5'), ...WHOLE },
  { name: 'a range that ends before it begins is none', ...range('bytes=4-2'), ...WHOLE },
  { name: 'an unknown unit is ignored', ...range('lines=1-2'), ...WHOLE },
  { name: 'a range without numbers is ignored', ...range('bytes=-'), ...WHOLE },
  { name: 'a range of words is ignored', ...range('bytes=a-b'), ...WHOLE },
  { name: 'If-Range with this ETag lets the range count', ...range('bytes=2-4', { 'If-Range': ETAG }), ...part(2, 4) },
  { name: 'If-Range with another ETag gets the whole', ...range('bytes=2-4', { 'If-Range': OTHER }), ...WHOLE },
  { name: 'If-Range with a weak ETag gets the whole', ...range('bytes=2-4', { 'If-Range': `W/${ETAG}` }), ...WHOLE },
  {
    name: 'If-Range with a date gets the whole',
    ...range('bytes=2-4', { 'If-Range': 'Sun, 22 Nov 2026 12:00:00 GMT' }),
    ...WHOLE,
  },
  { name: 'If-None-Match with this ETag', headers: { 'If-None-Match': ETAG }, ...UNCHANGED },
  { name: 'If-None-Match is compared weakly', headers: { 'If-None-Match': `W/${ETAG}` }, ...UNCHANGED },
  { name: 'If-None-Match with a list', headers: { 'If-None-Match': `${OTHER}, ${ETAG}` }, ...UNCHANGED },
  { name: 'If-None-Match with anything', headers: { 'If-None-Match': '*' }, ...UNCHANGED },
  { name: 'If-None-Match in a HEAD', method: 'HEAD', headers: { 'If-None-Match': ETAG }, ...UNCHANGED },
  { name: 'If-None-Match comes before Range', ...range('bytes=20-', { 'If-None-Match': ETAG }), ...UNCHANGED },
  { name: 'If-None-Match with another ETag', headers: { 'If-None-Match': OTHER }, ...WHOLE },
]

/** The same store from both sides. */
async function sides() {
  const engine = await openEngine(memoryStorage())
  return { engine, page: (await pageOf(engine)).store }
}

describe.each(['engine', 'page'] as const)('on the %s', (side) => {
  test.each(ROWS)('$name: $status', async ({ method = 'GET', headers = {}, status, body, says = {} }) => {
    const store = (await sides())[side]
    const key = await store.put(TEN)
    const response = await store.response(key, new Request('https://here/', { method, headers }), { type: 'text/x' })
    expect(response.status).toBe(status)
    expect(await response.text()).toBe(body)
    for (const [name, value] of Object.entries(says))
      expect(`${name}: ${response.headers.get(name) ?? undefined}`).toBe(`${name}: ${value}`)
    if (status === 200 || status === 206) {
      expect(response.headers.get('Content-Type')).toBe('text/x')
      expect(response.headers.get('Accept-Ranges')).toBe('bytes')
      expect(response.headers.get('ETag')).toBe(ETAG)
    }
  })

  test('without a request it is the answer to a GET; without a type, none is said', async () => {
    const store = (await sides())[side]
    const response = await store.response(await store.put(TEN))
    expect([response.status, await response.text(), response.headers.get('Content-Type')]).toEqual([200, TEN, null])
  })

  test.each(['GET', 'HEAD'])('a %s of what is not there is 404, whatever it asks', async (method) => {
    const store = (await sides())[side]
    for (const headers of [{}, { Range: 'bytes=5-' }, { 'If-None-Match': '*' }] as Record<string, string>[]) {
      const response = await store.response(KEY, new Request('https://here/', { method, headers }))
      expect([response.status, await response.text()]).toEqual([404, ''])
    }
  })

  test.each<[asked: string, status: number, says: string | null]>([
    ['bytes=0-', 416, 'bytes */0'],
    ['bytes=-0', 416, 'bytes */0'],
    ['bytes=-5', 200, null],
    ['', 200, null],
  ])('of an empty content, %j is %i', async (asked, status, says) => {
    const store = (await sides())[side]
    const headers: Record<string, string> = asked ? { Range: asked } : {}
    const response = await store.response(await store.put(''), new Request('https://here/', { headers }))
    expect([response.status, response.headers.get('Content-Range'), await response.text()]).toEqual([status, says, ''])
  })

  test('a key as bytes is the same; what is no key is BAD_KEY', async () => {
    const store = (await sides())[side]
    const key = Uint8Array.from(Buffer.from(await store.put(TEN), 'hex'))
    expect((await store.response(key)).headers.get('ETag')).toBe(ETAG)
    await expect(store.response('x')).rejects.toMatchObject({ code: 'BAD_KEY' })
    await expect(store.response(7 as never)).rejects.toMatchObject({ code: 'BAD_KEY' })
  })

  test('ranges of a content in chunks are its bytes; the signal of the request ends the body', async () => {
    const store = (await sides())[side]
    const bytes = new Uint8Array(wholeBytesMax(CHUNK_SIZES) + 1_000_000).map((_, i) => (i * 7) ^ (i >> 9))
    const key = await store.put(bytes)
    const size = bytes.length
    for (const [asked, from, to] of [
      ['bytes=1000000-3999999', 1_000_000, 4_000_000],
      ['bytes=-1500000', size - 1_500_000, size],
      [`bytes=${size - 1}-`, size - 1, size],
    ] as const) {
      const response = await store.response(key, new Request('https://here/', { headers: { Range: asked } }))
      const body = new Uint8Array(await response.arrayBuffer())
      expect([response.status, body.length]).toEqual([206, to - from])
      expect(Buffer.compare(body, bytes.subarray(from, to))).toBe(0)
    }
    const controller = new AbortController()
    const { body } = await store.response(key, new Request('https://here/', { signal: controller.signal }))
    const reader = (body as ReadableStream).getReader()
    await reader.read()
    controller.abort()
    await expect(reader.read()).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

test('a range is read from where it begins: no piece is read twice', async () => {
  const { engine } = await sides()
  const key = await engine.put(new Uint8Array(wholeBytesMax(CHUNK_SIZES) + 1_000_000))
  const read: number[] = []
  const piece = engine.piece.bind(engine)
  engine.piece = (name, offset) => {
    read.push(offset)
    return piece(name, offset)
  }
  const request = new Request('https://here/', { headers: { Range: 'bytes=3000000-3000009' } })
  await (await engine.response(key, request)).text()
  expect(read).toEqual([3_000_000])
})

test('a content that grows while it is asked for gives the bytes of the range', async () => {
  const { engine } = await sides()
  await engine.set(KEY, 'short')
  const piece = engine.piece.bind(engine)
  let grown: Promise<void> | undefined
  engine.piece = async (name, offset) => {
    const refused = await piece(name, offset).catch((error) => ({ error }))
    grown ??= engine.set(KEY, TEN)
    await grown
    if (refused && 'error' in refused) throw refused.error
    return refused
  }
  const response = await engine.response(KEY, new Request('https://here/', { headers: { Range: 'bytes=7-8' } }))
  expect([response.headers.get('Content-Range'), await response.text()]).toEqual(['bytes 7-8/10', '78'])
})
