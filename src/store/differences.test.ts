/** The comparison of the state in use with the log's: each way in which they can differ is told, and a thousand are enough. */

import { expect, it } from 'vitest'
import { TAG } from '../format/entry.js'
import { keyHex } from '../format/key.js'
import { createKernel } from '../kernel/kernel.js'
import { LogState } from '../log/state.js'
import { differences } from './differences.js'

const kernel = await createKernel()
const name = (number: number) => Buffer.alloc(32, 1).fill(String(number).padStart(6, '0'), 26)
const put = (state: LogState, number: number, offset: number, size = 50, segment = 0) => {
  state.apply(TAG.put, name(number), 0, { segment, offset, size })
  state.segment(segment).bytes = 1000
}

function filled(change: (state: LogState) => void): LogState {
  const state = new LogState(kernel, 1n)
  put(state, 1, 100)
  put(state, 2, 150)
  put(state, 2, 200)
  change(state)
  return state
}

const DIFFERENCES: [string, (state: LogState) => void, { message: RegExp; key?: string }[]][] = [
  ['nothing', () => {}, []],
  [
    'the place of a key',
    (state) => state.keys.set(name(1), 0, 0, 101, 50),
    [{ message: /^the index has another place/, key: keyHex(name(1)) }],
  ],
  [
    'the size of a key',
    (state) => state.keys.set(name(1), 0, 0, 100, 51),
    [{ message: /^the index has another place/, key: keyHex(name(1)) }],
  ],
  [
    'a key that the index lacks',
    (state) => state.keys.delete(name(1), 0),
    [{ message: /^the index does not have a key/, key: keyHex(name(1)) }],
  ],
  [
    'a key that the log lacks',
    (state) => state.keys.set(name(3), 0, 0, 300, 50),
    [{ message: /^the index has another place/, key: keyHex(name(3)) }],
  ],
  [
    'the number of older values',
    (state) => state.shadows.delete(name(2), 0),
    [{ message: /^the list of shadowed keys does not have/, key: keyHex(name(2)) }],
  ],
  [
    'live bytes of a segment',
    (state) => {
      state.segment(0).liveBytes--
    },
    [{ message: /^segment 0: 99 of 1000 bytes live, in the log 100 of 1000$/ }],
  ],
  [
    'bytes of a segment',
    (state) => {
      state.segment(0).bytes++
    },
    [{ message: /^segment 0: 100 of 1001 bytes live, in the log 100 of 1000$/ }],
  ],
  [
    'a segment that the log lacks',
    (state) => {
      state.segment(7)
    },
    [{ message: /^segment 7: 0 of 0 bytes live, in the log undefined/ }],
  ],
  [
    'a segment that the state lacks',
    (state) => state.segments.delete(0),
    [{ message: /^segment 0 is in the log only$/ }],
  ],
]

it.each(DIFFERENCES)('%s', (_, change, expected) => {
  const found = differences(
    filled(change),
    filled(() => {}),
  )
  expect(found).toEqual(
    expected.map(({ message, ...rest }) => ({ kind: 'index', message: expect.stringMatching(message), ...rest })),
  )
})

it('more than a thousand are not listed', () => {
  const used = filled((state) => {
    for (let number = 10; number < 1500; number++) put(state, number, number * 50)
  })
  expect(
    differences(
      used,
      filled(() => {}),
    ).length,
  ).toBe(1000)
})
