// SHA-256 (FIPS 180-4) of one message at a time. Called from outside to name small blobs;
// large ones go to WebCrypto, which has the processor's own instructions.

import { DIGEST, PADDING, SCHEDULE } from './memory'

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

const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
])

function choose(x: u32, y: u32, z: u32): u32 {
  return (x & (y ^ z)) ^ z
}

function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) | (z & (x | y))
}

function largeSigma0(x: u32): u32 {
  return rotr<u32>(x, 2) ^ rotr<u32>(x, 13) ^ rotr<u32>(x, 22)
}

function largeSigma1(x: u32): u32 {
  return rotr<u32>(x, 6) ^ rotr<u32>(x, 11) ^ rotr<u32>(x, 25)
}

function smallSigma0(x: u32): u32 {
  return rotr<u32>(x, 7) ^ rotr<u32>(x, 18) ^ (x >> 3)
}

function smallSigma1(x: u32): u32 {
  return rotr<u32>(x, 17) ^ rotr<u32>(x, 19) ^ (x >> 10)
}

/** Constant and message word of a round. */
function input(round: usize, ahead: usize): u32 {
  const at = (round + ahead) << 2
  return load<u32>(ROUND_CONSTANTS + at) + load<u32>(SCHEDULE + at)
}

/** Takes the 64-byte blocks [ptr, end) into the state in DIGEST. */
function compress(ptr: usize, end: usize): void {
  for (; ptr < end; ptr += 64) {
    for (let at: usize = 0; at < 64; at += 4) store<u32>(SCHEDULE + at, bswap<u32>(load<u32>(ptr + at)))
    for (let at: usize = SCHEDULE + 64; at < SCHEDULE + 256; at += 4) {
      store<u32>(
        at,
        smallSigma1(load<u32>(at - 8)) + load<u32>(at - 28) + smallSigma0(load<u32>(at - 60)) + load<u32>(at - 64),
      )
    }
    let a = load<u32>(DIGEST)
    let b = load<u32>(DIGEST, 4)
    let c = load<u32>(DIGEST, 8)
    let d = load<u32>(DIGEST, 12)
    let e = load<u32>(DIGEST, 16)
    let f = load<u32>(DIGEST, 20)
    let g = load<u32>(DIGEST, 24)
    let h = load<u32>(DIGEST, 28)
    // Eight rounds at a time: instead of shifting eight variables along, each round takes them one place further.
    for (let round: usize = 0; round < 64; round += 8) {
      h += largeSigma1(e) + choose(e, f, g) + input(round, 0)
      d += h
      h += largeSigma0(a) + majority(a, b, c)
      g += largeSigma1(d) + choose(d, e, f) + input(round, 1)
      c += g
      g += largeSigma0(h) + majority(h, a, b)
      f += largeSigma1(c) + choose(c, d, e) + input(round, 2)
      b += f
      f += largeSigma0(g) + majority(g, h, a)
      e += largeSigma1(b) + choose(b, c, d) + input(round, 3)
      a += e
      e += largeSigma0(f) + majority(f, g, h)
      d += largeSigma1(a) + choose(a, b, c) + input(round, 4)
      h += d
      d += largeSigma0(e) + majority(e, f, g)
      c += largeSigma1(h) + choose(h, a, b) + input(round, 5)
      g += c
      c += largeSigma0(d) + majority(d, e, f)
      b += largeSigma1(g) + choose(g, h, a) + input(round, 6)
      f += b
      b += largeSigma0(c) + majority(c, d, e)
      a += largeSigma1(f) + choose(f, g, h) + input(round, 7)
      e += a
      a += largeSigma0(b) + majority(b, c, d)
    }
    store<u32>(DIGEST, load<u32>(DIGEST) + a)
    store<u32>(DIGEST, load<u32>(DIGEST, 4) + b, 4)
    store<u32>(DIGEST, load<u32>(DIGEST, 8) + c, 8)
    store<u32>(DIGEST, load<u32>(DIGEST, 12) + d, 12)
    store<u32>(DIGEST, load<u32>(DIGEST, 16) + e, 16)
    store<u32>(DIGEST, load<u32>(DIGEST, 20) + f, 20)
    store<u32>(DIGEST, load<u32>(DIGEST, 24) + g, 24)
    store<u32>(DIGEST, load<u32>(DIGEST, 28) + h, 28)
  }
}

/** Leaves the SHA-256 of [ptr, ptr + size) in DIGEST. */
export function sha256(ptr: usize, size: usize): void {
  memory.copy(DIGEST, INITIAL, 32)
  const whole = size & ~63
  compress(ptr, ptr + whole)
  const rest = size - whole
  const padded: usize = rest < 56 ? 64 : 128
  memory.fill(PADDING, 0, padded)
  memory.copy(PADDING, ptr + whole, rest)
  store<u8>(PADDING + rest, 0x80)
  store<u64>(PADDING + padded - 8, bswap<u64>((<u64>size) << 3))
  compress(PADDING, PADDING + padded)
  for (let at: usize = DIGEST; at < DIGEST + 32; at += 4) store<u32>(at, bswap<u32>(load<u32>(at)))
}
