/**
 * Vitest: where a string is expected to equal a pattern, as in `toMatchObject({ message: /full/ })`, it has to match it. Without this
 * `toMatchObject` takes a pattern for an object without properties of its own, which everything equals. Loaded before all unit tests.
 */
import { expect } from 'vitest'

expect.addEqualityTesters([
  (received, expected) => {
    if (expected instanceof RegExp && typeof received === 'string') return expected.test(received)
  },
])
