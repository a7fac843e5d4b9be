/**
 * FORMAT.md and the code say the same: its tables are read and compared with the constants, its bytes with what the code makes of them,
 * and its worked example is made anew.
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createKernel } from '../kernel/kernel.js'
import { SHA256_STATE } from '../kernel/sha256-stream.js'
import { RESERVE_BYTES } from '../store/reserve.js'
import { chunkEnds, GEAR } from '../testing/chunk-boundaries.js'
import { makeExample } from '../testing/golden-recipes.js'
import { CHECKPOINT } from './checkpoint.js'
import { CHUNK_SIZES, wholeBytesMax } from './chunks.js'
import { FORMAT_VERSION } from './config.js'
import {
  COMMIT,
  COMMIT_BYTES,
  DELETE_BYTES,
  ENTRY,
  ENTRY_BYTES_MAX,
  MAGIC,
  MAGICS,
  NO_SEGMENT,
  SEGMENT_HEADER,
  TAG,
  VALUE_BYTES_MAX,
} from './entry.js'
import { HEAD } from './head.js'
import { RESERVED } from './key.js'
import { CHUNK, MANIFEST, UPLOAD_PART } from './manifest.js'
import { README_TEXT, RESERVE_FILE } from './paths.js'
import { META_BYTES_MAX, REF_NAME_BYTES_MAX } from './ref.js'

const page = readFileSync(new URL('../../FORMAT.md', import.meta.url), 'utf8')

/** What stands under a heading, up to the next heading of its level or a higher one. */
function section(heading: string): string {
  const level = heading.indexOf(' ')
  const start = page.indexOf(`\n${heading}\n`)
  expect(start, `the heading ${heading}`).toBeGreaterThan(0)
  const rest = page.slice(start + heading.length + 2)
  const end = rest.search(new RegExp(`^#{1,${level}} `, 'm'))
  return end < 0 ? rest : rest.slice(0, end)
}

/** The rows of the tables under a heading whose first column has this name. */
function rows(heading: string, first: string): string[][] {
  const found: string[][] = []
  let inside = false
  for (const line of section(heading).split('\n')) {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
    if (cells[0] === first) inside = true
    else if (cells.length === 0) inside = false
    else if (inside && !cells[0]?.startsWith('---')) found.push(cells)
  }
  expect(found.length, `rows under ${heading}`).toBeGreaterThan(0)
  return found
}

/** field -> offset, and that each field begins where the one before it ends. */
function fields(heading: string, total: number | undefined): Record<string, number> {
  const table = rows(heading, 'offset')
  let at = 0
  for (const [offset, bytes] of table) {
    expect(Number(offset), `${heading}: the field at ${offset}`).toBe(at)
    at += Number(bytes)
  }
  if (total !== undefined) expect(at, `bytes of ${heading}`).toBe(total)
  return Object.fromEntries(table.map(([offset, , name]) => [name, Number(offset)]))
}

function hexBytes(text: string): number[] {
  return (text.match(/\b[0-9a-f]{2}\b/g) ?? []).map((byte) => Number.parseInt(byte, 16))
}

describe('the tables of FORMAT.md and the constants agree on', () => {
  it('entries', () => {
    const { crc, size, tag, headerBytes, key, putHeaderBytes } = ENTRY
    expect(fields('### Entries', undefined)).toEqual({ crc, size, tag, key, value: putHeaderBytes })
    expect(key).toBe(headerBytes)
    expect(rows('### Entries', 'entry')).toEqual([
      ['PUT', String(TAG.put), `${putHeaderBytes} to ${ENTRY_BYTES_MAX}`],
      ['DELETE', String(TAG.delete), String(DELETE_BYTES)],
      ['COMMIT', String(TAG.commit), String(COMMIT_BYTES)],
    ])
    expect(section('### Entries')).toContain(`a value is at most ${VALUE_BYTES_MAX} bytes`)
  })

  it('the magic of segments', () => {
    const [first, ...others] = section('## Segments').match(/`[A-Z_]{8}`/g) ?? []
    expect(first).toBe(`\`${MAGIC}\``)
    expect(others.slice(0, 2)).toEqual(MAGICS.slice(1).map((magic) => `\`${magic}\``))
  })

  it('reserved keys', () => {
    expect(rows('### Reserved keys', 'kind').map(([kind, byte]) => [kind, Number(byte)])).toEqual([
      ['segment header', RESERVED.segmentHeader],
      ['segment list', RESERVED.segmentList],
      ['chosen keys', RESERVED.chosenKeys],
      ['manifest', RESERVED.manifest],
      ['upload part', RESERVED.uploadPart],
      ['ref', RESERVED.ref],
    ])
  })

  it('manifests, upload parts and refs', () => {
    const offsets = (heading: string) =>
      Object.fromEntries(rows(heading, 'offset').map(([at, , name]) => [name, Number(at)]))
    expect(offsets('### Contents in chunks')).toEqual(MANIFEST)
    expect(offsets('### Upload parts')).toEqual(UPLOAD_PART)
    expect(section('### Contents in chunks')).toContain(`more than ${wholeBytesMax(CHUNK_SIZES)} bytes`)
    expect(rows('### Contents in chunks', 'offset').at(-1)?.[1]).toBe(`${CHUNK.bytes} each`)
    expect(section('## Names')).toContain(`1 to ${REF_NAME_BYTES_MAX}`)
    expect(section('## Names')).toContain(`at most ${META_BYTES_MAX} bytes`)
  })

  it('the segment header', () => {
    const { bytes, ...offsets } = SEGMENT_HEADER
    expect(fields('### Segment header', bytes)).toEqual(offsets)
    expect(section('### Segment header')).toContain(`${NO_SEGMENT} for the first`)
  })

  it('the head', () => {
    const { slotBytes, slots, ...offsets } = HEAD
    const { zeros, ...named } = fields('## Head', slotBytes)
    expect(named).toEqual(offsets)
    expect(zeros).toBe(HEAD.id + 32)
    expect([slots, section('## Head').includes(`Two slots of ${slotBytes} bytes`)]).toEqual([2, true])
  })

  it('the checkpoint', () => {
    const { headerBytes, entryBytes, segmentBytes, list, ...offsets } = CHECKPOINT
    const { zeros, listSegment, listOffset, listSize, ...named } = fields('## Checkpoint', headerBytes)
    expect(named).toEqual(offsets)
    expect([listSegment, listOffset, listSize, zeros]).toEqual([list, list + 4, list + 8, list + 12])
    expect(rows('## Checkpoint', 'block').map(([block, bytes]) => [block, Number(bytes)])).toEqual([
      ['keys', entryBytes],
      ['shadows', entryBytes],
      ['segments', segmentBytes],
    ])
  })

  it('the sizes of chunks, and the gear table', () => {
    const sizes = rows('## Chunks', 'size').map(([name = '', bytes]) => [name, Number(bytes)])
    expect(Object.fromEntries(sizes)).toEqual(CHUNK_SIZES)
    const gears = [...section('## Chunks').matchAll(/`gear\[(\d+)\]` = (0x[0-9a-f]{16})/g)]
    expect(gears.map(([, byte]) => byte)).toEqual(['0', '1', '255'])
    for (const [, byte, number = ''] of gears) expect(GEAR[Number(byte)]).toBe(BigInt(number))
  })

  it('the saved state of a SHA-256', () => {
    const { bytes, ...offsets } = SHA256_STATE
    expect(fields('### State of a SHA-256', bytes)).toEqual(offsets)
    expect(section('### State of a SHA-256')).toContain(`these ${bytes} bytes`)
  })

  it('the version and the README', () => {
    expect(page).toContain(`# The format of a lodestore store, version ${FORMAT_VERSION}\n`)
    expect(rows('## Config', 'name')[0]?.slice(0, 2).join(' ')).toContain(`\`version\` \`${FORMAT_VERSION}\``)
    expect(rows('## Directory', 'path')[0]?.[1]).toContain(`\`${README_TEXT}\``)
  })
})

describe('the bytes of FORMAT.md are made by', () => {
  const blocks = section('### Entries').match(/(?:^ {4}.*\n)+/gm) ?? []
  const [commit, put] = blocks.map(hexBytes)

  it('the constant and the kernel: the COMMIT', async () => {
    expect(commit).toEqual(COMMIT)
    const arena = (await createKernel()).arena(64)
    arena.seal(0, COMMIT_BYTES, TAG.commit)
    expect([...arena.view(0, COMMIT_BYTES)]).toEqual(commit)
  })

  it('the kernel: the PUT of "hello"', async () => {
    const arena = (await createKernel()).arena(64)
    const key = Uint8Array.from({ length: 32 }, (_, i) => i)
    arena.view(ENTRY.key, 32).set(key)
    arena.view(ENTRY.putHeaderBytes, 5).set(new TextEncoder().encode('hello'))
    arena.seal(0, 46, TAG.put)
    expect([...arena.view(0, 46)]).toEqual(put)
    expect(
      Buffer.from(put ?? [])
        .toString('hex')
        .startsWith('01ff028d2e00000000'),
    ).toBe(true)
  })

  it('the kernel, and the rule in plain numbers: the chunks of the example', async () => {
    const [, ends = ''] = section('## Chunks').match(/Its chunks end at\n\n {4}([\d ]+)\n/) ?? []
    const shown = ends.split(' ').map(Number)
    const digests = Array.from({ length: 64 }, (_, byte) => createHash('sha256').update(Uint8Array.of(byte)).digest())
    const content = Buffer.concat(digests)
    const sizes = { min: 64, average: 256, max: 400 }
    expect(chunkEnds(content, sizes)).toEqual(shown)
    const arena = (await createKernel()).arena(content.length)
    arena.view(0, content.length).set(content)
    const chunker = arena.chunker(sizes)
    const made: number[] = []
    for (let at = 0; at < content.length; made.push(at)) {
      at += chunker.cut(at, content.length - at) || content.length - at
    }
    expect(made).toEqual(shown)
  })

  it('the engine: every file of the worked example', async () => {
    const storage = await makeExample()
    const shown = new Map<string, Uint8Array>([['README', Buffer.from(README_TEXT)]])
    for (const [, kind, path = '', text = ''] of page.matchAll(/^```(hex|ini) (\S+)\n([^`]*)^```/gm)) {
      shown.set(path, kind === 'ini' ? Buffer.from(text) : hexDump(text))
    }
    expect([...shown.keys(), RESERVE_FILE].sort()).toEqual(await storage.paths())
    expect(await storage.contents(RESERVE_FILE)).toEqual(new Uint8Array(RESERVE_BYTES))
    for (const [path, bytes] of shown) {
      expect(Buffer.from(bytes).toString('hex'), path).toBe(Buffer.from(await storage.contents(path)).toString('hex'))
    }
    const log = Buffer.from(await storage.contents('data/0/0'))
    expect(log.includes(Buffer.from(put ?? []))).toBe(true)
  })

  /** Lines of `offset: bytes   meaning`; the offsets have to follow from the bytes. */
  function hexDump(text: string): Uint8Array {
    const bytes: number[] = []
    for (const line of text.trimEnd().split('\n')) {
      expect(line.slice(0, 4)).toBe(bytes.length.toString(16).padStart(4, '0'))
      bytes.push(...hexBytes(line.slice(6, 53)))
    }
    return Uint8Array.from(bytes)
  }
})
