/** Chunking as FORMAT.md's "Chunks" says it, one sentence after the other, in numbers that cannot overflow: what the kernel is compared with. */

import type { ChunkSizes } from '../kernel/kernel.js'

const u64 = (value: bigint) => BigInt.asUintN(64, value)

/** The first 256 numbers of SplitMix64 from the seed 0. */
export const GEAR: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => {
  let x = u64(BigInt(byte + 1) * 0x9e3779b97f4a7c15n)
  x = u64((x ^ (x >> 30n)) * 0xbf58476d1ce4e5b9n)
  x = u64((x ^ (x >> 27n)) * 0x94d049bb133111ebn)
  return x ^ (x >> 31n)
})

/** Where the chunks of a content end: the last one's end is the content's. */
export function chunkEnds(content: Uint8Array, { min, average, max }: ChunkSizes): number[] {
  const ends: number[] = []
  const bits = Math.log2(average)
  const [limitBefore, limitBehind] = [1n << BigInt(64 - bits - 2), 1n << BigInt(64 - bits + 2)]
  for (let begin = 0; begin < content.length; begin = ends.at(-1) ?? content.length) {
    const most = Math.min(begin + max, content.length)
    let hash = 0n
    let at = begin + min
    for (; at < most; at++) {
      hash = u64(2n * hash + (GEAR[content[at] ?? 0] ?? 0n))
      if (hash < (at < begin + average ? limitBefore : limitBehind)) break
    }
    ends.push(Math.min(at + 1, most))
  }
  return ends
}
