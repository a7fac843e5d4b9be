/**
 * A conformance case for a browser in which garbage is collected all the time: e2e/collection.spec.ts launches it so that scripts can ask for that,
 * storage-worker.ts runs it.
 */
import type { ConformanceCase } from '../../src/testing/conformance.js'

/** As long as a function is interpreted, all that it has in hand is held; compiled, it holds what it still uses. */
const OPENINGS_TO_COMPILE = 4000
const OPENINGS = 20
const MILLISECONDS_MAX = 40_000

export const collectionCase: ConformanceCase = {
  name: 'a file is opened, whatever is collected meanwhile',
  async run({ storage }) {
    const { gc } = globalThis as { gc?: () => void }
    const open = async () => (await storage.open('data/file', { create: true })).close()
    if (gc) for (let i = 0; i < OPENINGS_TO_COMPILE; i++) await open()
    let opened = 0
    const opening = (async () => {
      for (; opened < OPENINGS; opened++) await open()
    })()
    const begin = performance.now()
    while (opened < OPENINGS) {
      gc?.()
      await Promise.race([opening, nextMessage()])
      if (performance.now() - begin > MILLISECONDS_MAX) throw new Error(`opening ${opened} never ends`)
    }
  },
}

/** Sooner than a timer, of which browsers make some milliseconds: opening a file takes one. */
function nextMessage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}
