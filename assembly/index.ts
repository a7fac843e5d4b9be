// The kernel: the loops that touch every byte or every key. Compiled by scripts/build-kernel.mjs; src/kernel/ is
// its only caller and checks every argument: in here an address is believed.

import { chunkerPrepare } from './chunker'
import { crc32Prepare } from './crc32'
import { SCANNED } from './memory'

export { cut } from './chunker'
export { crc32 } from './crc32'
export { scan, seal, verify } from './entry'
export {
  BASE,
  DIGESTS,
  JOBS,
  JOBS_MAX,
  KEYS,
  KEYS_MAX,
  MIXERS,
  PLACES,
  RECORDS,
  reserve,
  SCANNED,
  STATE,
} from './memory'
export { sha256, sha256Begin, sha256Digest, sha256Update } from './sha256'
export {
  tableAddMany,
  tableAdopt,
  tableClear,
  tableCount,
  tableCreate,
  tableDelete,
  tableEntries,
  tableFind,
  tableFindMany,
  tablePrepare,
  tableReserve,
  tableSet,
} from './table'

// The compiler's constants must end where the map in memory.ts begins.
if (__heap_base > SCANNED) unreachable()
crc32Prepare()
chunkerPrepare()
