/** The middle of SHA-256, straight from FIPS 180-4, for states that node:crypto has no way to show or to take. */

/** The fractions of a root of the first primes, as 32-bit words: where all constants of the standard come from. */
function rootFractions(count: number, root: (prime: number) => number): number[] {
  const primes: number[] = []
  for (let number = 2; primes.length < count; number++) {
    if (primes.every((prime) => number % prime !== 0)) primes.push(number)
  }
  return primes.map((prime) => Math.floor((root(prime) % 1) * 2 ** 32))
}

const ROUND_CONSTANTS = rootFractions(64, Math.cbrt)
export const INITIAL_WORDS: readonly number[] = rootFractions(8, Math.sqrt)

const rotate = (x: number, bits: number) => (x >>> bits) | (x << (32 - bits))

/** The eight words after whole blocks of 64 bytes. */
export function wordsAfter(words: readonly number[], blocks: Uint8Array): number[] {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.length)
  let state = [...words]
  for (let block = 0; block < blocks.length; block += 64) {
    const w = Array.from({ length: 16 }, (_, index) => view.getUint32(block + 4 * index))
    const at = (index: number) => w[index] ?? 0
    for (let t = 16; t < 64; t++) {
      const [x, y] = [at(t - 15), at(t - 2)]
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)
      const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)
      w.push((s1 + at(t - 7) + s0 + at(t - 16)) >>> 0)
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
    for (const [t, constant] of ROUND_CONSTANTS.entries()) {
      const t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + constant + at(t)
      const t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
      ;[a, b, c, d, e, f, g, h] = [(t1 + t2) >>> 0, a, b, c, (d + t1) >>> 0, e, f, g]
    }
    state = [a, b, c, d, e, f, g, h].map((word, index) => (word + (state[index] ?? 0)) >>> 0)
  }
  return state
}
