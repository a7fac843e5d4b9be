/**
 * The page of `npm run webkit` (scripts/webkit.mjs): the cases of the engine and of storages in memory, and calls through the page's side and its worker.
 * All of it runs by itself; the script is told what came of each case.
 */
import { listStores, openStore, type Store } from 'lodestore'
import { memoryStorage } from '../../src/storage/memory.js'
import { equal } from '../../src/testing/check.js'
import { conformanceCases } from '../../src/testing/conformance.js'
import { engineCases, runEngineCase } from '../../src/testing/engine-cases.js'
import { LARGE, readAll, same, sha256 } from '../../src/testing/large-content.js'
import { ask } from './ask.js'

/** What `ask('case')` sends. */
export interface CaseResult {
  name: string
  failure?: string
}

const CASE_MS_MAX = 60_000

type Case = { name: string; run(): Promise<void> }

/** A call hangs nobody for ever. */
async function runCase({ name, run }: Case): Promise<CaseResult> {
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('it does not end')), CASE_MS_MAX))
  try {
    await Promise.race([run(), late])
    return { name }
  } catch (error) {
    return { name, failure: error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error) }
  }
}

const large = new Uint8Array(LARGE).map((_, i) => Math.imul(i, 2654435761) >>> 13)

/** Through a message port to the worker and back, on a store of its own. */
const calls: Record<string, (store: Store) => Promise<void>> = {
  async 'contents of all kinds come back as they went in'(store) {
    const sources = [
      large,
      new Blob([large]),
      new File([large], 'a file'),
      new Blob([large]).stream(),
      new Response(large),
    ]
    for (const source of sources) equal(await store.put(source), await sha256(large), 'key')
    equal((await store.stats()).count, 1, 'contents')
    await same(await store.get(await sha256(large)), large, 'the whole')
    await same(await readAll(await store.stream(await sha256(large))), large, 'as a stream')
    await same(new Uint8Array((await (await store.blob(await sha256(large)))?.arrayBuffer()) ?? []), large, 'as a Blob')
  },
  async 'many small values come back in the order of their keys'(store) {
    const texts = Array.from({ length: 20_000 }, (_, i) => `${i} `.repeat(i % 300))
    const keys = await store.putMany(texts)
    const values = await store.getMany(keys.toReversed())
    const found = values.map((bytes) => new TextDecoder().decode(bytes)).reverse()
    equal(
      found.every((text, i) => text === texts[i]),
      true,
      'all as they were',
    )
  },
  async 'a range is answered by a part'(store) {
    const key = await store.put(large)
    const answer = await store.response(
      key,
      new Request(location.href, { headers: { Range: 'bytes=5000000-5000009' } }),
    )
    equal([answer.status, answer.headers.get('Content-Range')], [206, `bytes 5000000-5000009/${LARGE}`], 'the answer')
    equal(new Uint8Array(await answer.arrayBuffer()), large.slice(5_000_000, 5_000_010), 'its bytes')
  },
  async 'a transaction happens or does not, names and contents'(store) {
    const key = await store.transaction(async (tx) => {
      const stored = await tx.put('in a transaction')
      await tx.refs.set('a name', stored, { kind: 'text' })
      return stored
    })
    const undone = store.transaction(async (tx) => {
      await tx.refs.delete('a name')
      throw new RangeError('no')
    })
    equal(await undone.catch((error) => error.message), 'no', 'the error')
    equal(await store.refs.get('a name'), { name: 'a name', key, meta: { kind: 'text' } }, 'the name')
  },
  async 'what is aborted says so, and the store goes on'(store) {
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(1000)) })
    const code = await store.put(endless, { signal: AbortSignal.timeout(100) }).catch((error) => error.code)
    equal(code, 'ABORTED', 'code')
    equal([(await store.check()).clean, (await store.stats()).count], [true, 0], 'the store')
  },
  async 'without a private file system the error says so'() {
    if (navigator.storage?.getDirectory !== undefined) return
    equal(await openStore('on-disk').catch((error) => error.code), 'UNSUPPORTED', 'opening')
    equal(await listStores().catch((error) => error.code), 'UNSUPPORTED', 'listing')
  },
}

async function inStore(run: (store: Store) => Promise<void>): Promise<void> {
  await using store = await openStore('in-memory', { storage: 'memory' })
  await run(store)
}

const cases: Case[] = [
  ...engineCases.map((one) => ({ name: `engine: ${one.name}`, run: () => runEngineCase(one, memoryStorage()) })),
  ...conformanceCases.map(({ name, run }) => {
    const storage = memoryStorage()
    return { name: `storage: ${name}`, run: () => run({ storage, reopen: async () => storage }) }
  }),
  ...Object.entries(calls).map(([name, run]) => ({ name: `page: ${name}`, run: () => inStore(run) })),
]

for (const one of cases) await ask('case', JSON.stringify(await runCase(one)))
await ask('end', JSON.stringify({ count: cases.length, browser: navigator.userAgent }))
