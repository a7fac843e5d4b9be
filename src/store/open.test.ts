/** Which files an opening opens: each once, side by side where none waits for another, and none is left open by one that fails. */

import { beforeEach, expect, test } from 'vitest'
import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import { noise } from '../testing/bytes.js'
import { ObservedStorage } from '../testing/observed-storage.js'
import { openEngine } from './engine.js'

let storage: ObservedStorage

/** A store that was closed, with a checkpoint of all that is in it. */
beforeEach(async () => {
  storage = new ObservedStorage(memoryStorage())
  const engine = await openEngine(storage)
  for (const value of ['one', 'two']) await engine.put(value)
  await engine.close()
  storage.calls.length = 0
})

const paths = (kind: string) => storage.calls.filter((call) => call.kind === kind).map(({ path }) => path)
const turn = () => new Promise<void>((resume) => setImmediate(resume))

test('an opening opens each file once and asks for the names in each directory once', async () => {
  await openEngine(storage)
  expect(paths('open').sort()).toEqual(['README', 'config', 'data/0/0', 'head', 'index.0'])
  expect(paths('list').sort()).toEqual(['', 'data', 'data/0'])
  expect(storage.openPaths).toEqual(['README', 'data/0/0', 'head'])
})

test('so does one that finds the checkpoint lost and many segments', async () => {
  await storage.clear()
  const engine = await openEngine(storage, { maxSegmentSize: 4096 })
  for (let i = 0; i < 4; i++) await engine.put(noise(4000, i))
  await engine.close()
  await storage.remove('index.3')
  storage.calls.length = 0
  expect((await openEngine(storage)).recovery).toMatchObject({ source: 'log', replayed: { segments: 4 } })
  const segments = [0, 1, 2, 3].map((segment) => `data/0/${segment}`)
  expect(paths('open').sort()).toEqual(['README', 'config', ...segments, 'head'])
})

test('a file in a directory that is not its own is looked at, and closed again', async () => {
  await storage.replace('data/7/7', new Uint8Array(200))
  await openEngine(storage)
  expect(paths('open')).toContain('data/7/7')
  expect(storage.openPaths).toEqual(['README', 'data/0/0', 'head'])
})

test('README is open before anything else is asked for; what does not need the names comes with them, the rest after them', async () => {
  let waiting: { call: string; go: () => void }[] = []
  storage.before = ({ kind, path }) => {
    if (kind !== 'open' && kind !== 'list') return
    return new Promise((go) => waiting.push({ call: `${kind} ${path}`, go }))
  }
  const opening = openEngine(storage, { kernel: await createKernel() })
  const together: string[][] = []
  // All that is asked for while nothing is answered goes together.
  for (await turn(); waiting.length > 0; await turn()) {
    const calls = waiting
    waiting = []
    together.push(calls.map(({ call }) => call))
    for (const { go } of calls) go()
  }
  await opening
  expect(together).toEqual([
    ['open README'],
    ['open config', 'open head', 'list ', 'list data'],
    ['list data/0'],
    ['open index.0', 'open data/0/0'],
  ])
})

test.each(['at once', 'late'])(
  'an opening that fails closes all that it opened, what comes %s as well',
  async (when) => {
    for (let failing = 1, isOpen = false; !isOpen; failing++) {
      let count = 0
      storage.before = ({ kind, path }) => {
        if (kind === 'close') return
        if (++count === failing) throw new Error(`${kind} ${path} fails`)
        if (kind === 'open' && when === 'late') return turn()
      }
      const engine = await openEngine(storage).catch((error) => void expect(error.message).toMatch(/ fails$/))
      storage.before = () => undefined
      isOpen = engine !== undefined
      await engine?.close()
      expect(storage.openPaths).toEqual([])
      if (failing > 1) expect(paths('close').at(-1)).toBe('README') // the lock is the last
    }
  },
)
