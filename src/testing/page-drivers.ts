/**
 * What the run of the page's side writes in several calls: transactions, ingests, and the puts of many values. Each driver makes one call after
 * the other or all at once, and leaves off where its draws say so. And the draw of one of all that a page can do.
 */

import type { StoreErrorCode } from '../errors.js'
import type { Data, Ingest, Key, Transaction } from '../types.js'
import type { Place } from './page-calls.js'
import { unreadableBlob } from './page-contents.js'
import { type Change, History, settle, UNKNOWN } from './page-history.js'
import { overwrite } from './page-memory.js'
import { type Group, Readers } from './page-readers.js'
import type { Call, Outcome } from './page-round.js'
import { Watched } from './page-sources.js'

export class Drivers extends Readers {
  /** One of all that a page can do. */
  draw(): Promise<unknown> {
    const { place } = this
    const make = this.round.random.pick([
      () => this.any(place),
      () => this.any(place),
      () => this.any(place),
      () => this.put(place),
      () => this.put(place),
      () => this.putMany(),
      () => this.putMany(),
      () => this.transaction(),
      () => this.transaction(),
      () => this.transaction(),
      () => this.ingest(),
      () => this.stream(),
      () => this.stream(),
      () => this.keys(),
      () => this.refs(),
      () => this.frozen(),
      () => this.many(),
      () => this.range(),
      () => this.blob(),
      () => this.response(),
      () => this.task(),
    ])
    return make()
  }

  putMany(): Promise<Outcome<Key[]>> {
    const { round, contents } = this
    const { random } = round
    const { trigger, ...later } = this.trigger()
    const given = Array.from({ length: random.below(8) }, () => contents.any())
    const values: unknown[] = given.map((content) => contents.data(content))
    const flaw = random.pick(['', '', '', '', 'a number', 'an unreadable Blob', 'an unreadable Blob'])
    if (flaw) values.push(flaw === 'a number' ? 5 : unreadableBlob())
    const form = random.pick(['array', 'iterable', 'async', 'async'])
    // What the store refuses is told to a source that gives nothing more.
    const ways =
      flaw === 'an unreadable Blob' ? (['sticks'] as const) : (['ends', 'throws', 'sticks', 'sticks'] as const)
    const behaviour = form === 'async' ? random.pick(ways) : random.pick(['ends', 'throws'] as const)
    const watched = form === 'array' ? undefined : new Watched(values, behaviour, round.gate, random.pick([0, 0, 2]))
    const source = (
      watched ? (form === 'async' ? watched.iterable() : watched.synchronous()) : values
    ) as Iterable<Data>
    const bytes = given.reduce((sum, content) => sum + content.bytes.length, 0)
    const isLarge = form === 'async' || bytes > 4_000_000
    const throws = watched?.behaviour === 'throws'
    const isLate = trigger?.when === 'before' || trigger?.when === 'task'
    const fails = flaw !== '' || throws || (isLate && values.length > 0)
    const changes = fails ? [] : given.map(({ key }) => round.history.begin(key, key))
    this.groups.push(changes)
    const putting = round.call<Key[]>({
      name: `putMany of ${form} ${given.length}, ${bytes} bytes${flaw && `, ${flaw}`}${watched ? `, ${behaviour}` : ''}${trigger ? `, signal ${trigger.when}` : ''}`,
      kind: isLarge ? 'flow' : 'whole',
      make: () => this.round.page.store.putMany(source, trigger ? { signal: trigger.signal } : {}),
      trigger,
      ...later,
      refusals: flaw === '' ? [] : [flaw === 'a number' ? 'TypeError' : 'IO'],
      own: throws ? [watched.error] : [],
      fails,
      sources: watched ? [watched] : [],
      changes,
      cannotHaveHappened: () => watched?.isOver === false,
      waitsForTurn: true,
      // A value that is refused ends it, however stuck the source.
      sticks: watched?.behaviour === 'sticks' && flaw === '',
      isBlocker: true,
      check: (keys) => {
        const expected = given.map(({ key }) => key)
        if (keys.join() !== expected.join()) throw new Error('the keys are others')
      },
    })
    // Of more the values are taken as there is room for them.
    if (form === 'array' && !isLarge) values.forEach(overwrite)
    return putting
  }

  /** Begun by hand, or around a function; committed, rolled back or left open. */
  async transaction(): Promise<void> {
    const { round } = this
    const { random, page } = round
    const history = new History(round.clock, undefined)
    const ending = random.pick(['commit', 'commit', 'commit', 'roll back', 'leave open'] as const)
    const options = random.chance(0.3) ? { durability: 'relaxed' as const } : {}
    const own = new Error('the function failed')
    let commit: Call | undefined
    if (random.chance(0.5)) {
      let isOver = false
      let isRolledBack = false
      round.finally(() => commit && this.#committed(history, commit))
      await round.call<void>({
        name: `transaction to ${ending}`,
        kind: 'begin',
        make: () =>
          page.store.transaction(async (tx) => {
            await this.#inside(this.#placeOf(tx, history, () => isRolledBack))
            if (ending === 'leave open') await Promise.race([round.gate, round.over])
            isRolledBack = ending !== 'commit'
            if (isRolledBack) throw own
            isOver = true
          }, options),
        onCall: (call) => {
          commit = call
        },
        own: [own],
        fails: ending !== 'commit',
        cannotHaveHappened: () => !isOver,
        waitsForTurn: true,
        sticks: ending === 'leave open',
        isBlocker: true,
      })
      return
    }
    const begun = await round.call<Transaction>({
      name: 'begin',
      kind: 'begin',
      make: () => page.store.begin(options),
      waitsForTurn: true,
    })
    if ('error' in begun) return
    const tx = begun.value
    let isRolledBack = false
    let hasReleased = false
    // Until it has been ended, others wait for it.
    round.block(() => !hasReleased && !round.isGateOpen)
    await this.#inside(this.#placeOf(tx, history, () => isRolledBack))
    if (ending === 'leave open') await round.gate
    const how = ending === 'commit' ? 'commit' : 'rollback'
    isRolledBack = how === 'rollback'
    round.finally(() => commit && this.#committed(history, commit))
    const settled = round.call<void>({
      name: how,
      kind: how === 'commit' ? 'inside' : 'whole',
      make: async () => {
        if (how === 'rollback' && random.chance(0.3)) await tx[Symbol.asyncDispose]()
        else await tx[how]()
      },
      onCall: (call) => {
        if (how === 'commit') commit = call
      },
      // It waits for what sticks in it.
      waitsForTurn: how === 'commit',
    })
    hasReleased = how === 'rollback'
    if (random.chance(0.3)) void this.any(this.#placeOf(tx, history, () => true))
    await settled
    hasReleased = true
  }

  /** A rollback ends what has not got all of its bytes, and what waits for that. */
  #placeOf(tx: Transaction, history: History, isRolledBack: () => boolean): Place {
    const laterRefusals = (): StoreErrorCode[] => (isRolledBack() ? ['TX_CLOSED'] : [])
    return { name: 'tx.', target: tx, history, isInside: true, laterRefusals }
  }

  async #inside(place: Place): Promise<void> {
    for (let count = this.round.random.below(5); count > 0; count--) await this.step(this.any(place))
  }

  /** What the transaction did happens with its commit, if that did. */
  #committed(history: History, commit: Call): void {
    const { round } = this
    const { outcome, began, ended } = commit
    const happened = outcome && 'value' in outcome ? 'did' : round.mayHaveHappened(commit) ? 'may' : 'not'
    if (happened === 'not') return
    const group: Group = []
    for (const subject of history.subjects()) {
      const values = history.candidates(subject)
      const isSure = !values.delete(UNKNOWN)
      for (const value of values) {
        const change: Change = { subject, value, began, ended: Number.POSITIVE_INFINITY, outcome: 'pending' }
        settle(change, isSure ? happened : 'may', ended)
        round.history.add(change)
        if (isSure && values.size === 1) group.push(change)
      }
    }
    this.groups.push(group)
  }

  async ingest(): Promise<void> {
    const { round, contents } = this
    const { random, page } = round
    const { key, bytes } = random.chance(0.7) ? random.pick(contents.ingested) : contents.fresh(random.below(50_000))
    const begun = await round.call<Ingest>({
      name: 'ingest',
      kind: 'begin',
      make: () => page.store.ingest(key, { size: bytes.length }),
      refusals: ['LOCKED'],
      waitsForTurn: true,
    })
    if ('error' in begun) return
    const ingest = begun.value
    const flaw = random.pick(['', '', '', 'too few', 'too many', 'others'])
    let at = ingest.offset
    let isWhole = flaw === '' || flaw === 'too many' || at === bytes.length
    const end = flaw === 'too few' ? Math.floor((at + bytes.length) / 2) : bytes.length
    const refusals: StoreErrorCode[] = flaw ? ['MISMATCH'] : []
    const isSpoilt = contents.spoilt.has(key)
    if (flaw === 'others') contents.spoilt.add(key)
    const write = (piece: Uint8Array) =>
      round.call<void>({
        name: 'ingest.write',
        kind: 'handle',
        make: () => ingest.write(piece),
        refusals: [...refusals, 'TX_CLOSED'],
        waitsForTurn: true,
      })
    while (at < end) {
      const piece = bytes.slice(at, Math.min(end, at + 1 + random.below(bytes.length)))
      if (flaw === 'others') piece[0] = ~(piece[0] as number)
      at += piece.length
      await this.step(write(piece))
    }
    if (flaw === 'too many') await this.step(write(Uint8Array.of(1)))
    isWhole &&= at === bytes.length
    const how = random.pick(['finish', 'finish', 'finish', 'discard', 'dispose', 'leave'] as const)
    if (how === 'leave') return
    await round.call<unknown>({
      name: `ingest.${how} of ${flaw || 'all'}`,
      kind: 'handle',
      make: async () => (how === 'dispose' ? await ingest[Symbol.asyncDispose]() : await ingest[how]()),
      // What is too much is refused, and changes nothing.
      refusals: isWhole && !isSpoilt ? ['NOT_FOUND'] : ['NOT_FOUND', 'MISMATCH'],
      changes: how === 'finish' && isWhole ? [round.history.begin(key, key)] : [],
      waitsForTurn: true,
      check: (value) => {
        if (how === 'finish' && value !== key) throw new Error(`the key is ${value}, not ${key}`)
      },
    })
  }
}
