/**
 * `npm run kill`, a few kills long, and the model that judges it: that it finds each fault there can be, and finds none where there is none.
 */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect, test } from '@playwright/test'
import { type Commit, KillModel } from '../scripts/kill-model.mjs'

test('no commit that was acknowledged is lost when the browser is killed', async ({ browserName }) => {
  // Six launches of a browser, on a machine that does other things too.
  test.setTimeout(240_000)
  const args = ['scripts/kill.mjs', '--browser', browserName, '--times', '3']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const status = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(await status, output + errors).toBe(0)
  expect(output).toContain('3 of 3 kills')
  expect(output).toContain('browser 3, worker 1, page 1, reload 1')
  expect(output).toContain('0 lost')
})

const KEYS = { a: 'aa'.repeat(32), b: 'bb'.repeat(32) }
const value = { number: 1, size: 1 }

function set(key: keyof typeof KEYS, digest: string) {
  return { call: 'set', key: KEYS[key], value, digest } as const
}

function deletion(key: keyof typeof KEYS) {
  return { call: 'delete', key: KEYS[key] } as const
}

const cases: {
  name: string
  acknowledged?: Commit['changes']
  flying?: Commit
  found: Partial<Record<keyof typeof KEYS, string>>
  faults: string[]
}[] = [
  {
    name: 'what was acknowledged is there',
    acknowledged: [set('a', 'old'), set('b', 'b'), set('a', 'new')],
    found: { a: 'new', b: 'b' },
    faults: [],
  },
  {
    name: 'what was acknowledged is gone',
    acknowledged: [set('a', '1'), set('b', '2')],
    found: { b: '2' },
    faults: [`lost: ${KEYS.a}`],
  },
  {
    name: 'an old value is back',
    acknowledged: [set('a', 'old'), set('a', 'new')],
    found: { a: 'old' },
    faults: [`wrong value: ${KEYS.a}`],
  },
  {
    name: 'what was deleted is back',
    acknowledged: [set('a', '1'), deletion('a')],
    found: { a: '1' },
    faults: [`never committed: ${KEYS.a}`],
  },
  { name: 'something is there that nobody stored', found: { a: '1' }, faults: [`never committed: ${KEYS.a}`] },
  {
    name: 'a commit in flight is there',
    acknowledged: [set('a', 'old')],
    flying: { by: 'transaction', changes: [set('a', 'new'), set('b', '2')] },
    found: { a: 'new', b: '2' },
    faults: [],
  },
  {
    name: 'a commit in flight is not there',
    acknowledged: [set('a', 'old')],
    flying: { by: 'transaction', changes: [set('a', 'new'), set('b', '2')] },
    found: { a: 'old' },
    faults: [],
  },
  {
    name: 'half of a commit in flight is there',
    acknowledged: [set('a', 'old')],
    flying: { by: 'transaction', changes: [set('a', 'new'), set('b', '2')] },
    found: { a: 'old', b: '2' },
    faults: [`never committed: ${KEYS.b}`],
  },
  {
    name: 'half of a deletion in flight is there',
    acknowledged: [set('a', '1'), set('b', '2')],
    flying: { by: 'many', changes: [deletion('a'), deletion('b')] },
    found: { a: '1' },
    faults: [`lost: ${KEYS.b}`],
  },
  {
    name: 'what was rolled back is there',
    flying: { by: 'rollback', changes: [set('a', '1')] },
    found: { a: '1' },
    faults: [`never committed: ${KEYS.a}`],
  },
]

for (const { name, acknowledged = [], flying, found, faults } of cases) {
  test(`the model says ${faults.length > 0 ? 'what is wrong' : 'nothing'} when ${name}`, () => {
    const model = new KillModel()
    model.begin(1, [{ by: 'transaction', changes: acknowledged }])
    model.acknowledge(1)
    model.begin(2, flying ? [flying] : [])
    expect(model.settle(content(found))).toEqual(faults)
    // Found once, it must stay.
    expect(model.settle(content(found))).toEqual([])
    expect(model.settle(new Map()).length).toBe(Object.keys(found).length)
  })
}

test('the model takes commits of one step apart', () => {
  const model = new KillModel()
  model.begin(1, [
    { by: 'call', changes: [set('a', '1')] },
    { by: 'call', changes: [set('b', '2')] },
  ])
  expect(model.settle(content({ b: '2' }))).toEqual([])
})

function content(found: Partial<Record<keyof typeof KEYS, string>>): Map<string, string> {
  return new Map(Object.entries(found).map(([key, digest]) => [KEYS[key as keyof typeof KEYS], digest]))
}
