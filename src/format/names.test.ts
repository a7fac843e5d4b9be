import { expect, test } from 'vitest'
import { checkStoreName, isStoreName } from './names.js'

test.each(['a', 'photos', 'A.b_c-9', '...', '.hidden', '-', 'x'.repeat(128), '__proto__'])(
  '%j names a store',
  (name) => {
    expect(isStoreName(name)).toBe(true)
    expect(checkStoreName(name)).toBe(name)
  },
)

test.each([
  '',
  '.',
  '..',
  'x'.repeat(129),
  'a/b',
  'a\\b',
  'a b',
  'a\n',
  'a\0',
  'ä',
  '\u{1f4f7}',
  'a:b',
  '*',
  undefined,
  null,
  7,
  ['a'],
])('%j is BAD_NAME', (name) => {
  expect(isStoreName(name)).toBe(false)
  expect(() => checkStoreName(name)).toThrow(expect.objectContaining({ code: 'BAD_NAME' }))
})
