// Numbers that look random and follow from a seed: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators"). The table's secret is drawn with it, and the chunker's gear table, whose every number is part of the format.

/** A permutation of the 64-bit numbers in which every bit of the result depends on every bit of the argument. */
export function mix(x: u64): u64 {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb
  return x ^ (x >> 31)
}

/** Fills [ptr, end) with the generator's first numbers, u64 each. */
export function fillRandom(ptr: usize, end: usize, seed: u64): void {
  for (; ptr < end; ptr += 8) {
    seed += 0x9e3779b97f4a7c15
    store<u64>(ptr, mix(seed))
  }
}
