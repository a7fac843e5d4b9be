/**
 * What a case of the engine is, the verbs the cases are written in, and the ending that all of them share: whatever a case did,
 * its store says the same after it is closed and opened, after its checkpoint is lost, and in a check. The cases stand in engine-cases-*.ts and run
 * on any storage, in Node and in a browser's worker; nothing here knows Vitest or Node.
 */

import { decimal } from '../format/paths.js'
import { createKernel, type Kernel } from '../kernel/kernel.js'
import type { Storage } from '../storage/storage.js'
import { type Engine, type EngineSettings, openEngine } from '../store/engine.js'
import { equal } from './check.js'
import { ObservedStorage } from './observed-storage.js'

export interface EngineCase {
  name: string
  /** The case damages its store on purpose: a check is then not clean, and losing the checkpoint may lose more. */
  damages?: boolean
  run(context: EngineContext): Promise<void>
}

/** One store on one storage, and the handles a case needs on both. */
export interface EngineContext {
  readonly storage: ObservedStorage
  /** Opens the store; the options given here hold for later openings too. */
  open(options?: EngineSettings): Promise<Engine>
  close(): Promise<void>
  reopen(): Promise<Engine>
  /** Reopens it without its checkpoints: the whole log is read. */
  reopenFromLog(): Promise<Engine>
  /** The store as it would be found if the machine stopped now. This one goes on. */
  crash(): Promise<EngineContext>
  /** Flips one bit in a file of a closed store. */
  flip(path: string, at: number, bit?: number): Promise<void>
  /** Segments on the disk that hold anything, ascending. */
  segments(): Promise<number[]>
}

let sharedKernel: Promise<Kernel> | undefined

export function engineContext(inner: Storage, initial: EngineSettings = {}): EngineContext {
  const storage = inner instanceof ObservedStorage ? inner : new ObservedStorage(inner)
  const options = { ...initial }
  let engine: Engine | undefined

  async function open(more: EngineSettings = {}): Promise<Engine> {
    sharedKernel ??= createKernel()
    Object.assign(options, more)
    engine = await openEngine(storage, { kernel: await sharedKernel, ...options })
    return engine
  }

  async function close(): Promise<void> {
    await engine?.close()
    engine = undefined
  }

  return {
    storage,
    open,
    close,
    async reopen() {
      await close()
      return await open()
    },
    async reopenFromLog() {
      await close()
      for (const path of await storage.paths()) {
        if (path.startsWith('index.')) await storage.remove(path)
      }
      return await open()
    },
    async crash() {
      return engineContext(await storage.snapshot(), options)
    },
    async flip(path, at, bit = 0) {
      const bytes = await storage.contents(path)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
      await storage.replace(path, bytes)
    },
    async segments() {
      const found: number[] = []
      for (const path of await storage.paths()) {
        const number = path.startsWith('data/') ? decimal(path.split('/').at(-1) ?? '') : undefined
        if (number !== undefined && (await storage.contents(path)).length > 0) found.push(number)
      }
      return found.sort((a, b) => a - b)
    },
  }
}

/** Runs a case on an empty storage, and the ending: reopened, replayed and checked, the store is the same. */
export async function runEngineCase({ run, damages = false }: EngineCase, storage: Storage): Promise<void> {
  const context = engineContext(storage)
  await run(context)
  context.storage.before = () => undefined
  await context.close()
  if (damages || !(await context.storage.paths()).includes('config')) return
  const first = await context.open()
  const held = await contentsOf(first)
  equal((await first.check()).findings, [], 'findings after reopening')
  equal(await contentsOf(await context.reopen()), held, 'the store after reopening')
  const replayed = await context.reopenFromLog()
  equal(await contentsOf(replayed), held, 'the store read from the log alone')
  equal((await replayed.check()).findings, [], 'findings after a replay')
  await context.close()
  equal(context.storage.openPaths, [], 'files left open by close')
}

/** Everything in a store: key, size and a sum over the value, sorted. */
export async function contentsOf(store: Engine): Promise<string[]> {
  const entries: { key: string; size: number }[] = []
  for await (const entry of store.keys()) entries.push(entry)
  const values = await store.getMany(entries.map(({ key }) => key))
  return entries
    .map(({ key, size }, index) => {
      const value = values[index]
      return `${key} ${size} ${value?.length} ${sum(value ?? new Uint8Array())}`
    })
    .sort()
}

/** Tells two values apart that differ anywhere. */
function sum(bytes: Uint8Array): number {
  let sum = 7
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0
  return sum
}

/** A key of a test's own; no hash, and not reserved. */
export function key(number: number): string {
  return `ab${number.toString(16).padStart(62, '0')}`
}

/** `size` bytes that differ from `seed` to `seed` and from place to place. */
export function value(size: number, seed = 0): Uint8Array<ArrayBuffer> {
  let state = (seed + 1) * 2654435761
  return Uint8Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes)
}

export async function keysOf(store: Engine): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of store.keys()) found.push(key)
  return found.sort()
}
