// SHA-256 of many messages, or of one, which may come in pieces. Called from outside to name small blobs and for what is never whole in memory;
// other large ones go to WebCrypto, which has the processor's own instructions, but whose every call costs what 1 KiB costs here.
//
// Of one message, four blocks at a time have the words of their rounds made side by side, and then go through the rounds one after the
// other: a quarter faster than words made with each round.

import { DIGESTS, JOBS, PADDING, SCHEDULE, STATE } from './memory'
import { hashMany } from './sha256-lanes'
import {
  add,
  BLOCK_SIZE,
  bigEndian,
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

// The fields behind the eight words in the state of a single message.
const COUNT: usize = 32
const PENDING: usize = 40

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
