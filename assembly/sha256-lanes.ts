// SHA-256 of many messages, four side by side, in 32-bit lanes. A lane that is done with its message takes the next one, so messages of
// different sizes keep all lanes busy.

import { DIGESTS, JOBS, LANES, PADDING, STATE, WORDS } from './memory'
import {
  add,
  BLOCK_SIZE,
  choose,
  constant,
  DIGEST_SIZE,
  gather,
  INITIAL,
  LANE_COUNT,
  largeSigma0,
  largeSigma1,
  majority,
  pad,
  smallSigma0,
  smallSigma1,
} from './sha256-words'

const JOB_SIZE: usize = 8

// What a lane is doing, and the fields of its record in LANES.
const IDLE: u32 = 0
const BODY: u32 = 1
const LAST: u32 = 2
const LANE_SIZE: usize = 16
const AT: usize = 0
const END: usize = 4
const JOB: usize = 8
const PHASE: usize = 12

function blockOf(lane: usize): usize {
  return load<u32>(LANES + lane * LANE_SIZE, AT)
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

/** Hashes the first `total` messages of JOBS (address and size, u32 each) into DIGESTS. */
export function hashMany(total: u32): void {
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
