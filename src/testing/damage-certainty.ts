/**
 * What a store that is damaged has to answer, as far as that is certain: of what the damage touched it may have lost the newest value, but never
 * gives another; what the damage may have hidden a newer value of, it may refuse. All else is there.
 */

import { createHash } from 'node:crypto'
import { isStoreError } from '../errors.js'
import { hexBytes, keyHex } from '../format/key.js'
import { manifestKey } from '../format/manifest.js'
import { refKey } from '../format/ref.js'
import type { Engine } from '../store/engine.js'
import type { Stroke } from './damage-strokes.js'
import { type Draft, sameValue } from './model.js'
import type { Pool } from './workload-contents.js'

/** Keys and names as one kind of thing: a name as "name of it". */
export type Thing = string
export const named = (name: string): Thing => `name ${name}`

/** A committed state, as far as it is certain. */
export interface Known extends Draft {
  /** May be lost. */
  unsure: Set<Thing>
  /** May be refused: an entry that nobody can read may have replaced it. */
  doubted: Set<Thing>
}

export function knownOf({ contents, refs, unsure, doubted }: Known): Known {
  return {
    contents: new Map(contents),
    refs: new Map(refs),
    unsure: new Set(unsure),
    doubted: new Set(doubted),
  }
}

/** What a repair may make of it: it gives up what is refused. */
export function givenUp(known: Known): Known {
  const after = knownOf(known)
  for (const thing of known.doubted) after.unsure.add(thing)
  return after
}

export const NOTHING: Known = { contents: new Map(), refs: new Map(), unsure: new Set(), doubted: new Set() }

/** What a read answered; CORRUPT is an answer, and so is the right value of what is no content, but a part of one. */
export type Answer = Uint8Array | string | 'refused' | 'a part' | undefined

/** All that a life may ever have stored, how it is read back, and what of that is right. */
export class Universe {
  readonly #pool: Pool
  readonly #chosen: readonly string[]
  readonly #names: readonly string[]
  /** Whose an entry is, by the key of the entry in hex: a chunk's and a list's are the contents', a name's the name's. */
  readonly #owners = new Map<string, Set<Thing>>()

  constructor(pool: Pool, chosen: readonly string[], names: readonly string[]) {
    this.#pool = pool
    this.#chosen = chosen
    this.#names = names
    for (const key of this.keys) this.#own(key, key)
    for (const { key, chunks } of [...pool.all, ...pool.large]) {
      // A chunk that was put for its own sake has a list as well.
      this.#own(keyHex(manifestKey(hexBytes(key))), key)
      for (const chunk of chunks.keys()) this.#own(chunk, key)
    }
    for (const name of names) {
      this.#own(keyHex(refKey(createHash('sha256').update(name).digest())), named(name))
    }
  }

  get keys(): string[] {
    const { all, large } = this.#pool
    return [...new Set([...this.#chosen, ...all.map(({ key }) => key), ...large.map(({ key }) => key)])]
  }

  #own(entry: string, thing: Thing): void {
    const owners = this.#owners.get(entry) ?? new Set()
    this.#owners.set(entry, owners.add(thing))
  }

  /** What is certain after a stroke of damage. */
  after(known: Known, { touched, isExplained }: Stroke): Known {
    const after = knownOf(known)
    for (const entry of touched) for (const thing of this.#owners.get(entry) ?? []) after.unsure.add(thing)
    if (isExplained) return after
    for (const thing of [...this.keys, ...this.#names.map(named)]) after.doubted.add(thing)
    return after
  }

  async read(engine: Engine): Promise<Map<Thing, Answer>> {
    const answers = new Map<Thing, Answer>()
    const listed = new Set<string>()
    for await (const { key } of engine.keys()) listed.add(key)
    for (const key of this.keys) {
      const value = await unlessRefused(engine.get(key))
      const isPart = typeof value === 'object' && !listed.has(key) && sameValue(value, this.#pool.of(key)?.bytes)
      answers.set(key, isPart && this.#pool.mayBeChunk(key) ? 'a part' : value)
    }
    for (const name of this.#names) {
      const ref = await unlessRefused(engine.refs.get(name))
      answers.set(named(name), typeof ref === 'object' ? ref.key : ref)
    }
    return answers
  }

  /** What is wrong with these answers, in words. */
  faults(known: Known, answers: ReadonlyMap<Thing, Answer>): string[] {
    const faults: string[] = []
    for (const [thing, answer] of answers) {
      if (!this.#isRight(known, thing, answer)) {
        const wanted = this.#wanted(known, thing)
        const sure = known.unsure.has(thing) ? 'unsure' : known.doubted.has(thing) ? 'doubted' : 'sure'
        faults.push(`${thing.slice(0, 12)} (${sure}) is ${show(answer)}, expected ${show(wanted)}`)
      }
    }
    return faults
  }

  /** What is wanted and is not there. */
  isLost(known: Known, answers: ReadonlyMap<Thing, Answer>): boolean {
    return [...answers].some(
      ([thing, answer]) => (answer === undefined || answer === 'a part') && this.#wanted(known, thing) !== undefined,
    )
  }

  /** What was read before a repair, and is wanted, and is not read after it, in words. */
  keeps(known: Known, before: ReadonlyMap<Thing, Answer>, after: ReadonlyMap<Thing, Answer>): string[] {
    return [...before.keys()]
      .filter((thing) => {
        const wanted = this.#wanted(known, thing)
        // The list of a large content may have been in memory only.
        const isLarge = (this.#pool.of(thing)?.chunks.size ?? 0) > 0
        if (wanted === undefined || (isLarge && known.unsure.has(thing))) return false
        return isSame(before.get(thing), wanted) && !isSame(after.get(thing), wanted)
      })
      .map((thing) => `${thing.slice(0, 12)} could be read before the repair`)
  }

  /**
   * The certain state in which a repair has left the store. What it still refuses is a content of which chunks are lost. One that is
   * lost and has a name still is a content again as soon as it is there, be it as a part.
   */
  settled(answers: ReadonlyMap<Thing, Answer>): Known {
    const { contents, refs, unsure, doubted } = knownOf(NOTHING)
    for (const [thing, answer] of answers) {
      if (answer instanceof Uint8Array) {
        contents.set(thing, answer)
      } else if (answer === 'refused') {
        unsure.add(thing)
        contents.set(thing, this.#pool.of(thing)?.bytes ?? new Uint8Array())
      } else if (answer !== undefined && answer !== 'a part') {
        refs.set(thing.slice(named('').length), answer)
      }
    }
    for (const key of refs.values()) if (!contents.has(key) && this.#pool.mayBeChunk(key)) unsure.add(key)
    return { contents, refs, unsure, doubted }
  }

  #wanted(known: Known, thing: Thing): Uint8Array | string | undefined {
    return known.contents.get(thing) ?? known.refs.get(thing.slice(named('').length))
  }

  #isRight(known: Known, thing: Thing, answer: Answer): boolean {
    const wanted = this.#wanted(known, thing)
    if (isSame(answer, wanted)) return true
    const content = this.#pool.of(thing)
    const [isUnsure, isDoubted] = [known.unsure.has(thing), known.doubted.has(thing)]
    if (answer === 'a part') return wanted === undefined || isUnsure || isDoubted
    // Proven by its key: what was deleted may be back when damage took the DELETE, and a part may look like a content when it took the list.
    if (wanted === undefined && answer instanceof Uint8Array) {
      return sameValue(answer, content?.bytes) && (isUnsure || isDoubted || this.#isPartOfUnsure(known, thing))
    }
    if (isUnsure) return answer === 'refused' || answer === undefined
    const isProven = content !== undefined && content.chunks.size === 0 && wanted !== undefined
    return answer === 'refused' && isDoubted && !isProven
  }

  #isPartOfUnsure({ unsure }: Known, key: string): boolean {
    return this.#pool.large.some((content) => content.chunks.has(key) && unsure.has(content.key))
  }
}

function isSame(a: Answer, b: Answer): boolean {
  return typeof a === 'object' && typeof b === 'object' ? sameValue(a, b) : a === b
}

function show(answer: Answer): string {
  return answer instanceof Uint8Array ? `${answer.length} bytes` : String(answer).slice(0, 12)
}

async function unlessRefused<T>(reading: Promise<T>): Promise<T | 'refused'> {
  try {
    return await reading
  } catch (error) {
    if (!isStoreError(error, 'CORRUPT')) throw error
    return 'refused'
  }
}
