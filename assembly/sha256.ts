// SHA-256 (FIPS 180-4) of many messages, or of one, which may come in pieces. Called from outside to name small blobs and for
// what is never whole in memory; other large ones go to WebCrypto, which has the processor's own instructions, but whose every
// call costs what 1 KiB costs here.
//
// Many messages are hashed four side by side, in 32-bit lanes. A lane that is done with its message takes the next one, so messages of
// different sizes keep all lanes busy. Of one message, four blocks at a time have the words of their rounds made side by side, and
// then go through the rounds one after the other: a quarter faster than words made with each round.

import { DIGESTS, JOBS, LANES, PADDING, SCHEDULE, STATE, WORDS } from './memory'

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

const BLOCK_SIZE: usize = 64
const DIGEST_SIZE: usize = 32
const JOB_SIZE: usize = 8
const LANE_COUNT: usize = 4

// The fields behind the eight words in the state of a single message.
const COUNT: usize = 32
const PENDING: usize = 40

// What a lane is doing, and the fields of its record in LANES.
const IDLE: u32 = 0
const BODY: u32 = 1
const LAST: u32 = 2
const LANE_SIZE: usize = 16
const AT: usize = 0
const END: usize = 4
const JOB: usize = 8
const PHASE: usize = 12

function add(x: v128, y: v128): v128 {
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

function choose<T>(x: T, y: T, z: T): T {
  return isVector<T>() ? v128.bitselect(y, z, x) : ((y ^ z) & x) ^ z
}

function majority<T>(x: T, y: T, z: T): T {
  return isVector<T>() ? v128.xor(v128.and(v128.xor(x, y), v128.xor(y, z)), y) : ((x ^ y) & (y ^ z)) ^ y
}

function largeSigma0<T>(x: T): T {
  return xor(xor(rotate(x, 2), rotate(x, 13)), rotate(x, 22))
}

function largeSigma1<T>(x: T): T {
  return xor(xor(rotate(x, 6), rotate(x, 11)), rotate(x, 25))
}

function smallSigma0(x: v128): v128 {
  return xor(xor(rotate(x, 7), rotate(x, 18)), shift(x, 3))
}

function smallSigma1(x: v128): v128 {
  return xor(xor(rotate(x, 17), rotate(x, 19)), shift(x, 10))
}

function constant(round: usize, ahead: usize): v128 {
  return v128.load32_splat(ROUND_CONSTANTS + ((round + ahead) << 2))
}

function bigEndian(words: v128): v128 {
  return v128.shuffle<u8>(words, words, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

function blockOf(lane: usize): usize {
  return load<u32>(LANES + lane * LANE_SIZE, AT)
}

/** Puts the words of four blocks side by side: sixteen vectors of four lanes, at `target`. */
function gather(target: usize, block0: usize, block1: usize, block2: usize, block3: usize): void {
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

/** Takes the blocks in WORDS into the four messages in STATE. */
function compress(): void {
  let w0 = load<v128>(WORDS + 0 * 16)
  let w1 = load<v128>(WORDS + 1 * 16)
  let w2 = load<v128>(WORDS + 2 * 16)
  let w3 = load<v128>(WORDS + 3 * 16)
  let w4 = load<v128>(WORDS + 4 * 16)
  let w5 = load<v128>(WORDS + 5 * 16)
  let w6 = load<v128>(WORDS + 6 * 16)
  let w7 = load<v128>(WORDS + 7 * 16)
  let w8 = load<v128>(WORDS + 8 * 16)
  let w9 = load<v128>(WORDS + 9 * 16)
  let w10 = load<v128>(WORDS + 10 * 16)
  let w11 = load<v128>(WORDS + 11 * 16)
  let w12 = load<v128>(WORDS + 12 * 16)
  let w13 = load<v128>(WORDS + 13 * 16)
  let w14 = load<v128>(WORDS + 14 * 16)
  let w15 = load<v128>(WORDS + 15 * 16)
  let a = load<v128>(STATE + 0 * 16)
  let b = load<v128>(STATE + 1 * 16)
  let c = load<v128>(STATE + 2 * 16)
  let d = load<v128>(STATE + 3 * 16)
  let e = load<v128>(STATE + 4 * 16)
  let f = load<v128>(STATE + 5 * 16)
  let g = load<v128>(STATE + 6 * 16)
  let h = load<v128>(STATE + 7 * 16)
  // Instead of shifting eight variables along, each round takes them one place further. The sixteen words stay in variables too:
  // that is a fifth faster than a schedule in memory.
  let round: usize = 0
  while (true) {
    h = add(add(h, largeSigma1(e)), add(choose(e, f, g), add(constant(round, 0), w0)))
    d = add(d, h)
    h = add(h, add(largeSigma0(a), majority(a, b, c)))
    g = add(add(g, largeSigma1(d)), add(choose(d, e, f), add(constant(round, 1), w1)))
    c = add(c, g)
    g = add(g, add(largeSigma0(h), majority(h, a, b)))
    f = add(add(f, largeSigma1(c)), add(choose(c, d, e), add(constant(round, 2), w2)))
    b = add(b, f)
    f = add(f, add(largeSigma0(g), majority(g, h, a)))
    e = add(add(e, largeSigma1(b)), add(choose(b, c, d), add(constant(round, 3), w3)))
    a = add(a, e)
    e = add(e, add(largeSigma0(f), majority(f, g, h)))
    d = add(add(d, largeSigma1(a)), add(choose(a, b, c), add(constant(round, 4), w4)))
    h = add(h, d)
    d = add(d, add(largeSigma0(e), majority(e, f, g)))
    c = add(add(c, largeSigma1(h)), add(choose(h, a, b), add(constant(round, 5), w5)))
    g = add(g, c)
    c = add(c, add(largeSigma0(d), majority(d, e, f)))
    b = add(add(b, largeSigma1(g)), add(choose(g, h, a), add(constant(round, 6), w6)))
    f = add(f, b)
    b = add(b, add(largeSigma0(c), majority(c, d, e)))
    a = add(add(a, largeSigma1(f)), add(choose(f, g, h), add(constant(round, 7), w7)))
    e = add(e, a)
    a = add(a, add(largeSigma0(b), majority(b, c, d)))
    h = add(add(h, largeSigma1(e)), add(choose(e, f, g), add(constant(round, 8), w8)))
    d = add(d, h)
    h = add(h, add(largeSigma0(a), majority(a, b, c)))
    g = add(add(g, largeSigma1(d)), add(choose(d, e, f), add(constant(round, 9), w9)))
    c = add(c, g)
    g = add(g, add(largeSigma0(h), majority(h, a, b)))
    f = add(add(f, largeSigma1(c)), add(choose(c, d, e), add(constant(round, 10), w10)))
    b = add(b, f)
    f = add(f, add(largeSigma0(g), majority(g, h, a)))
    e = add(add(e, largeSigma1(b)), add(choose(b, c, d), add(constant(round, 11), w11)))
    a = add(a, e)
    e = add(e, add(largeSigma0(f), majority(f, g, h)))
    d = add(add(d, largeSigma1(a)), add(choose(a, b, c), add(constant(round, 12), w12)))
    h = add(h, d)
    d = add(d, add(largeSigma0(e), majority(e, f, g)))
    c = add(add(c, largeSigma1(h)), add(choose(h, a, b), add(constant(round, 13), w13)))
    g = add(g, c)
    c = add(c, add(largeSigma0(d), majority(d, e, f)))
    b = add(add(b, largeSigma1(g)), add(choose(g, h, a), add(constant(round, 14), w14)))
    f = add(f, b)
    b = add(b, add(largeSigma0(c), majority(c, d, e)))
    a = add(add(a, largeSigma1(f)), add(choose(f, g, h), add(constant(round, 15), w15)))
    e = add(e, a)
    a = add(a, add(largeSigma0(b), majority(b, c, d)))
    round += 16
    if (round === 64) break
    w0 = add(add(w0, smallSigma0(w1)), add(w9, smallSigma1(w14)))
    w1 = add(add(w1, smallSigma0(w2)), add(w10, smallSigma1(w15)))
    w2 = add(add(w2, smallSigma0(w3)), add(w11, smallSigma1(w0)))
    w3 = add(add(w3, smallSigma0(w4)), add(w12, smallSigma1(w1)))
    w4 = add(add(w4, smallSigma0(w5)), add(w13, smallSigma1(w2)))
    w5 = add(add(w5, smallSigma0(w6)), add(w14, smallSigma1(w3)))
    w6 = add(add(w6, smallSigma0(w7)), add(w15, smallSigma1(w4)))
    w7 = add(add(w7, smallSigma0(w8)), add(w0, smallSigma1(w5)))
    w8 = add(add(w8, smallSigma0(w9)), add(w1, smallSigma1(w6)))
    w9 = add(add(w9, smallSigma0(w10)), add(w2, smallSigma1(w7)))
    w10 = add(add(w10, smallSigma0(w11)), add(w3, smallSigma1(w8)))
    w11 = add(add(w11, smallSigma0(w12)), add(w4, smallSigma1(w9)))
    w12 = add(add(w12, smallSigma0(w13)), add(w5, smallSigma1(w10)))
    w13 = add(add(w13, smallSigma0(w14)), add(w6, smallSigma1(w11)))
    w14 = add(add(w14, smallSigma0(w15)), add(w7, smallSigma1(w12)))
    w15 = add(add(w15, smallSigma0(w0)), add(w8, smallSigma1(w13)))
  }
  store<v128>(STATE + 0 * 16, add(load<v128>(STATE + 0 * 16), a))
  store<v128>(STATE + 1 * 16, add(load<v128>(STATE + 1 * 16), b))
  store<v128>(STATE + 2 * 16, add(load<v128>(STATE + 2 * 16), c))
  store<v128>(STATE + 3 * 16, add(load<v128>(STATE + 3 * 16), d))
  store<v128>(STATE + 4 * 16, add(load<v128>(STATE + 4 * 16), e))
  store<v128>(STATE + 5 * 16, add(load<v128>(STATE + 5 * 16), f))
  store<v128>(STATE + 6 * 16, add(load<v128>(STATE + 6 * 16), g))
  store<v128>(STATE + 7 * 16, add(load<v128>(STATE + 7 * 16), h))
}

/**
 * The words of all rounds of the four blocks from `ptr` on, into SCHEDULE: a vector for each round, its lanes the blocks. They hang on nothing
 * but the blocks, so even blocks of one message, which must be taken in one after the other, can have them made side by side. Behind the
 * `last` block it comes again.
 */
function schedule(ptr: usize, last: usize): void {
  const at1 = min(ptr + BLOCK_SIZE, last)
  const at2 = min(ptr + 2 * BLOCK_SIZE, last)
  gather(SCHEDULE, ptr, at1, at2, min(ptr + 3 * BLOCK_SIZE, last))
  let w14 = v128.load(SCHEDULE + 14 * 16)
  let w15 = v128.load(SCHEDULE + 15 * 16)
  for (let at = SCHEDULE; at < SCHEDULE + 48 * 16; at += 32) {
    w14 = add(add(v128.load(at), smallSigma0(v128.load(at, 16))), add(v128.load(at, 9 * 16), smallSigma1(w14)))
    v128.store(at, w14, 16 * 16)
    w15 = add(add(v128.load(at, 16), smallSigma0(v128.load(at, 2 * 16))), add(v128.load(at, 10 * 16), smallSigma1(w15)))
    v128.store(at, w15, 17 * 16)
  }
  for (let round: usize = 0; round < 64; round++) {
    const at = SCHEDULE + (round << 4)
    v128.store(at, add(v128.load(at), constant(round, 0)))
  }
}

/**
 * Takes the block of one lane of SCHEDULE into the one message in STATE. Each round waits for `e` of the round before: so what hangs on it
 * comes last in the sum.
 */
function compressScheduled(lane: usize): void {
  let a = load<u32>(STATE)
  let b = load<u32>(STATE, 4)
  let c = load<u32>(STATE, 8)
  let d = load<u32>(STATE, 12)
  let e = load<u32>(STATE, 16)
  let f = load<u32>(STATE, 20)
  let g = load<u32>(STATE, 24)
  let h = load<u32>(STATE, 28)
  const words = SCHEDULE + (lane << 2)
  for (let at = words; at < words + 64 * 16; at += 8 * 16) {
    h = h + load<u32>(at) + choose(e, f, g) + largeSigma1(e)
    d += h
    h += largeSigma0(a) + majority(a, b, c)
    g = g + load<u32>(at, 16) + choose(d, e, f) + largeSigma1(d)
    c += g
    g += largeSigma0(h) + majority(h, a, b)
    f = f + load<u32>(at, 32) + choose(c, d, e) + largeSigma1(c)
    b += f
    f += largeSigma0(g) + majority(g, h, a)
    e = e + load<u32>(at, 48) + choose(b, c, d) + largeSigma1(b)
    a += e
    e += largeSigma0(f) + majority(f, g, h)
    d = d + load<u32>(at, 64) + choose(a, b, c) + largeSigma1(a)
    h += d
    d += largeSigma0(e) + majority(e, f, g)
    c = c + load<u32>(at, 80) + choose(h, a, b) + largeSigma1(h)
    g += c
    c += largeSigma0(d) + majority(d, e, f)
    b = b + load<u32>(at, 96) + choose(g, h, a) + largeSigma1(g)
    f += b
    b += largeSigma0(c) + majority(c, d, e)
    a = a + load<u32>(at, 112) + choose(f, g, h) + largeSigma1(f)
    e += a
    a += largeSigma0(b) + majority(b, c, d)
  }
  store<u32>(STATE, load<u32>(STATE) + a)
  store<u32>(STATE, load<u32>(STATE, 4) + b, 4)
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8)
  store<u32>(STATE, load<u32>(STATE, 12) + d, 12)
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16)
  store<u32>(STATE, load<u32>(STATE, 20) + f, 20)
  store<u32>(STATE, load<u32>(STATE, 24) + g, 24)
  store<u32>(STATE, load<u32>(STATE, 28) + h, 28)
}

/** The end of a message of `size` bytes: the `rest` of them that fill no block, a 1, zeros, and its size in bits. Returns where it ends. */
function pad(padding: usize, ptr: usize, rest: usize, size: u64): usize {
  const end = padding + (rest < BLOCK_SIZE - 8 ? BLOCK_SIZE : 2 * BLOCK_SIZE)
  memory.fill(padding, 0, end - padding)
  memory.copy(padding, ptr, rest)
  store<u8>(padding + rest, 0x80)
  store<u64>(end - 8, bswap<u64>(size << 3))
  return end
}

function hashMany(total: u32): void {
  // Lanes without a message hash whatever stands there, and nobody looks at the result.
  for (let lane: usize = 0; lane < LANE_COUNT; lane++) {
    store<u32>(LANES + lane * LANE_SIZE, <u32>PADDING, AT)
    store<u32>(LANES + lane * LANE_SIZE, <u32>PADDING, END)
    store<u32>(LANES + lane * LANE_SIZE, IDLE, PHASE)
  }
  let begun: u32 = 0
  let done: u32 = 0
  while (true) {
    for (let lane: usize = 0; lane < LANE_COUNT; lane++) {
      const record = LANES + lane * LANE_SIZE
      if (load<u32>(record, AT) !== load<u32>(record, END)) continue
      const state = STATE + (lane << 2)
      let phase = load<u32>(record, PHASE)
      if (phase === LAST) {
        const digest = DIGESTS + <usize>load<u32>(record, JOB) * DIGEST_SIZE
        for (let word: usize = 0; word < 8; word++) {
          store<u32>(digest + (word << 2), bswap<u32>(load<u32>(state + (word << 4))))
        }
        done++
        phase = IDLE
      }
      if (phase === IDLE && begun < total) {
        for (let word: usize = 0; word < 8; word++) store<u32>(state + (word << 4), load<u32>(INITIAL + (word << 2)))
        const job = JOBS + <usize>begun * JOB_SIZE
        const ptr = load<u32>(job)
        store<u32>(record, ptr, AT)
        store<u32>(record, ptr + (load<u32>(job, 4) & ~63), END)
        store<u32>(record, begun++, JOB)
        phase = BODY
      }
      if (phase === BODY && load<u32>(record, AT) === load<u32>(record, END)) {
        const size = load<u32>(JOBS + <usize>load<u32>(record, JOB) * JOB_SIZE, 4)
        const padding = PADDING + lane * 2 * BLOCK_SIZE
        store<u32>(record, <u32>pad(padding, load<u32>(record, AT), size & 63, size), END)
        store<u32>(record, <u32>padding, AT)
        phase = LAST
      }
      store<u32>(record, phase, PHASE)
    }
    if (done === total) return
    gather(WORDS, blockOf(0), blockOf(1), blockOf(2), blockOf(3))
    compress()
    for (let lane: usize = 0; lane < LANE_COUNT; lane++) {
      const record = LANES + lane * LANE_SIZE
      if (load<u32>(record, PHASE) !== IDLE) store<u32>(record, load<u32>(record, AT) + <u32>BLOCK_SIZE, AT)
    }
  }
}

/** Takes the blocks [ptr, end) into the one message in STATE. */
function takeBlocks(ptr: usize, end: usize): void {
  while (ptr < end) {
    schedule(ptr, end - BLOCK_SIZE)
    for (let lane: usize = 0; lane < LANE_COUNT && ptr < end; lane++, ptr += BLOCK_SIZE) compressScheduled(lane)
  }
}

/** Begins a message that comes in pieces. STATE is from here on as src/kernel/sha256-stream.ts describes it. */
export function sha256Begin(): void {
  memory.fill(STATE, 0, PENDING + BLOCK_SIZE)
  memory.copy(STATE, INITIAL, DIGEST_SIZE)
}

/** Takes a piece. Bytes of PENDING that wait for nothing are zero, so that a state depends on the bytes alone, not on the pieces. */
export function sha256Update(ptr: usize, size: usize): void {
  const count = load<u64>(STATE, COUNT)
  store<u64>(STATE, count + size, COUNT)
  const rest = <usize>count & 63
  const pending = STATE + PENDING
  const end = ptr + size
  if (rest + size >= BLOCK_SIZE) {
    const missing = BLOCK_SIZE - rest
    memory.copy(pending + rest, ptr, missing)
    takeBlocks(pending, pending + BLOCK_SIZE)
    memory.fill(pending, 0, BLOCK_SIZE)
    ptr += missing
    const blocks = ptr + ((end - ptr) & ~63)
    takeBlocks(ptr, blocks)
    memory.copy(pending, blocks, end - blocks)
  } else {
    memory.copy(pending + rest, ptr, size)
  }
}

/** Ends the message: its digest stands first in DIGESTS, and STATE is used up. */
export function sha256Digest(): void {
  const count = load<u64>(STATE, COUNT)
  takeBlocks(PADDING, pad(PADDING, STATE + PENDING, <usize>count & 63, count))
  v128.store(DIGESTS, bigEndian(v128.load(STATE)))
  v128.store(DIGESTS, bigEndian(v128.load(STATE, 16)), 16)
}

/** Hashes the first `total` messages of JOBS (address and size, u32 each) into DIGESTS. */
export function sha256(total: u32): void {
  if (total > 1) {
    hashMany(total)
    return
  }
  sha256Begin()
  sha256Update(load<u32>(JOBS), load<u32>(JOBS, 4))
  sha256Digest()
}
