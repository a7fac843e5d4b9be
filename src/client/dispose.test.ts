import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

test('where the platform has Symbol.asyncDispose, it is that', async () => {
  const { asyncDispose } = await import('./dispose.js')
  expect(asyncDispose).toBe(Symbol.asyncDispose)
})

test('where the platform lacks it, the page loads, and no method is named "undefined"', async () => {
  const real = Symbol
  const older = (description?: string) => real(description)
  for (const name of ['for', 'iterator', 'asyncIterator', 'toStringTag', 'hasInstance', 'species'] as const) {
    Object.defineProperty(older, name, { value: real[name] })
  }
  vi.stubGlobal('Symbol', older)
  vi.resetModules()
  const { asyncDispose } = await import('./dispose.js')
  const { RemoteStore } = await import('./store.js')
  const { RemoteTransaction } = await import('./transaction.js')
  expect(typeof asyncDispose).toBe('symbol')
  for (const { prototype } of [RemoteStore, RemoteTransaction]) {
    expect(asyncDispose in prototype).toBe(true)
    expect('undefined' in prototype).toBe(false)
  }
})
