/**
 * The sizes at which a store cuts large contents, in bytes: part of its config, because other sizes find no chunk again. FORMAT.md, "Chunks".
 */

export interface ChunkSizes {
  min: number
  average: number
  max: number
}

export const CHUNK_SIZES: Readonly<ChunkSizes> = { min: 128 * 1024, average: 512 * 1024, max: 2 * 1024 * 1024 }
const MIN_LEAST = 64
/** So that a content that is just not cut is still one entry. */
const MAX_MOST = 8 * 1024 * 1024

/** True for sizes that ascend within the limits, the average a power of two. */
export function areChunkSizes({ min, average, max }: ChunkSizes): boolean {
  const areWhole = [min, average, max].every(Number.isInteger)
  return (
    areWhole &&
    MIN_LEAST <= min &&
    min <= average &&
    average <= max &&
    max <= MAX_MOST &&
    (average & (average - 1)) === 0
  )
}

/** Throws TypeError. */
export function checkChunkSizes(sizes: ChunkSizes): void {
  if (areChunkSizes(sizes)) return
  const { min, average, max } = sizes
  throw new TypeError(
    `chunkSizes are whole numbers of bytes that ascend from ${MIN_LEAST} to ${MAX_MOST}, the average a power of two, not ${min}, ${average}, ${max}`,
  )
}

/** Contents up to this size are one entry. */
export function wholeBytesMax({ max }: ChunkSizes): number {
  return 2 * max
}
