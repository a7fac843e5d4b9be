// What SHA-256 (FIPS 180-4) is made of: its constants, its functions, for one word or for those of four lanes, the words of four blocks side by side,
// and the end of a message.

// biome-ignore format: eight to a line, as in the standard
const ROUND_CONSTANTS: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])

export const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
])

export const BLOCK_SIZE: usize = 64
export const DIGEST_SIZE: usize = 32
export const LANE_COUNT: usize = 4

export function add(x: v128, y: v128): v128 {
  return i32x4.add(x, y)
}

function xor<T>(x: T, y: T): T {
  return isVector<T>() ? v128.xor(x, y) : x ^ y
}

function shift(x: v128, bits: i32): v128 {
  return i32x4.shr_u(x, bits)
}

function rotate<T>(x: T, bits: i32): T {
  return isVector<T>() ? v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits)) : rotr<T>(x, bits)
}

export function choose<T>(x: T, y: T, z: T): T {
  return isVector<T>() ? v128.bitselect(y, z, x) : ((y ^ z) & x) ^ z
}

export function majority<T>(x: T, y: T, z: T): T {
  return isVector<T>() ? v128.xor(v128.and(v128.xor(x, y), v128.xor(y, z)), y) : ((x ^ y) & (y ^ z)) ^ y
}

export function largeSigma0<T>(x: T): T {
  return xor(xor(rotate(x, 2), rotate(x, 13)), rotate(x, 22))
}

export function largeSigma1<T>(x: T): T {
  return xor(xor(rotate(x, 6), rotate(x, 11)), rotate(x, 25))
}

export function smallSigma0(x: v128): v128 {
  return xor(xor(rotate(x, 7), rotate(x, 18)), shift(x, 3))
}

export function smallSigma1(x: v128): v128 {
  return xor(xor(rotate(x, 17), rotate(x, 19)), shift(x, 10))
}

export function constant(round: usize, ahead: usize): v128 {
  return v128.load32_splat(ROUND_CONSTANTS + ((round + ahead) << 2))
}

export function bigEndian(words: v128): v128 {
  return v128.shuffle<u8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

/** Puts the words of four blocks side by side: sixteen vectors of four lanes, at `target`. */
export function gather(target: usize, block0: usize, block1: usize, block2: usize, block3: usize): void {
  for (let at: usize = 0; at < BLOCK_SIZE; at += 16) {
    const a = bigEndian(v128.load(block0 + at))
    const b = bigEndian(v128.load(block1 + at))
    const c = bigEndian(v128.load(block2 + at))
    const d = bigEndian(v128.load(block3 + at))
    // Four words of four lanes, turned about: every word becomes a vector of its four lanes.
    const abLow = v128.shuffle<u32>(a, b, 0, 4, 1, 5)
    const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7)
    const cdLow = v128.shuffle<u32>(c, d, 0, 4, 1, 5)
    const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7)
    const words = target + (at << 2)
    v128.store(words, v128.shuffle<u64>(abLow, cdLow, 0, 2))
    v128.store(words, v128.shuffle<u64>(abLow, cdLow, 1, 3), 16)
    v128.store(words, v128.shuffle<u64>(abHigh, cdHigh, 0, 2), 32)
    v128.store(words, v128.shuffle<u64>(abHigh, cdHigh, 1, 3), 48)
  }
}

/** The end of a message of `size` bytes: the `rest` of them that fill no block, a 1, zeros, and its size in bits. Returns where it ends. */
export function pad(padding: usize, ptr: usize, rest: usize, size: u64): usize {
  const end = padding + (rest < BLOCK_SIZE - 8 ? BLOCK_SIZE : 2 * BLOCK_SIZE)
  memory.fill(padding, 0, end - padding)
  memory.copy(padding, ptr, rest)
  store<u8>(padding + rest, 0x80)
  store<u64>(end - 8, bswap<u64>(size << 3))
  return end
}
