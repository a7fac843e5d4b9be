/**
 * The calls of one answer that the run of the page's side draws, on the store or in a transaction: what is given to each, what it may be
 * refused with for that, and what its answer has to be.
 */

import type { StoreErrorCode } from '../errors.js'
import type { Data, Key, KeyLike, Operations, PutOptions, RefOperations, Source } from '../types.js'
import { type Contents, sha256, unreadableBlob } from './page-contents.js'
import { type History, UNKNOWN, type Value } from './page-history.js'
import { Given, keysInOneBuffer, overwrite } from './page-memory.js'
import { type Call, type Outcome, type Round, Trigger } from './page-round.js'

export const NAMES = ['latest', 'draft', 'a/b', 'a/c', 'Ω']
/** Keys of a user's own choice. */
export const CHOSEN = Array.from({ length: 6 }, (_, i) => `c${i.toString(16).padStart(63, '0')}`)
export const subjectOf = (name: string) => `name ${name}`
const NOWHERE = '0f'.repeat(32)

interface Target extends Operations {
  readonly refs: RefOperations
  put(source: Source, options?: Omit<PutOptions, 'durability'>): Promise<Key>
  set(key: KeyLike, data: Data, options?: PutOptions): Promise<void>
}

/** Where calls are made: the store itself, or a transaction, whose changes happen when it commits. */
export interface Place {
  name: string
  target: Target
  /** What is read there. In a transaction the values that it began with are not known. */
  history: History
  isInside: boolean
  /** What any call may be refused with in the end, for what came after it. */
  laterRefusals(): readonly StoreErrorCode[]
}

export class Calls {
  readonly round: Round
  readonly contents: Contents
  readonly given = new Given()

  constructor(round: Round, contents: Contents) {
    this.round = round
    this.contents = contents
  }

  /** One call, drawn. */
  any(place: Place): Promise<Outcome<unknown>> {
    const { random } = this.round
    const make = random.pick([
      () => this.put(place),
      () => this.put(place),
      () => this.put(place),
      () => this.set(place),
      () => this.get(place),
      () => this.has(place),
      () => this.delete(place),
      () => this.refSet(place),
      () => this.refGet(place),
      () => this.refDelete(place),
    ])
    return make()
  }

  key(): string {
    const { random } = this.round
    const known = [...this.contents.known.keys()]
    return random.chance(0.05) ? NOWHERE : random.chance(0.2) ? random.pick(CHOSEN) : random.pick(known)
  }

  trigger(probability = 0.2): { trigger?: Trigger; triggerTurns?: number } {
    const { random } = this.round
    if (!random.chance(probability)) return {}
    const when = random.pick(['before', 'task', 'turns', 'turns', 'turns', 'after'] as const)
    return { trigger: new Trigger(when), triggerTurns: 1 + random.below(12) }
  }

  put(place: Place): Promise<Outcome<Key>> {
    const { round, contents } = this
    const { random } = round
    const { trigger, ...later } = this.trigger()
    if (random.chance(0.05)) return this.#putBad(place)
    const { what, source, watched, content } = contents.put(
      round.gate,
      // Behind a transaction nobody takes what is on its way, and the signal finds the source waiting for that.
      trigger?.when === 'turns' && random.chance(0.3),
    )
    const expected = random.chance(0.2) ? random.pick([content?.key ?? NOWHERE, NOWHERE, 'no key']) : undefined
    const refusals: (StoreErrorCode | 'TypeError')[] = []
    if (expected === NOWHERE) refusals.push('MISMATCH')
    if (expected === 'no key') refusals.push('BAD_KEY')
    if (what.endsWith('strays')) refusals.push('TypeError')
    const thrown = random.chance(0.05) ? new Error('the progress could not be shown') : undefined
    const onProgress =
      thrown &&
      (() => {
        throw thrown
      })
    const fails =
      content === undefined ||
      (expected !== undefined && expected !== content.key) ||
      trigger?.when === 'before' ||
      trigger?.when === 'task'
    const sticks = watched?.behaviour === 'sticks' && expected !== 'no key'
    const putting = round.call<Key>({
      name: `${place.name}put of ${what}${trigger ? `, signal ${trigger.when}` : ''}${expected ? ', expected' : ''}`,
      kind: place.isInside ? 'inside' : watched ? 'flow' : 'whole',
      make: () =>
        place.target.put(source, {
          ...(trigger && { signal: trigger.signal }),
          ...(expected !== undefined && { expected }),
          ...(onProgress && { onProgress }),
          ...(!watched && { transfer: random.chance(0.3) }),
          ...(!place.isInside && random.chance(0.3) && { durability: 'relaxed' as const }),
        }),
      trigger,
      ...later,
      refusals,
      laterRefusals: place.laterRefusals,
      own: [...(watched?.behaviour === 'throws' ? [watched.error] : []), ...(thrown ? [thrown] : [])],
      fails,
      sources: watched ? [watched] : [],
      changes: content && !fails ? [place.history.begin(content.key, content.key)] : [],
      cannotHaveHappened: () => watched !== undefined && !watched.isOver,
      waitsForTurn: true,
      sticks,
      isBlocker: place.isInside,
      check: (key) => {
        if (key !== content?.key) throw new Error(`the key is ${key}, not ${content?.key}`)
      },
    })
    overwrite(source)
    return putting
  }

  /** What no store takes. */
  #putBad({ name, target, isInside, laterRefusals }: Place): Promise<Outcome<Key>> {
    const [what, source, code] = this.round.random.pick([
      ['a number', 5, 'TypeError'],
      ['an unreadable Blob', unreadableBlob(), 'IO'],
      ['a failed response', new Response(null, { status: 404 }), 'TypeError'],
    ] as const)
    return this.round.call<Key>({
      name: `${name}put of ${what}`,
      kind: isInside ? 'inside' : 'whole',
      make: () => target.put(source as Source),
      refusals: [code],
      laterRefusals,
      fails: true,
      waitsForTurn: true,
    })
  }

  set(place: Place): Promise<Outcome<void>> {
    const { round, contents } = this
    const key = round.random.pick(CHOSEN)
    const isBad = round.random.chance(0.05)
    const content = contents.fresh(round.random.below(5000))
    const data = isBad ? unreadableBlob() : contents.data(content)
    const setting = round.call<void>({
      name: `${place.name}set`,
      kind: place.isInside ? 'inside' : 'whole',
      make: () => place.target.set(key, data),
      refusals: isBad ? ['IO'] : [],
      laterRefusals: place.laterRefusals,
      fails: isBad,
      changes: isBad ? [] : [place.history.begin(key, content.key)],
      waitsForTurn: true,
    })
    overwrite(data)
    return setting
  }

  get(place: Place): Promise<Outcome<Uint8Array<ArrayBuffer> | undefined>> {
    const { round } = this
    const key = this.key()
    const [name] = round.random.chance(0.5) ? keysInOneBuffer([key]) : [key]
    const getting = round.call<Uint8Array<ArrayBuffer> | undefined>({
      name: `${place.name}get`,
      kind: place.isInside ? 'inside' : 'whole',
      make: () => place.target.get(name as KeyLike),
      laterRefusals: place.laterRefusals,
      waitsForTurn: place.isInside,
      check: (bytes, call) => {
        this.given.expectOwn(bytes)
        expectSeen(place.history, key, bytes && sha256(bytes), call)
      },
    })
    overwrite(name)
    return getting
  }

  has(place: Place): Promise<Outcome<boolean>> {
    const key = this.key()
    return this.round.call<boolean>({
      name: `${place.name}has`,
      kind: place.isInside ? 'inside' : 'whole',
      make: () => place.target.has(key),
      laterRefusals: place.laterRefusals,
      waitsForTurn: place.isInside,
      check: (isThere, call) => expectThere(place.history, key, isThere, call),
    })
  }

  delete(place: Place, key = this.key()): Promise<Outcome<boolean>> {
    return this.round.call<boolean>({
      name: `${place.name}delete`,
      kind: place.isInside ? 'inside' : 'whole',
      make: () => place.target.delete(key),
      refusals: ['IN_USE'],
      laterRefusals: place.laterRefusals,
      changes: [place.history.begin(key, undefined)],
      waitsForTurn: true,
    })
  }

  refSet(place: Place): Promise<Outcome<void>> {
    const { random } = this.round
    const name = random.pick(NAMES)
    const key = this.key()
    return this.round.call<void>({
      name: `${place.name}refs.set`,
      kind: place.isInside ? 'inside' : 'whole',
      make: () => place.target.refs.set(name, key, { of: name }),
      refusals: ['NOT_FOUND'],
      laterRefusals: place.laterRefusals,
      changes: [place.history.begin(subjectOf(name), key)],
      waitsForTurn: true,
    })
  }

  refGet(place: Place): Promise<Outcome<{ key: Key } | undefined>> {
    const name = this.round.random.pick(NAMES)
    return this.round.call<{ key: Key; meta: unknown } | undefined>({
      name: `${place.name}refs.get`,
      kind: place.isInside ? 'inside' : 'whole',
      make: () => place.target.refs.get(name),
      laterRefusals: place.laterRefusals,
      waitsForTurn: place.isInside,
      check: (ref, call) => expectSeen(place.history, subjectOf(name), ref?.key, call),
    })
  }

  refDelete(place: Place): Promise<Outcome<boolean>> {
    const name = this.round.random.pick(NAMES)
    return this.round.call<boolean>({
      name: `${place.name}refs.delete`,
      kind: place.isInside ? 'inside' : 'whole',
      make: () => place.target.refs.delete(name),
      laterRefusals: place.laterRefusals,
      changes: [place.history.begin(subjectOf(name), undefined)],
      waitsForTurn: true,
    })
  }
}

/** From when to when somebody looked. */
type Span = Pick<Call, 'began' | 'ended'>

/** The value is one that the subject may have had while the call ran. */
export function expectSeen(history: History, subject: string, value: Value, { began, ended }: Span): void {
  const candidates = history.candidates(subject, began, ended)
  if (candidates.has(value) || candidates.has(UNKNOWN)) return
  throw new Error(`${subject} is ${value}, not ${[...candidates].join(' or ')}`)
}

export function expectThere(history: History, subject: string, isThere: boolean, { began, ended }: Span): void {
  const candidates = history.candidates(subject, began, ended)
  if (candidates.has(UNKNOWN) || [...candidates].some((value) => (value !== undefined) === isThere)) return
  throw new Error(`${subject} is ${isThere ? 'there' : 'not there'}`)
}
