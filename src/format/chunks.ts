/** The sizes at which a store cuts large contents, in bytes: part of the format, because other sizes find no chunk again. FORMAT.md, "Chunks". */
export const CHUNK_SIZES = { min: 128 * 1024, average: 512 * 1024, max: 2 * 1024 * 1024 } as const

/** Contents up to this size are one entry. */
export const WHOLE_BYTES_MAX = 2 * CHUNK_SIZES.max
