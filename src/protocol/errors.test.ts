import { expect, test } from 'vitest'
import { StoreError } from '../errors.js'
import { decodeError, encodeError } from './errors.js'

/** Through a message port, as far as that changes anything. */
function cross(error: unknown): Error {
  return decodeError(structuredClone(encodeError(error)))
}

test('a StoreError arrives with its code, message, place and cause', () => {
  const cause = new DOMException('no more room', 'QuotaExceededError')
  const where = { key: 'ab'.repeat(32), segment: 7, offset: 4096 }
  const error = cross(new StoreError('QUOTA', 'the disk is full', { where, cause }))
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ code: 'QUOTA', message: 'the disk is full', where, name: 'QuotaExceededError' })
  expect(error.cause).toMatchObject({ name: 'QuotaExceededError', message: 'no more room' })
})

test('a StoreError without place and cause arrives without them', () => {
  const error = cross(new StoreError('CLOSED', 'the store is closed'))
  expect(error).toMatchObject({ code: 'CLOSED', name: 'StoreError', where: undefined })
  expect('cause' in error).toBe(false)
})

test.each([TypeError, RangeError, SyntaxError, Error])('a %o arrives as one', (Kind) => {
  const error = cross(new Kind('what came is no data'))
  expect(error).toBeInstanceOf(Kind)
  expect(error).toMatchObject({ name: Kind.name, message: 'what came is no data' })
})

test('an error of a class that is not known here keeps its name', () => {
  class TooTired extends Error {
    override name = 'TooTired'
  }
  expect(cross(new TooTired('tomorrow'))).toMatchObject({ name: 'TooTired', message: 'tomorrow' })
})

test('the stack says where it went wrong, not where the message was read', () => {
  const thrown = new StoreError('IO', 'the disk is gone')
  expect(cross(thrown).stack).toBe(thrown.stack)
})

test('a chain of causes arrives whole', () => {
  const root = new StoreError('IO', 'root', {
    where: { file: 'head' },
    cause: { errno: 5, bytes: new Uint8Array([1]) },
  })
  const error = cross(new StoreError('CORRUPT', 'top', { cause: new TypeError('middle', { cause: root }) }))
  const middle = error.cause as Error
  expect(middle).toBeInstanceOf(TypeError)
  expect(middle.cause).toBeInstanceOf(StoreError)
  expect(middle.cause).toMatchObject({ code: 'IO', where: { file: 'head' } })
  expect((middle.cause as Error).cause).toEqual({ errno: 5, bytes: new Uint8Array([1]) })
})

test('a cause that cannot be cloned arrives as its text', () => {
  const error = cross(new StoreError('IO', 'top', { cause: () => 42 }))
  expect(error.cause).toBeInstanceOf(Error)
  expect((error.cause as Error).message).toContain('42')
})

test('a cause that refuses even to become text arrives all the same', () => {
  const cause = Object.assign(Object.create(null), { run: () => 1 })
  expect((cross(new StoreError('IO', 'top', { cause })).cause as Error).message).toBe('[object Object]')
})

test('a ring of causes ends', () => {
  const first = new Error('first')
  const second = new Error('second', { cause: first })
  first.cause = second
  let depth = 0
  for (let error: unknown = cross(first); error instanceof Error; error = error.cause) depth++
  expect(depth).toBeGreaterThan(2)
  expect(depth).toBeLessThan(20)
})

test.each([
  ['a text', 'a text'],
  [undefined, 'undefined'],
  [Symbol('odd'), 'Symbol(odd)'],
])('%o, thrown instead of an error, arrives as the message of one', (thrown, message) => {
  expect(cross(thrown)).toMatchObject({ name: 'Error', message })
})
