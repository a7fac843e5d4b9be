/**
 * Cases for a browser in which garbage is collected all the time: e2e/collection.spec.ts launches it so that scripts can ask for that,
 * storage-worker.ts runs them.
 */
import { piecesOf } from '../../src/store/pieces.js'
import type { ConformanceCase } from '../../src/testing/conformance.js'

/** As long as a function is interpreted, all that it has in hand is held; compiled, it holds what it still uses. */
const OPENINGS_TO_COMPILE = 4000
const OPENINGS = 20
const READINGS = 20
const BLOB_BYTES = 4 * 1024 * 1024
const MILLISECONDS_MAX = 40_000

export const collectionCases: readonly ConformanceCase[] = [
  {
    name: 'a file is opened, whatever is collected meanwhile',
    async run({ storage }) {
      const open = async () => (await storage.open('data/file', { create: true })).close()
      if (collect) for (let i = 0; i < OPENINGS_TO_COMPILE; i++) await open()
      await whileCollecting(OPENINGS, open)
    },
  },
  {
    name: 'a file is read as a Blob, whatever is collected meanwhile',
    async run({ storage }) {
      const file = await storage.open('file', { create: true })
      file.write(new Uint8Array(BLOB_BYTES), 0)
      file.close()
      await whileCollecting(READINGS, async () => {
        const blob = (await storage.blob?.('file')) ?? new Blob([new Uint8Array(BLOB_BYTES)])
        let bytes = 0
        for await (const piece of piecesOf(blob)) bytes += piece.length
        if (bytes !== BLOB_BYTES) throw new Error(`${bytes} bytes came`)
      })
    },
  },
]

const { gc: collect } = globalThis as { gc?: () => void }

/** Nothing here holds what is under way: that is the business of what is tested. */
async function whileCollecting(times: number, act: () => Promise<void>): Promise<void> {
  let done = 0
  let failure: { error: unknown } | undefined
  const begin = performance.now()
  for (let started = 0; done < times; ) {
    if (started === done) {
      started++
      act().then(
        () => done++,
        (error) => {
          failure = { error }
        },
      )
    }
    collect?.()
    await nextMessage()
    if (failure) throw failure.error
    if (performance.now() - begin > MILLISECONDS_MAX)
      throw new Error(`${done} of ${times} have ended, the next never does`)
  }
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
