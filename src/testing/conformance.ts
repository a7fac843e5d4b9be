/**
 * The conformance suite of storage drivers: each case holds one sentence of the contract in src/storage/storage.ts.
 * Every driver passes all of them, in Vitest (memory, folder) and in real browsers (OPFS, memory), so the suite imports neither.
 * A case gets an empty storage of its own; what it leaves open or on the disk the runner may throw away.
 */
import { bytesCases } from './conformance-bytes.js'
import type { ConformanceCase } from './conformance-case.js'
import { pathsCases } from './conformance-paths.js'

export type { ConformanceCase, ConformanceContext } from './conformance-case.js'

export const conformanceCases: readonly ConformanceCase[] = [...bytesCases, ...pathsCases]
