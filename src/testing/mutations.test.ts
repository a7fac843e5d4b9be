/** The list of `npm run mutate` is held to the source: a check that changes, moves or goes must change its line in the list. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

interface Mutation {
  file: string
  text: string
  replacement: string
  taken: string
  tests: string[]
}

const list = new URL('../../scripts/mutations.mjs', import.meta.url)
const { MUTATIONS }: { MUTATIONS: readonly Mutation[] } = await import(list.href)
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('the check that', () => {
  for (const { file, text, replacement, taken, tests } of MUTATIONS) {
    it(`${taken}, stands in ${file} once`, () => {
      expect(read(file).split(text).length - 1, text).toBe(1)
      expect(replacement).not.toBe(text)
      for (const test of tests) expect(read(test).length, test).toBeGreaterThan(0)
    })
  }

  it('is taken out is named once, and is one of twenty or more', () => {
    expect(new Set(MUTATIONS.map(({ taken }) => taken)).size).toBe(MUTATIONS.length)
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(20)
  })
})
