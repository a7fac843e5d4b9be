/** The short form of the torture run; `npm run torture` is the long one. And a disk that is as bad as it says. */

import { describe, expect, test } from 'vitest'
import { Random } from './random.js'
import { SimulatedDisk } from './simulated-disk.js'
import { torture } from './torture-run.js'

const CRASHES = 10_000

test(`after each of ${CRASHES} crashes the store holds what was acknowledged`, { timeout: 300_000 }, async () => {
  const { crashes } = await torture({ seed: 1, crashes: CRASHES })
  expect(crashes).toBeGreaterThanOrEqual(CRASHES)
})

describe('the simulated disk', () => {
  async function written(): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk()
    const file = await disk.open('a', { create: true })
    file.write(new Uint8Array(2000).fill(1), 0)
    await file.flush()
    file.write(new Uint8Array(2000).fill(2), 1000)
    file.close()
    return disk
  }

  /** The different contents of a file that crashes leave. */
  async function leftovers(disk: SimulatedDisk, path: string): Promise<Set<string>> {
    const found = new Set<string>()
    for (let seed = 0; seed < 200; seed++) {
      const after = SimulatedDisk.crash(disk.snapshot(), new Random(seed), 'something').contents().get(path)
      found.add(after === undefined ? 'gone' : `${after.length}: ${Buffer.from(after).toString('hex')}`)
    }
    return found
  }

  test('keeps what was flushed in every crash', async () => {
    for (const left of await leftovers(await written(), 'a')) expect(left).toMatch(/: (01){1000}/)
  })

  test('keeps, loses and tears what was not', async () => {
    const found = await leftovers(await written(), 'a')
    expect(found).toContain(`2000: ${'01'.repeat(2000)}`)
    expect(found).toContain(`3000: ${'01'.repeat(1000)}${'02'.repeat(2000)}`)
    expect(found.size).toBeGreaterThan(10)
  })

  test('may lose a file that was never flushed, and bring back one that was removed', async () => {
    const disk = await written()
    const file = await disk.open('b', { create: true })
    file.write(new Uint8Array([1]), 0)
    file.close()
    await disk.remove('a')
    expect(await leftovers(disk, 'b')).toContain('gone')
    expect(await leftovers(disk, 'a')).toEqual(new Set(['gone', `2000: ${'01'.repeat(2000)}`]))
  })

  test('writes as much as there is room for and fails with QUOTA', async () => {
    const disk = new SimulatedDisk()
    const file = await disk.open('a', { create: true })
    disk.room = () => 3
    expect(() => file.write(new Uint8Array(10), 0)).toThrow(expect.objectContaining({ code: 'QUOTA' }))
    expect(file.size()).toBe(3)
  })
})
