/**
 * The engine's cases: each holds one sentence of what the store promises, on whatever storage it gets. They run in Vitest (memory, folder)
 * and in real browsers (OPFS), so the suite imports neither. A case gets an empty storage of its own; what it leaves is
 * closed, reopened, replayed and checked by `runEngineCase`.
 */

import type { EngineCase } from './engine-case.js'
import { aftermathCases } from './engine-cases-aftermath.js'
import { badInputCases } from './engine-cases-bad-input.js'
import { basicCases } from './engine-cases-basics.js'
import { blobCases } from './engine-cases-blobs.js'
import { closingCases } from './engine-cases-closing.js'
import { compactionCases } from './engine-cases-compaction.js'
import { contentCases } from './engine-cases-contents.js'
import { cutCases } from './engine-cases-cut.js'
import { damageCases } from './engine-cases-damage.js'
import { damagedLogCases } from './engine-cases-damaged-log.js'
import { directoryCases } from './engine-cases-directories.js'
import { failureCases } from './engine-cases-failures.js'
import { ingestCases } from './engine-cases-ingest.js'
import { listCases } from './engine-cases-lists.js'
import { momentCases } from './engine-cases-moments.js'
import { nameCases } from './engine-cases-names.js'
import { readingCases } from './engine-cases-reading.js'
import { recoveryCases } from './engine-cases-recovery.js'
import { repairCases } from './engine-cases-repair.js'
import { retiredCases } from './engine-cases-retired.js'
import { transactionCases } from './engine-cases-transactions.js'
import { uploadCases } from './engine-cases-uploads.js'
import { witnessCases } from './engine-cases-witnesses.js'

export { type EngineCase, runEngineCase } from './engine-case.js'

export const engineCases: readonly EngineCase[] = [
  ...basicCases,
  ...transactionCases,
  ...failureCases,
  ...badInputCases,
  ...directoryCases,
  ...closingCases,
  ...compactionCases,
  ...contentCases,
  ...readingCases,
  ...ingestCases,
  ...blobCases,
  ...nameCases,
  ...listCases,
  ...uploadCases,
  ...momentCases,
  ...recoveryCases,
  ...retiredCases,
  ...damageCases,
  ...damagedLogCases,
  ...repairCases,
  ...cutCases,
  ...aftermathCases,
  ...witnessCases,
]
