/** Every bit of a small store flipped, every file cut at every byte, lost, doubled and swapped; with its checkpoint and without. */

import { describe, expect, test } from 'vitest'
import { decodeConfig } from '../format/config.js'
import { createKernel } from '../kernel/kernel.js'
import {
  entriesIn,
  examine,
  type Files,
  isSegment,
  keysTouched,
  mend,
  mendInterrupted,
  type Specimen,
  specimen,
  type Verdict,
  withoutCheckpoint,
} from './damage.js'
import { RecyclingKernel } from './recycling-kernel.js'

const kernel = new RecyclingKernel(await createKernel())
const whole = await specimen(kernel, 'a part')
const EVERY_BIT = [0, 1, 2, 3, 4, 5, 6, 7]
/** What the store has, and which bits of each byte are flipped: all of them once, as the others read the same files, more or less of them. */
const STATES: [string, Files, readonly number[]][] = [
  ['with a checkpoint and a log behind it', whole.files, EVERY_BIT],
  ['with a checkpoint of all there is', (await specimen(kernel, 'all')).files, [3]],
  ['with its checkpoint lost', withoutCheckpoint(whole.files), [0, 5]],
]

/** Losing a checkpoint costs time only, and a config may say the same in other letters: then nobody has to say so. */
function isHarmless(path: string, bytes: Uint8Array): boolean {
  if (path.startsWith('index.')) return true
  if (path !== 'config') return false
  const text = (of: Uint8Array | undefined) => new TextDecoder().decode(of)
  try {
    return JSON.stringify(decodeConfig(text(bytes))) === JSON.stringify(decodeConfig(text(whole.files.get(path))))
  } catch {
    return false
  }
}

async function survives(files: Files, verdict: Verdict, what: string): Promise<void> {
  try {
    await examine(kernel, whole as Specimen, files, verdict)
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
  }
}

/** Damage of every kind, thinned out: repair rewrites the store each time. */
function* sample(files: Files): Generator<[string, Files, Verdict]> {
  for (const [path, bytes] of files) {
    for (let at = 0; at < bytes.length; at += 3) {
      const flipped = bytes.slice()
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
      const touched = keysTouched(files, path, at, at + 1)
      yield [`${path}, byte ${at} flipped`, new Map([...files, [path, flipped]]), { touched, mayDoubt: false }]
    }
    const ends = isSegment(path) ? Array.from(entriesIn(bytes), ({ at }) => at) : []
    for (let size = 0; size < bytes.length; size++) {
      if (size % 11 > 0 && !ends.includes(size)) continue
      const touched = keysTouched(files, path, size, bytes.length)
      yield [`${path} cut at ${size}`, new Map([...files, [path, bytes.slice(0, size)]]), { touched, mayDoubt: true }]
    }
    const touched = keysTouched(files, path, 0, bytes.length)
    yield [`${path} lost`, new Map([...files].filter(([other]) => other !== path)), { touched, mayDoubt: true }]
  }
}

test('the specimen has what damage can hit: segments, a checkpoint, a log behind it, replaced and deleted keys', () => {
  const paths = [...whole.files.keys()]
  expect(paths.filter(isSegment).length).toBeGreaterThanOrEqual(3)
  expect(paths.filter((path) => path.startsWith('index.')).length).toBe(1)
  expect(paths).toEqual(expect.arrayContaining(['README', 'config', 'head']))
  expect(whole.values.size).toBeGreaterThanOrEqual(8)
  expect(whole.deleted.length).toBeGreaterThanOrEqual(4)
})

describe.each(STATES)('a store %s', (_, files, bits) => {
  const segments = [...files.keys()].filter(isSegment)

  test('has any one bit flipped and loses at most the entry it is in', { timeout: 300_000 }, async () => {
    for (const [path, bytes] of files) {
      for (let at = 0; at < bytes.length; at++) {
        const touched = keysTouched(files, path, at, at + 1)
        for (const bit of bits) {
          const damaged = bytes.slice()
          damaged[at] = (damaged[at] as number) ^ (1 << bit)
          await survives(
            new Map([...files, [path, damaged]]),
            { touched, mayDoubt: false, silent: path === 'config' && isHarmless(path, damaged) },
            `${path}, byte ${at}, bit ${bit}`,
          )
        }
      }
    }
  })

  test('has any one file cut at any byte and loses at most what was cut off', { timeout: 300_000 }, async () => {
    for (const [path, bytes] of files) {
      for (let size = 0; size < bytes.length; size++) {
        const touched = keysTouched(files, path, size, bytes.length)
        const cut = new Map([...files, [path, bytes.slice(0, size)]])
        await survives(
          cut,
          { touched, mayDoubt: true, silent: isHarmless(path, bytes.slice(0, size)) },
          `${path} cut at ${size}`,
        )
      }
    }
  })

  test('loses any one file', async () => {
    for (const [path, bytes] of files) {
      const left = new Map([...files].filter(([other]) => other !== path))
      const touched = keysTouched(files, path, 0, bytes.length)
      await survives(left, { touched, mayDoubt: true, silent: isHarmless(path, new Uint8Array(0)) }, `${path} lost`)
    }
  })

  test('has any two files swapped, or one in the place of another', async () => {
    for (const a of files.keys()) {
      for (const b of files.keys()) {
        if (a === b) continue
        const [first, second] = [files.get(a) as Uint8Array, files.get(b) as Uint8Array]
        const touched = new Set([a, b].flatMap((path) => [...keysTouched(files, path, 0, Number.POSITIVE_INFINITY)]))
        const verdict = { touched, mayDoubt: true, silent: [a, b].some((path) => path.startsWith('index.')) }
        await survives(new Map([...files, [a, second], [b, first]]), verdict, `${a} and ${b} swapped`)
        await survives(new Map([...files, [a, second]]), verdict, `${b} in the place of ${a}`)
      }
    }
  })

  test('is repaired, and keeps all that can be proven good', { timeout: 300_000 }, async () => {
    for (const [what, damaged, verdict] of sample(files)) {
      await mend(kernel, whole, damaged, verdict).catch((error: Error) => {
        throw new Error(`${what}: ${error.message}`, { cause: error })
      })
    }
  })

  test('is repaired in the end when the repair is interrupted anywhere', { timeout: 300_000 }, async () => {
    let interruptions = 0
    for (const [i, [what, damaged, verdict]] of [...sample(files)].entries()) {
      if (i % 40 !== 0) continue
      interruptions += await mendInterrupted(kernel, whole, damaged, verdict).catch((error: Error) => {
        throw new Error(`${what}: ${error.message}`, { cause: error })
      })
    }
    expect(interruptions).toBeGreaterThan(500)
  })

  test('has a stretch of zeros, as a lost sector leaves it, anywhere in a segment', async () => {
    for (const path of segments) {
      const bytes = files.get(path) as Uint8Array
      for (let at = 0; at + 64 <= bytes.length; at += 16) {
        const damaged = bytes.slice()
        damaged.fill(0, at, at + 64)
        const touched = keysTouched(files, path, at, at + 64)
        await survives(new Map([...files, [path, damaged]]), { touched, mayDoubt: true }, `${path}, zeros at ${at}`)
      }
    }
  })
})
