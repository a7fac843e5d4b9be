/**
 * A run of the benchmark, on the page. Rounds are interleaved: in each, every contestant has its turn, in another order each time, so that
 * what disturbs the machine for a while disturbs all of them. The first round warms up and does not count; within a round each contestant warms
 * up once more, with other values, because lodestore's worker and some peers start afresh with each.
 */
import { type Contestant, type ContestantName, makeContestants } from './page/contestants.js'
import { LargeBench } from './page/large.js'
import { BenchWorker } from './page/worker.js'
import {
  KEYS,
  LARGE,
  type RowName,
  SCENARIOS,
  type Scenario,
  VALUE_SETS,
  type ValueSet,
  type ValueSetName,
} from './scenarios.js'
import { shuffled } from './shared/data.js'
import {
  type Call,
  type KeysCall,
  LARGE_CALLS,
  LARGE_FILE,
  type LargeCall,
  SEGMENTS,
  SEGMENTS_CALLS,
} from './shared/keeper.js'

export interface RunOptions {
  /** Rounds that count. */
  rounds: number
  /** 1 for the numbers of values in scenarios.ts, less for a shorter run. */
  scale: number
  scenarios?: Scenario[]
  /** Before each turn, with what is measured so far. The run waits for it: what a page draws is not to fall into what is timed. */
  onProgress?(progress: Progress, result: RunResult): void | Promise<void>
  signal?: AbortSignal
}

export interface Progress {
  done: number
  total: number
  text: string
}

export interface Measured {
  /** Values or keys concerned, and the bytes that a rate is taken of. */
  count: number
  bytes: number
  /** Milliseconds of each round, for all calls together, and of how many calls that is. Where the unit is MiB, mebibytes. */
  milliseconds: number[]
  calls: number
}

/** What was measured, by `<set>/<row>`, and why contestants are missing, by `<set>/<contestant>`. Plain, so that it can be sent. */
export interface RunResult {
  rounds: number
  scale: number
  measured: Record<string, Measured>
  missing: Record<string, string>
}

const SEEDS = { many: 1, each: 2, warmMany: 3, warmEach: 4 }
const WARM_SHARE = 0.1
const MIB = 1024 * 1024
const CALLS: Call[] = ['writeEach', 'writeMany', 'readMany', 'readEach']
/** Each of these is so many reads, one after the other. */
const LARGE_READS: LargeCall[] = ['rangeFirst', 'rangeOfLarge', 'wholeSmall']
const KEYS_CALLS: KeysCall[] = ['commitFew', 'commitMany', 'open', 'replay', 'rawRead', 'replayValues', 'rawReadValues']

export async function runBench(options: RunOptions): Promise<RunResult> {
  const run = new Run(options)
  try {
    return await run.all()
  } finally {
    run.end()
  }
}

class Run {
  readonly #options: RunOptions
  readonly #scenarios: Scenario[]
  readonly #worker = new BenchWorker()
  readonly #contestants = makeContestants(this.#worker)
  readonly #result: RunResult
  #done = 0
  #total = 0
  /** Without OPFS there is nothing to flush, and the contestants that need it say so themselves. */
  #settles = true

  constructor(options: RunOptions) {
    this.#options = options
    this.#scenarios = options.scenarios ?? SCENARIOS
    this.#result = { rounds: options.rounds, scale: options.scale, measured: {}, missing: {} }
  }

  async all(): Promise<RunResult> {
    this.#settles = await this.#worker.ask({ kind: 'settle' }).then(
      () => true,
      () => false,
    )
    const names = Object.keys(VALUE_SETS) as ValueSetName[]
    const plans = names.map((name) => ({ name, plan: this.#planOf(name) })).filter(({ plan }) => plan.length > 0)
    const withKeys = this.#scenarios.some(({ set }) => set === 'keys')
    const turns = plans.reduce((sum, { plan }) => sum + plan.length, withKeys ? 1 : 0)
    const withLarge = this.#scenarios.some(({ set }) => set === 'large')
    const withSegments = this.#scenarios.some(({ set }) => set === 'segments')
    this.#total = turns * (this.#options.rounds + 1) + (withLarge ? LARGE_CALLS.length * this.#options.rounds : 0)
    if (withSegments) this.#total += SEGMENTS.mebibytes.length * (this.#options.rounds + 1)
    for (const { name, plan } of plans) {
      for (let round = 0; round <= this.#options.rounds; round++) {
        for (const turn of shuffled(plan, round + 1)) await this.#turn(name, turn, round)
      }
    }
    if (withKeys) await this.#keys()
    if (withLarge) await this.#large()
    if (withSegments) await this.#segments()
    return this.#result
  }

  end(): void {
    this.#worker.end()
  }

  /** Each contestant and its calls, as far as the scenarios wanted show them. What is read has to be written first. */
  #planOf(name: ValueSetName): Turn[] {
    const { size, plan }: ValueSet = VALUE_SETS[name]
    const wanted = new Set(this.#scenarios.filter(({ set }) => set === name).flatMap(({ rows }) => rows))
    const turns: Turn[] = []
    for (const contestant of Object.keys(plan) as ContestantName[]) {
      const counts = plan[contestant] ?? {}
      const rows = CALLS.filter((call) => wanted.has(`${contestant}.${call}`) && counts[call] !== undefined)
      if (rows.length === 0) continue
      const source = counts.writeMany === undefined ? 'writeEach' : 'writeMany'
      const calls = CALLS.filter((call) => rows.includes(call) || call === source)
      const scaled = calls.map((call) => ({ call, count: this.#scaled(counts[call] ?? 0, 4), source }) as const)
      turns.push({ contestant, size, calls: scaled })
    }
    return turns
  }

  #scaled(count: number, least: number): number {
    return Math.max(least, Math.round(count * this.#options.scale))
  }

  async #turn(set: ValueSetName, { contestant: name, size, calls }: Turn, round: number): Promise<void> {
    await this.#progress(`${SIZE_TEXT[set]}, ${roundText(round)}: ${name}`)
    if (this.#result.missing[`${set}/${name}`] !== undefined) return
    const contestant: Contestant = this.#contestants[name]
    try {
      await contestant.open()
      for (const warm of [true, false]) {
        for (const { call, count: all, source } of calls) {
          const writes = call === 'writeMany' || call === 'writeEach'
          const many = (writes ? call : source) === 'writeMany'
          const seed = warm ? (many ? SEEDS.warmMany : SEEDS.warmEach) : many ? SEEDS.many : SEEDS.each
          const count = warm ? Math.ceil(all * WARM_SHARE) : all
          if (writes && this.#settles) await this.#worker.ask({ kind: 'settle' })
          const milliseconds = await contestant.time(call, { seed, size, count })
          if (!warm)
            this.#note(`${set}/${name}.${call}`, { count, bytes: count * size, calls: count }, milliseconds, round)
        }
      }
    } catch (error) {
      this.#result.missing[`${set}/${name}`] = String(error)
    }
    // A contestant that cannot even be closed has failed already; what it left is removed when it is opened next.
    await contestant.close().catch((error) => {
      this.#result.missing[`${set}/${name}`] ??= String(error)
    })
  }

  async #keys(): Promise<void> {
    const many = this.#scaled(KEYS.many, 1000)
    const commits = this.#scaled(KEYS.commits, 4)
    const ask = (call: KeysCall, count: number) => this.#worker.ask({ kind: 'keys', call, count })
    try {
      await this.#progress(`building a store of ${many.toLocaleString('en')} keys`)
      const bytes = await ask('build', many)
      const values = this.#scaled(KEYS.values, 4)
      await ask('buildValues', values)
      for (let round = 0; round <= this.#options.rounds; round++) {
        if (round > 0) await this.#progress(`many keys, ${roundText(round)}`)
        // The two kinds of commits take turns at being first.
        const [first, second, ...others] = KEYS_CALLS as [KeysCall, KeysCall, ...KeysCall[]]
        for (const call of [...(round % 2 === 0 ? [first, second] : [second, first]), ...others]) {
          const isCommit = call === 'commitFew' || call === 'commitMany'
          if (isCommit) await this.#worker.ask({ kind: 'settle' })
          const milliseconds = await ask(call, commits)
          const isOfValues = call === 'replayValues' || call === 'rawReadValues'
          const count = call === 'commitFew' ? Math.min(KEYS.few, many) : isOfValues ? values : many
          this.#note(`keys/keys.${call}`, { count, bytes, calls: isCommit ? commits : 1 }, milliseconds, round)
        }
      }
    } catch (error) {
      this.#result.missing['keys/keys'] = String(error)
    }
    // Stopped or not, tens of megabytes are not left behind.
    await ask('remove', 0).catch((error) => {
      this.#result.missing['keys/keys'] ??= String(error)
    })
    this.#options.signal?.throwIfAborted()
  }

  /** All of it in every round, and none to warm up: gigabytes do that themselves. */
  async #large(): Promise<void> {
    const { scale, rounds } = this.#options
    const bytes = Math.max(32, Math.round((LARGE.fileBytes / MIB) * scale)) * MIB
    const bench = new LargeBench(scale)
    try {
      for (let round = 1; round <= rounds; round++) {
        await bench.open()
        for (const call of LARGE_CALLS) {
          await this.#progress(`large contents, ${roundText(round)}: ${call}`)
          await this.#worker.ask({ kind: 'settle' })
          const inWorker = call === 'rawWrite' || call === 'sha256'
          const figure = inWorker ? await this.#worker.ask({ kind: 'large', call, bytes }) : await bench.run(call)
          const calls = LARGE_READS.includes(call) ? LARGE.reads : 1
          this.#note(`large/large.${call}`, { count: calls, bytes, calls }, figure, round)
        }
      }
    } catch (error) {
      this.#result.missing['large/large'] = String(error)
    }
    await Promise.all([bench.remove(), this.#worker.ask({ kind: 'remove', directory: LARGE_FILE.directory })]).catch(
      (error) => {
        this.#result.missing['large/large'] ??= String(error)
      },
    )
    this.#options.signal?.throwIfAborted()
  }

  async #segments(): Promise<void> {
    const bytes = this.#scaled(SEGMENTS.bytes / MIB, 16) * MIB
    const count = bytes / SEGMENTS.valueBytes
    try {
      for (let round = 0; round <= this.#options.rounds; round++) {
        for (const mebibytes of shuffled(SEGMENTS.mebibytes, round + 1)) {
          await this.#progress(`segments of ${mebibytes} MiB, ${roundText(round)}`)
          await this.#worker.ask({ kind: 'settle' })
          for (const call of SEGMENTS_CALLS) {
            const milliseconds = await this.#worker.ask({ kind: 'segments', call, mebibytes, bytes })
            this.#note(`segments/segments.${call}${mebibytes}`, { count, bytes, calls: 1 }, milliseconds, round)
          }
        }
      }
    } catch (error) {
      this.#result.missing['segments/segments'] = String(error)
    }
    this.#options.signal?.throwIfAborted()
  }

  #note(
    name: `${string}/${RowName}`,
    about: Omit<Measured, 'milliseconds'>,
    milliseconds: number,
    round: number,
  ): void {
    if (round === 0) return
    this.#result.measured[name] ??= { ...about, milliseconds: [] }
    this.#result.measured[name]?.milliseconds.push(milliseconds)
  }

  async #progress(text: string): Promise<void> {
    this.#options.signal?.throwIfAborted()
    await this.#options.onProgress?.({ done: this.#done++, total: this.#total, text }, this.#result)
  }
}

interface Turn {
  contestant: ContestantName
  size: number
  calls: { call: Call; count: number; source: Call }[]
}

const SIZE_TEXT: Record<ValueSetName, string> = { '1k': '1 KiB', '64k': '64 KiB', '1m': '1 MiB' }

function roundText(round: number): string {
  return round === 0 ? 'warming up' : `round ${round}`
}
