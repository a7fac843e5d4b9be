/**
 * What the run of the page's side reads in several calls: streams, listings, frozen stores, Blobs and responses, read to their end or left on
 * the way; and the calls of many keys, and of the whole store.
 */

import type { StoreErrorCode } from '../errors.js'
import type { Frozen, KeyEntry, Ref } from '../types.js'
import { Calls, expectSeen, expectThere, NAMES, type Place, subjectOf } from './page-calls.js'
import { sha256 } from './page-contents.js'
import type { Change } from './page-history.js'
import { keysInOneBuffer, overwrite } from './page-memory.js'
import type { Call, Outcome } from './page-round.js'
import { turns } from './page-sources.js'

/** FORMAT.md, "Checkpoint". */
const ENTRY_BYTES = 44

type Reader = ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader

/** Changes of one transaction: all of them happen, or none. */
export type Group = Change[]

export class Readers extends Calls {
  readonly groups: Group[] = []

  get place(): Place {
    const { store } = this.round.page
    return { name: '', target: store, history: this.round.history, isInside: false, laterRefusals: () => [] }
  }

  /** Sometimes waits for what a call says, sometimes some turns, of the event loop or only of the microtask queue, sometimes not at all. */
  async step(settled: Promise<unknown>): Promise<void> {
    const { random } = this.round
    const how = random.below(5)
    if (how === 0) await turns(random.below(4))
    // What sticks is not waited for.
    else if (how === 1) await Promise.race([settled, turns(60)])
    else if (how === 2) for (let count = random.below(200); count > 0; count--) await undefined
  }

  async stream(): Promise<void> {
    const { round, contents } = this
    const { random, page } = round
    const key = this.key()
    const bytes = contents.known.get(key)
    const offset = bytes && random.chance(0.3) ? random.below(bytes.length + 1) : 0
    const { trigger, ...later } = this.trigger()
    const opened = await round.call<ReadableStream<Uint8Array<ArrayBuffer>> | undefined>({
      name: 'stream',
      kind: 'whole',
      make: () => page.store.stream(key, { offset, ...(trigger && { signal: trigger.signal }) }),
      trigger,
      ...later,
      check: (stream, call) => expectThere(round.history, key, stream !== undefined, call),
    })
    if ('error' in opened || opened.value === undefined) return
    const isByob = random.chance(0.5)
    const reader: Reader = isByob ? opened.value.getReader({ mode: 'byob' }) : opened.value.getReader()
    let at = offset
    let isCancelled = false
    const read = () =>
      round.call<{ done: boolean; value?: Uint8Array | undefined }>({
        name: `${isByob ? 'byob ' : ''}read`,
        kind: 'handle',
        make: () =>
          'read' in reader && isByob
            ? (reader as ReadableStreamBYOBReader).read(new Uint8Array(1 + random.below(30_000)))
            : (reader as ReadableStreamDefaultReader).read(),
        trigger,
        refusals: ['NOT_FOUND'],
        isAnsweredHere: true,
        check: ({ done, value }) => {
          // Under a key of a user's choice there may be another content by now.
          if (!bytes) return
          if (done && at !== bytes.length && !isCancelled) throw new Error(`it ended at ${at} of ${bytes.length}`)
          if (Buffer.compare(value ?? new Uint8Array(), bytes.subarray(at, at + (value?.length ?? 0))))
            throw new Error('other bytes')
          at += value?.length ?? 0
        },
      })
    for (let count = random.below(8); count > 0; count--) {
      const reading = read()
      await this.step(reading)
    }
    if (random.chance(0.5)) return
    isCancelled = true
    void round.call<void>({
      name: 'cancel',
      kind: 'handle',
      trigger,
      make: () => reader.cancel(),
      refusals: ['NOT_FOUND'],
      isAnsweredHere: true,
    })
  }

  /** Listed to the end, left half way, or left lying. */
  async #list<T>(
    name: string,
    listing: AsyncIterable<T>,
    plan: { trigger?: Call['plan']['trigger']; triggerTurns?: number },
    check: (entries: T[], isAll: boolean, from: number, to: number) => void,
  ) {
    const { round } = this
    const { random } = round
    const iterator = listing[Symbol.asyncIterator]()
    const entries: T[] = []
    const from = round.clock.tick()
    let left = random.chance(0.5) ? Number.POSITIVE_INFINITY : random.below(20)
    for (;;) {
      const given = await round.call<IteratorResult<T>>({
        name,
        kind: 'handle',
        make: () => iterator.next(),
        isAnsweredHere: true,
        ...plan,
      })
      if ('error' in given) return
      const { done, value } = given.value
      if (done) break
      entries.push(value)
      if (left-- > 0) continue
      if (random.chance(0.3)) return
      await round.call({
        name: `${name}, left`,
        kind: 'handle',
        make: () => (iterator.return as () => Promise<unknown>)(),
        isAnsweredHere: true,
      })
      break
    }
    const to = round.clock.tick()
    round.finally(() => check(entries, left === Number.POSITIVE_INFINITY, from, to))
  }

  keys(): Promise<void> {
    const { round, contents } = this
    const { trigger, ...later } = this.trigger()
    const listing = round.page.store.keys(trigger && { signal: trigger.signal })
    return this.#list<KeyEntry>('keys', listing, { trigger, ...later }, (entries, isAll, from, to) => {
      const seen = new Map(entries.map(({ key, size }) => [key, size]))
      if (seen.size < entries.length) throw new Error('keys lists one twice')
      for (const [key, size] of seen) {
        const values = [...round.history.candidates(key, from, to)]
        if (!values.some((value) => value && contents.known.get(value)?.length === size))
          throw new Error(`keys lists ${key}`)
      }
      if (!isAll) return
      for (const subject of round.history.subjects()) {
        const isName = subject.startsWith(subjectOf(''))
        const values = round.history.candidates(subject, from, to)
        if (!isName && !values.has(undefined) && !seen.has(subject)) throw new Error(`keys does not list ${subject}`)
      }
    })
  }

  refs(): Promise<void> {
    const { round } = this
    const { trigger, ...later } = this.trigger()
    const listing = round.page.store.refs.list(trigger && { signal: trigger.signal })
    return this.#list<Ref>('refs.list', listing, { trigger, ...later }, (entries, isAll, from, to) => {
      const seen = new Map(entries.map(({ name, key }) => [name, key]))
      for (const name of NAMES) {
        if (!isAll && !seen.has(name)) continue
        const values = round.history.candidates(subjectOf(name), from, to)
        if (!values.has(seen.get(name))) throw new Error(`refs.list: ${name} is ${seen.get(name)}`)
      }
    })
  }

  async frozen(): Promise<void> {
    const { round } = this
    const { random, page } = round
    const made = await round.call<Frozen>({ name: 'freeze', kind: 'whole', make: () => page.store.freeze() })
    if ('error' in made) return
    const { value: frozen } = made
    // Not to be collected, which would release it, before the round is over.
    round.finally(() => frozen.release())
    let isReleased = false
    for (let count = random.below(5); count > 0; count--) {
      if (random.chance(0.2)) {
        frozen.release()
        isReleased = true
      }
      const codes: StoreErrorCode[] = isReleased ? ['CLOSED'] : []
      const file = random.pick(frozen.files)
      const at = random.below(file.size + 1)
      const length = random.below(file.size - at + 1)
      const isBeyond = random.chance(0.1)
      const reading = random.chance(0.5)
        ? round.call<Uint8Array>({
            name: 'read of a frozen file',
            kind: 'handle',
            make: () => file.read(at, isBeyond ? file.size + 1 : length),
            refusals: isBeyond ? ['RANGE', ...codes] : codes,
            fails: isReleased || isBeyond,
            check: (bytes) => {
              if (bytes.length !== length) throw new Error(`${bytes.length} bytes, not ${length}`)
            },
          })
        : round.call<Uint8Array>({
            name: 'entries of a frozen store',
            kind: 'handle',
            make: () => frozen.entries(),
            refusals: codes,
            fails: isReleased,
            check: (bytes) => {
              if (bytes.length % ENTRY_BYTES !== 0) throw new Error(`${bytes.length} bytes`)
            },
          })
      await this.step(reading)
    }
  }

  /** Of many keys at once. */
  many(): Promise<Outcome<unknown>> {
    const { round } = this
    const { store } = round.page
    const keys = Array.from({ length: round.random.below(6) }, () => this.key())
    if (keys[0] !== undefined && round.random.chance(0.3)) keys.push(keys[0])
    const how = round.random.below(3)
    const isAll = how === 0 && round.random.chance(0.3)
    if (isAll) keys.unshift(...this.contents.known.keys())
    if (how === 0) {
      const names = round.random.chance(0.5) ? keysInOneBuffer(keys) : keys
      const getting = round.call<(Uint8Array<ArrayBuffer> | undefined)[]>({
        name: 'getMany',
        kind: 'whole',
        make: () => store.getMany(names),
        check: (all, call) => {
          for (const bytes of all) this.given.expectOwn(bytes)
          for (const [i, key] of keys.entries()) expectSeen(round.history, key, all[i] && sha256(all[i]), call)
        },
      })
      overwrite(names[0])
      // While what is before it is read.
      if (isAll) void this.delete(this.place, keys.at(-1))
      return getting
    }
    if (how === 1) {
      return round.call<boolean[]>({
        name: 'hasMany',
        kind: 'whole',
        make: () => store.hasMany(keys),
        check: (all, call) => {
          for (const [i, key] of keys.entries()) expectThere(round.history, key, all[i] as boolean, call)
        },
      })
    }
    const changes = keys.map((key) => round.history.begin(key, undefined))
    this.groups.push(changes)
    return round.call<number>({
      name: 'deleteMany',
      kind: 'whole',
      make: () => store.deleteMany(keys),
      refusals: ['IN_USE'],
      changes,
      waitsForTurn: true,
    })
  }

  range(): Promise<Outcome<unknown>> {
    const { round, contents } = this
    const { random } = round
    const key = this.key()
    const size = contents.known.get(key)?.length ?? 0
    const [offset, length] = random.chance(0.1) ? [size + 1, 1] : [random.below(size + 1), random.below(size + 2)]
    return round.call<Uint8Array | undefined>({
      name: 'get of a range',
      kind: 'whole',
      make: () => round.page.store.get(key, { offset, length }),
      refusals: ['RANGE'],
      check: (part, call) => {
        const values = [...round.history.candidates(key, call.began, call.ended)]
        const expected = values.map((value) => value && contents.known.get(value)?.subarray(offset, offset + length))
        const isOne = expected.some((bytes) => (part && bytes ? Buffer.compare(part, bytes) === 0 : part === bytes))
        if (!isOne) throw new Error('it is not that part')
      },
    })
  }

  async blob(): Promise<void> {
    const { round } = this
    const key = this.key()
    const verify = round.random.chance(0.5)
    const got = await round.call<Blob | undefined>({
      name: 'blob',
      kind: 'whole',
      make: () => round.page.store.blob(key, { verify }),
      check: (blob, call) => expectThere(round.history, key, blob !== undefined, call),
    })
    if ('error' in got || got.value === undefined) return
    const bytes = new Uint8Array(await got.value.arrayBuffer())
    const ended = round.clock.tick()
    round.finally(() => expectSeen(round.history, key, sha256(bytes), { began: 0, ended }))
  }

  async response(): Promise<void> {
    const { round, contents } = this
    const { random, page } = round
    const key = this.key()
    const bytes = contents.known.get(key)
    const size = bytes?.length ?? 0
    const isPart = random.chance(0.3) && size > 1
    const request = new Request('https://lodestore.test/', isPart ? { headers: { Range: 'bytes=1-' } } : {})
    const answered = await round.call<Response>({
      name: 'response',
      kind: 'whole',
      make: () => page.store.response(key, request),
      check: ({ status }, call) => {
        if (![200, 206, 404, 416].includes(status)) throw new Error(`its status is ${status}`)
        expectThere(round.history, key, status !== 404, call)
      },
    })
    if ('error' in answered || random.chance(0.3)) return
    await round.call<ArrayBuffer>({
      name: 'body of a response',
      kind: 'handle',
      make: () => answered.value.arrayBuffer(),
      refusals: ['NOT_FOUND'],
      isAnsweredHere: true,
      check: (body) => {
        if (!bytes || answered.value.status > 206) return
        if (Buffer.compare(new Uint8Array(body), bytes.subarray(isPart ? 1 : 0))) throw new Error('it has other bytes')
      },
    })
  }

  /** What looks at the whole store. */
  task(): Promise<Outcome<unknown>> {
    const { round } = this
    const { random, page } = round
    const { store } = page
    const { trigger, ...later } = this.trigger(0.4)
    const how = random.pick(['check', 'compact', 'gc', 'flush', 'stats'] as const)
    const options = trigger && how !== 'flush' && how !== 'stats' ? { signal: trigger.signal } : {}
    return round.call<unknown>({
      name: how,
      kind: 'whole',
      make: () =>
        how === 'gc'
          ? store.gc({ ...options, dryRun: true, ...(random.chance(0.5) && { keep: [] }) })
          : how === 'check'
            ? store.check(options)
            : how === 'compact'
              ? store.compact(options)
              : store[how](),
      ...('signal' in options && { trigger, ...later }),
      refusals: how === 'gc' ? ['TypeError'] : [],
      waitsForTurn: how !== 'stats',
      check: (report) => {
        if (how === 'check' && !(report as { clean: boolean }).clean) throw new Error(JSON.stringify(report))
      },
    })
  }
}
