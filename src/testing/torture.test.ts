/** The short form of the torture run; `npm run torture` is the long one. And a disk that is as bad as it says. */

import { describe, expect, test } from 'vitest'
import { Random } from './random.js'
import { SimulatedDisk } from './simulated-disk.js'
import type { Fault } from './simulated-opfs.js'
import { run } from './torture-run.js'

const CRASHES = 10_000

test(`after each of ${CRASHES} crashes the store holds what was acknowledged`, { timeout: 300_000 }, async () => {
  expect(await run({ seed: 1, count: CRASHES })).toBeGreaterThanOrEqual(CRASHES)
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

  test.each<{ name: string; fault: Fault; code: string }>([
    { name: 'throws', fault: 'error', code: 'IO' },
    { name: 'throws QuotaExceededError', fault: 'quota', code: 'QUOTA' },
    { name: 'answers a short count', fault: 'short', code: 'QUOTA' },
    { name: 'answers an error number', fault: 'number', code: 'QUOTA' },
  ])('keeps a part of a write that $name, which the driver calls $code', async ({ fault, code }) => {
    const disk = new SimulatedDisk()
    const file = await disk.open('a', { create: true })
    disk.kept = () => 3
    disk.onCall = () => fault
    expect(() => file.write(new Uint8Array(10), 0)).toThrow(expect.objectContaining({ code }))
    disk.onCall = () => undefined
    expect(file.size()).toBe(3)
  })

  test('fails every call on a handle that is gone, until the file is opened again', async () => {
    const disk = await written()
    const file = await disk.open('a')
    disk.onCall = (call) => (call === 'flush' ? 'gone' : undefined)
    for (const call of [
      () => file.flush(),
      () => file.size(),
      () => file.read(new Uint8Array(1), 0),
      () => file.truncate(0),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'IO' }))
    }
    expect((await disk.open('a')).size()).toBe(3000)
    file.close()
    await expect(disk.open('a')).rejects.toMatchObject({ code: 'LOCKED' })
  })

  test.each<{ fault: Fault; code: string }>([
    { fault: 'quota', code: 'QUOTA' },
    { fault: 'short', code: 'QUOTA' },
    { fault: 'number', code: 'QUOTA' },
  ])('writes as much as there is room for and fails with $code ($fault)', async ({ fault, code }) => {
    const disk = new SimulatedDisk()
    const file = await disk.open('a', { create: true })
    disk.whenFull = fault
    disk.room = (bytes) => Math.min(bytes, 3 - file.size())
    expect(() => file.write(new Uint8Array(10), 0)).toThrow(expect.objectContaining({ code }))
    expect(file.size()).toBe(3)
    expect(() => file.truncate(10)).toThrow(expect.objectContaining({ code }))
    expect(file.size()).toBe(3)
  })
})
