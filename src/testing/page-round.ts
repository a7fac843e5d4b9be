/**
 * One page and the calls made through it: when each has to settle, what it may say then, and what became of the store by it. Calls are made
 * by `call`, which never rejects; `judge` looks at all of them when the round is over. Time is counted in turns of the event loop, and moments
 * by the history. Used by the run of the page's side.
 */

import { isStoreError, StoreError, type StoreErrorCode } from '../errors.js'
import { type Change, Clock, History, settle } from './page-history.js'
import type { Page } from './page-port.js'
import { turn, type Watched } from './page-sources.js'
import type { Random } from './random.js'

/** So many turns without the awaited are for ever: the longest calls take a hundredth of it. */
const TURNS_MAX = 20_000

/**
 * What a close does to a call that was made before it. `whole`: nothing, it is waited for. `flow`: its source is not waited for. `begin`: it may
 * come too late to begin. `inside`: its transaction is rolled back. `handle`: what it reads from, or writes to, ends.
 */
export type Kind = 'whole' | 'flow' | 'begin' | 'inside' | 'handle'

const AT_CLOSE: { readonly [kind in Kind]: readonly StoreErrorCode[] } = {
  whole: [],
  flow: ['CLOSED'],
  begin: ['CLOSED', 'TX_CLOSED'],
  inside: ['TX_CLOSED'],
  handle: ['CLOSED'],
}

/** When a signal fires: in the task of its call or some turns later. */
export class Trigger {
  readonly #controller = new AbortController()
  readonly reason = { text: 'enough' }
  readonly when: 'before' | 'task' | 'turns' | 'after'

  constructor(when: Trigger['when']) {
    this.when = when
    if (when === 'before') this.fire()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  fire(): void {
    this.#controller.abort(this.reason)
  }
}

export interface Plan<T> {
  name: string
  kind: Kind
  make(): Promise<T>
  trigger?: Trigger | undefined
  /** Fires its trigger after so many turns, if that fires then. */
  triggerTurns?: number
  /** What it may be refused with, for what was given to it. */
  refusals?: readonly (StoreErrorCode | 'TypeError')[]
  /** What it may be refused with in the end, for what came after it. */
  laterRefusals?: () => readonly StoreErrorCode[]
  /** Errors of the caller's own that it may reject with. */
  own?: readonly unknown[]
  /** It cannot succeed. */
  fails?: boolean
  sources?: readonly Watched<unknown>[]
  changes?: readonly Change[]
  /** Whether nothing of it can have been committed, when it has failed for no reason of its own. Asked when it settles. */
  cannotHaveHappened?: () => boolean
  /** Waits for its turn among the writers. */
  waitsForTurn?: boolean
  /** Its source sticks. With `isBlocker`, what waits for its turn waits for it. */
  sticks?: boolean
  isBlocker?: boolean
  /** It may be answered from what the page has already, though the connection has ended. */
  isAnsweredHere?: boolean
  /** Gets the call before it is made. */
  onCall?: (call: Call) => void
  /** Looks at what it resolved with, when the round is over. */
  check?: (value: T, call: Call) => void
}

export interface Call {
  plan: Plan<unknown>
  began: number
  ended: number
  outcome: { value: unknown } | { error: unknown } | undefined
  /** How the connection was when it was made and when it settled. */
  before: Phase
  after: Phase
  /** Whether its signal had fired, and the store was being closed, when it settled. */
  isAborted: boolean
  isClosed: boolean
}

type Phase = 'open' | 'closing' | 'dead'

export type Outcome<T> = { value: T } | { error: unknown }

export class Round {
  readonly random: Random
  readonly page: Page
  readonly clock = new Clock()
  readonly history: History
  readonly #calls: Call[] = []
  /** What stops others on purpose, as long as it says so. */
  readonly #blockers: (() => boolean)[] = []
  readonly #lists: (() => void)[] = []
  #phase: Phase = 'open'
  #isClosing = false
  readonly death = new StoreError('WORKER_DIED', 'the worker was ended by the run')
  /** Opens when what sticks is to go on; in most rounds never. */
  readonly gate: Promise<void>
  open: () => void = () => undefined
  isGateOpen = false
  /** Resolves when the page closes the store or the worker dies. */
  readonly over: Promise<void>
  #over: () => void = () => undefined

  constructor(random: Random, page: Page, base: ReadonlyMap<string, string>) {
    this.random = random
    this.page = page
    this.history = new History(this.clock, base)
    this.over = new Promise((resolve) => {
      this.#over = resolve
    })
    this.gate = new Promise((resolve) => {
      this.open = () => {
        this.isGateOpen = true
        resolve()
      }
    })
  }

  get count(): number {
    return this.#calls.length
  }

  /** Makes a call. What it resolves with says how the call settled; it never rejects, and is pending as long as the call. */
  call<T>(plan: Plan<T>): Promise<Outcome<T>> {
    const call: Call = {
      plan: plan as Plan<unknown>,
      began: this.clock.tick(),
      ended: Number.POSITIVE_INFINITY,
      outcome: undefined,
      before: this.#phase,
      after: this.#phase,
      isAborted: false,
      isClosed: false,
    }
    this.#calls.push(call)
    plan.onCall?.(call)
    if (plan.sticks && plan.isBlocker) this.block(() => call.outcome === undefined && !this.#hasToEnd(call))
    const settled = plan.make().then(
      (value) => this.#settle(call, { value }),
      (error) => this.#settle(call, { error }),
    )
    const { trigger } = plan
    if (trigger?.when === 'task') trigger.fire()
    if (trigger?.when === 'turns') void this.#fireLater(trigger, plan.triggerTurns ?? 1)
    return settled as Promise<Outcome<T>>
  }

  /** From now on what waits for its turn may wait for ever, while `isActive`. */
  block(isActive: () => boolean): void {
    this.#blockers.push(isActive)
  }

  /** Does this when the round is over, before the calls are judged. */
  finally(list: () => void): void {
    this.#lists.push(list)
  }

  async #fireLater(trigger: Trigger, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await turn()
    trigger.fire()
  }

  #settle(call: Call, outcome: Outcome<unknown>): Outcome<unknown> {
    call.outcome = outcome
    call.after = this.#phase
    call.isAborted = call.plan.trigger?.signal.aborted === true
    call.isClosed = this.#isClosing
    call.ended = this.clock.tick()
    const { plan } = call
    const happened = 'value' in outcome ? 'did' : this.mayHaveHappened(call) ? 'may' : 'not'
    for (const change of plan.changes ?? []) settle(change, happened, call.ended)
    if (plan.trigger?.when === 'after') plan.trigger.fire()
    return outcome
  }

  /** Of a call that has failed. Only an abort and the worker's death leave that open. */
  mayHaveHappened({ plan, before, outcome }: Call): boolean {
    if (outcome === undefined || 'value' in outcome || before !== 'open') return false
    if (plan.fails || plan.cannotHaveHappened?.()) return false
    const { error } = outcome
    if (error === this.death) return true
    const isAborted = isStoreError(error, 'ABORTED')
    // An abort of the same task is there before the call is.
    return (isAborted && plan.trigger?.when === 'turns') || !!plan.own?.includes(error)
  }

  /** The page closes the store. */
  close(): Promise<Outcome<void>> {
    const closing = this.call({
      name: 'close',
      kind: 'whole',
      waitsForTurn: true,
      isAnsweredHere: true,
      make: () => this.page.store.close(),
    })
    if (this.#phase === 'open') {
      this.#phase = 'closing'
      this.#isClosing = true
    }
    this.#over()
    return closing
  }

  /** The worker dies. */
  die(): void {
    this.page.connection.fail(this.death)
    this.#phase = 'dead'
    this.#over()
  }

  /** Waits until every call has settled that has to, and every source of those has been told. Throws when that takes for ever. */
  async quiet(when: string): Promise<void> {
    for (let count = 0; ; count++) {
      const late = this.#late()
      if (late.length === 0) return
      if (count === TURNS_MAX) throw new Error(`${when}: ${late.join('; ')}`)
      await turn()
    }
  }

  #late(): string[] {
    return this.#calls.flatMap((call) => {
      const { plan, outcome } = call
      const name = nameOf(call)
      if (!outcome) return this.#hasToSettle(call) ? [`${name} is still pending`] : []
      const forgotten = plan.sources?.some((source) => source.isForgotten)
      return forgotten ? [`the source of ${name} was not told that it had ended`] : []
    })
  }

  #hasToSettle(call: Call): boolean {
    const { plan } = call
    if (this.#phase !== 'open' || this.#hasToEnd(call)) return true
    if (plan.sticks && !this.isGateOpen) return false
    return !plan.waitsForTurn || !this.#blockers.some((isActive) => isActive())
  }

  /** Its signal has fired, or it is refused though its source sticks. */
  #hasToEnd({ plan }: Call): boolean {
    return plan.trigger?.signal.aborted === true
  }

  /** Looks at every call once all have settled. */
  judge(): void {
    for (const list of this.#lists) list()
    for (const call of this.#calls) {
      try {
        this.#judge(call)
      } catch (error) {
        throw new Error(`${nameOf(call)}: ${(error as Error).message}`, { cause: error })
      }
    }
  }

  #judge(call: Call): void {
    const { plan, outcome, before } = call
    for (const { fault } of plan.sources ?? []) if (fault) throw new Error(`its source ${fault}`)
    if (outcome === undefined) throw new Error('it has not settled')
    if ('error' in outcome) {
      this.#judgeError(call, outcome.error)
      return
    }
    if (plan.fails) throw new Error('it succeeded')
    if (before !== 'open' && !plan.isAnsweredHere) throw new Error('it succeeded after the end of the connection')
    plan.check?.(outcome.value, call)
  }

  #judgeError(call: Call, error: unknown): void {
    const { plan, before, after } = call
    const { trigger } = plan
    if (plan.own?.includes(error)) return
    if (after === 'dead' && error === this.death) return
    const code = error instanceof StoreError ? error.code : error instanceof TypeError ? 'TypeError' : undefined
    if (code === 'ABORTED') {
      if (!call.isAborted) throw new Error('ABORTED without a signal')
      if ((error as StoreError).cause !== trigger?.reason) throw new Error('ABORTED without the reason of its signal')
      return
    }
    if (before !== 'open' && error === this.page.connection.ended.reason) return
    const codes: (string | undefined)[] = [...(plan.refusals ?? []), ...(plan.laterRefusals?.() ?? [])]
    if (before === 'open' && call.isClosed) codes.push(...AT_CLOSE[plan.kind])
    if (code && codes.includes(code)) return
    throw new Error(`it was refused, from ${before} to ${after}: ${error}`, { cause: error })
  }
}

function nameOf({ plan, began }: Call): string {
  return `${plan.name} (${began})`
}
