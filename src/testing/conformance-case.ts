/**
 * What a conformance case of the storage contract is, and the verbs the cases are written in. The cases stand in
 * conformance-bytes.ts and conformance-paths.ts; conformance.ts is the whole suite.
 */
import type { Storage, StorageFile } from '../storage/storage.js'
import { equal, fails } from './check.js'

export interface ConformanceContext {
  storage: Storage
  /** Another storage on the same directory, as a second opener has it. A driver that has no such thing gives the same one again. */
  reopen(): Promise<Storage>
}

export interface ConformanceCase {
  name: string
  run(context: ConformanceContext): Promise<void>
}

/** All bytes of a file. */
export function contents(file: StorageFile): Uint8Array {
  const bytes = new Uint8Array(file.size())
  equal(file.read(bytes, 0), bytes.length, 'bytes read')
  return bytes
}

export const bytes = (...values: number[]) => Uint8Array.from(values)

/** `size` bytes that differ from place to place, so that a shifted copy shows. */
export function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
}

export async function create(storage: Storage, path: string, ...values: number[]): Promise<StorageFile> {
  const file = await storage.open(path, { create: true })
  file.write(bytes(...values), 0)
  return file
}

export async function createClosed(storage: Storage, path: string, ...values: number[]): Promise<void> {
  const file = await create(storage, path, ...values)
  await file.flush()
  file.close()
}

/** The error names the file and, where the platform had one, keeps its error. */
export async function failsOn(
  path: string,
  action: () => unknown,
  code: 'NOT_FOUND' | 'LOCKED' | 'IO',
  advice = /./,
): Promise<void> {
  const error = await fails(action, code, path)
  equal(error.where?.file, path, 'the file the error names')
  equal(advice.test(error.message), true, `the message "${error.message}" has ${advice}`)
  equal(error.message.includes(path), true, `the message "${error.message}" names ${path}`)
}
