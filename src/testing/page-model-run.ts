/**
 * The run of the page's side: random calls through a message port on the engine in memory, together and one after the other, with sources
 * that fail or stick and signals that fire when they like; then the store is closed, or the worker dies. Every call has to settle as it may,
 * every source has to be told of its end, nothing may be left unhandled, and the store has to hold what was acknowledged and nothing that was
 * refused. One seed is one store, and repeats all of it. Called by the short form in the unit tests and by `npm run page-model`.
 */

import { createKernel } from '../kernel/kernel.js'
import { memoryStorage } from '../storage/memory.js'
import type { Storage } from '../storage/storage.js'
import { type Engine, openEngine } from '../store/engine.js'
import { subjectOf } from './page-calls.js'
import { CHUNK_SIZES, Contents, sha256, withUnreadableBlobs } from './page-contents.js'
import { Drivers } from './page-drivers.js'
import type { History, Value } from './page-history.js'
import { connectPage } from './page-port.js'
import type { Group } from './page-readers.js'
import { Round } from './page-round.js'
import { turns } from './page-sources.js'
import { Random } from './random.js'
import { RecyclingKernel } from './recycling-kernel.js'
import { type RunOptions, runSeeds } from './seeds.js'

const ROUNDS_A_SEED = 12
const CALLS_MAX = 12
/** What is unhandled is known of after so many. */
const TURNS_AFTER = 5

/** Throws at the first failure, with the seed in the message; answers how many calls there were. */
export async function run(options: RunOptions): Promise<number> {
  const kernel = new RecyclingKernel(await createKernel())
  return await withUnreadableBlobs(() => runSeeds(options, (seed) => runSeed(kernel, seed)))
}

async function runSeed(kernel: RecyclingKernel, seed: number): Promise<number> {
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  const random = new Random(seed)
  const contents = new Contents(random)
  const storage = memoryStorage()
  let held: ReadonlyMap<string, string> = new Map()
  let calls = 0
  try {
    for (let round = 0; round < ROUNDS_A_SEED; round++) {
      try {
        const made = await runRound(kernel, storage, random, contents, held)
        if (unhandled.length > 0) throw new Error(`unhandled: ${unhandled[0]}`, { cause: unhandled[0] })
        calls += made.calls
        held = made.held
      } catch (error) {
        throw new Error(`round ${round}: ${(error as Error).message}`, { cause: error })
      }
    }
  } finally {
    process.off('unhandledRejection', onUnhandled)
  }
  return calls
}

async function runRound(
  kernel: RecyclingKernel,
  storage: Storage,
  random: Random,
  contents: Contents,
  held: ReadonlyMap<string, string>,
): Promise<{ calls: number; held: Map<string, string> }> {
  const engine = await open(kernel, storage, random)
  const page = await connectPage(engine)
  const round = new Round(random, page, held)
  const drivers = new Drivers(round, contents)
  for (let count = 3 + random.below(CALLS_MAX - 2); count > 0; count--) await drivers.step(drivers.draw())
  const ending = random.pick(['close', 'close', 'close', 'death', 'death', 'close and death', 'nothing'] as const)
  if (random.chance(0.5)) await round.quiet('before the end')
  if (ending === 'nothing') {
    round.open()
    await round.quiet('with nothing to wait for')
  }
  if (ending === 'death') round.die()
  else void round.close()
  // Some come too late.
  for (let count = random.below(3); count > 0; count--) void drivers.draw()
  if (ending === 'close and death') {
    await turns(random.below(4))
    round.die()
  }
  await round.quiet(`after ${ending}`)
  await turns(TURNS_AFTER)
  // What the driver had still to do when the last call settled.
  await round.quiet(`after ${ending}`)
  await engine.close()
  page.disconnect()
  round.judge()
  const now = await reopened(kernel, storage, random)
  compare(round.history, now, contents)
  for (const group of drivers.groups) expectTogether(round.history, group, now)
  contents.keep(new Set(now.values()))
  return { calls: round.count, held: now }
}

function open(kernel: RecyclingKernel, storage: Storage, random: Random): Promise<Engine> {
  kernel.recycle()
  return openEngine(storage, {
    name: 's',
    kernel,
    chunkSizes: CHUNK_SIZES,
    maxSegmentSize: 2_000_000,
    random: (bytes) => bytes.set(random.bytes(bytes.length)),
    // By no clock, so that a seed repeats all of a run.
    now: () => 0,
    pause: async () => undefined,
  })
}

/** What the store holds when it is opened again: the SHA-256 of what is under each key, and the key of each name. */
async function reopened(kernel: RecyclingKernel, storage: Storage, random: Random): Promise<Map<string, string>> {
  const engine = await open(kernel, storage, random)
  const { damaged } = engine.recovery
  const { clean, findings } = await engine.check()
  if (!clean || damaged.length > 0) throw new Error(`reopened: ${JSON.stringify([...findings, ...damaged])}`)
  const held = new Map<string, string>()
  for await (const { key } of engine.keys()) held.set(key, sha256((await engine.get(key)) as Uint8Array))
  for await (const { name, key } of engine.refs.list()) {
    if (!held.has(key)) throw new Error(`reopened: ${name} is a name of nothing`)
    held.set(subjectOf(name), key)
  }
  await engine.close()
  return held
}

function compare(history: History, held: ReadonlyMap<string, string>, contents: Contents): void {
  for (const subject of new Set([...held.keys(), ...history.subjects()])) {
    const value: Value = held.get(subject)
    const candidates = history.candidates(subject)
    const size = value === undefined ? 'nothing' : (contents.known.get(value)?.length ?? value)
    if (!candidates.has(value)) {
      throw new Error(
        `reopened: ${subject} is ${size}, not ${[...candidates].map((one) => one ?? 'nothing').join(' or ')}`,
      )
    }
  }
}

/** What one transaction may have done is there or not, all of it. */
function expectTogether(history: History, group: Group, held: ReadonlyMap<string, string>): void {
  const alone = group.filter(
    (change) => change.outcome === 'may' && history.isAlone(change) && change.value !== undefined,
  )
  const happened = alone.map(({ subject, value }) => held.get(subject) === value)
  if (new Set(happened).size > 1) throw new Error(`reopened: of one transaction there is a part: ${happened}`)
}
