/**
 * The page of `npm run kill` (scripts/kill.mjs): does the steps that the script hands out, one after another, and tells when each is done. The script knows
 * what has to be in the store; this page only does and tells, until it is ended.
 */
import { isStoreError, openStore, type Store, type Transaction } from 'lodestore'
import type { Change, Commit } from '../../scripts/kill-model.mjs'
import type { Step } from '../../scripts/kill-steps.mjs'
import { bytesOf, type Value } from '../../scripts/values.mjs'
import { ask } from './ask.js'

/** What an inspection found: the SHA-256 under each key, and what is wrong. */
export interface Found {
  content: [key: string, digest: string][]
  findings: string[]
}

declare global {
  interface Window {
    startRound(round: number): void
    /** Ends the worker of the store, and with it the round. */
    endWorker(): void
  }
}

/** So small that segments are filled and compacted all the time, and that many values are cut into chunks. */
const SIZES = { maxSegmentSize: 200_000, chunkSizes: { min: 2048, average: 8192, max: 32_768 } }

let round: number | undefined
let worker: Worker | undefined

window.startRound = (number) => {
  round = number
  run(number).catch(async (error: Error) => {
    const failure = { round: number, code: isStoreError(error) ? error.code : undefined, message: String(error) }
    // When the script is gone there is nobody to tell.
    await ask('failed', JSON.stringify(failure)).catch(() => {})
  })
}

window.endWorker = () => {
  round = undefined
  worker?.terminate()
}

async function run(number: number): Promise<void> {
  const next = async (done: { step?: number; found?: Found }): Promise<Step | null> =>
    (await ask('step', JSON.stringify({ round: number, ...done }))).json()
  const opening = await next({})
  if (opening === null) return
  let store = await open(number)
  let step = await next({ step: opening.id, found: await inspect(store) })
  while (step !== null) {
    const held = store
    if (step.kind === 'commit') await Promise.all(step.commits.map((commit) => perform(held, commit)))
    else if (step.kind === 'compact') await store.compact({ threshold: step.threshold })
    else if (step.kind === 'reopen') {
      await store.close()
      store = await open(number)
    }
    step = await next({ step: step.id })
  }
}

async function open(number: number): Promise<Store> {
  const makeWorker = () => {
    if (round !== number) throw new Error('this round is over')
    worker = new Worker(new URL('../../dist/worker/worker.js', import.meta.url), { type: 'module' })
    return worker
  }
  for (;;) {
    try {
      return await openStore('kill', { ...SIZES, worker: makeWorker })
    } catch (error) {
      // On a busy machine a page that was closed may take its time to end. The script knows when that is too long.
      if (!isStoreError(error, 'LOCKED')) throw error
    }
  }
}

async function inspect(store: Store): Promise<Found> {
  const keys: string[] = []
  for await (const { key } of store.keys()) keys.push(key)
  const values = await store.getMany(keys)
  const digests = await Promise.all(values.map((value) => sha256(value ?? new Uint8Array())))
  const report = await store.check()
  return {
    content: keys.map((key, i) => [key, digests[i] ?? '']),
    findings: [...store.recovery.damaged, ...report.findings].map(({ message }) => message),
  }
}

async function perform(store: Store, { by, changes }: Commit): Promise<void> {
  if (by === 'call') for (const one of changes) await change(store, one)
  else if (by === 'many') {
    const values = changes.flatMap((one) => (one.call === 'delete' ? [] : [dataOf(one.value)]))
    if (values.length > 0) await store.putMany(values)
    else await store.deleteMany(changes.map(({ key }) => key))
  } else {
    const tx = await store.begin()
    for (const one of changes) await change(tx, one)
    await (by === 'rollback' ? tx.rollback() : tx.commit())
  }
}

async function change(target: Store | Transaction, one: Change): Promise<void> {
  if (one.call === 'delete') await target.delete(one.key)
  else if (one.call === 'set') await target.set(one.key, dataOf(one.value))
  else {
    const key = await target.put(dataOf(one.value))
    if (key !== one.key) throw new Error(`put gave the key ${key} instead of ${one.key}`)
  }
}

/** A page stores both. */
function dataOf(value: Value): Uint8Array<ArrayBuffer> | Blob {
  const bytes = bytesOf(value)
  return value.number % 4 === 0 ? new Blob([bytes]) : bytes
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
