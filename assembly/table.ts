// The index: a hash table from 32-byte keys to three u32 (segment, offset, size). Called by src/kernel/table.ts alone.
//
//   BASE     slots: u32 each, a power of two of them, 16 to a group, and a group is one cache line
//   entries  44 bytes each (key, segment, offset, size), dense, up to the end of the memory
//
// A slot is 0 (empty), 1 (a tombstone), or the index of an entry plus one in its low bits and a tag, some bits of the
// hash, in all others; the top bit of a tag is always set. The entries alone are the truth: slots can be rebuilt from them.
//
// Invariant: keys go to the first group with room, from the group their hash names on, in steps of 1, 2, 3, ... groups. So a
// group that has an empty slot ends every search, and a key may be removed without a trace where its group has one.

import { BASE, HASHES, HASHES_SUM, KEYS, MIXERS, PLACES, reserve } from './memory'
import { fillRandom, mix } from './random'

const ENTRY_SIZE: usize = 44
const KEY_SIZE: usize = 32
const PLACE_SIZE: usize = 12
const GROUP_SLOTS: u32 = 16
const GROUP_SIZE: usize = 64
const LAST_IN_GROUP: u32 = 0x8000
const TOMBSTONE: u32 = 1
/** Keys whose slots are read at the same time; at most KEYS_MAX. */
const TAKEN_TOGETHER: u32 = 128
const TAG_SET: u32 = 0x80000000

let slots: u32 = 0
/** Empty slots that may still be taken before the slots are rebuilt: an eighth always stays empty. */
let vacant: u32 = 0
let count: u32 = 0
let entries: usize = 0
/** The group that ended the last search in vain: it has an empty slot. */
let searchEnd: usize = 0

/** Draws the table's secret from a seed and makes it empty. */
export function tableCreate(seed: u64): void {
  fillRandom(MIXERS, MIXERS + 72, seed)
  layout(GROUP_SLOTS)
}

export function tableCount(): u32 {
  return count
}

export function tableEntries(): usize {
  return entries
}

function product(key: usize, pair: usize): u64 {
  const mixers = MIXERS + (pair << 4)
  const words = key + (pair << 3)
  return (load<u64>(mixers) + load<u32>(words)) * (load<u64>(mixers, 8) + load<u32>(words, 4))
}

/**
 * Sums of products of secret numbers and the key's words: without the secret nobody can choose keys that collide more often
 * than chance (Lemire and Kaser, "Strongly universal string hashing is fast"). The mixing after it scatters keys in sequence.
 */
function hashOf(key: usize): u64 {
  return mix(load<u64>(MIXERS, 64) + product(key, 0) + product(key, 1) + product(key, 2) + product(key, 3))
}

function tagOf(hash: u64): u32 {
  return (<u32>(hash >> 32) | TAG_SET) & ~(slots - 1)
}

function entryAt(index: u32): usize {
  return entries + <usize>index * ENTRY_SIZE
}

function indexIn(slot: usize): u32 {
  return (load<u32>(slot) & (slots - 1)) - 1
}

function sameKey(one: usize, other: usize): bool {
  const low = v128.xor(v128.load(one), v128.load(other))
  const high = v128.xor(v128.load(one, 16), v128.load(other, 16))
  return !v128.any_true(v128.or(low, high))
}

/** One bit for each slot of a group that equals `wanted` where `mask` has bits. */
function matches(group: usize, wanted: u32, mask: u32): u32 {
  const want = i32x4.splat(wanted)
  const care = i32x4.splat(mask)
  const first = i32x4.eq(v128.and(v128.load(group), care), want)
  const second = i32x4.eq(v128.and(v128.load(group, 16), care), want)
  const third = i32x4.eq(v128.and(v128.load(group, 32), care), want)
  const fourth = i32x4.eq(v128.and(v128.load(group, 48), care), want)
  const low = i16x8.narrow_i32x4_s(first, second)
  const high = i16x8.narrow_i32x4_s(third, fourth)
  return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high))
}

function groupOf(number: u32): usize {
  return BASE + <usize>(number & (slots / GROUP_SLOTS - 1)) * GROUP_SIZE
}

/** The slot of a key, or 0. */
function slotOf(key: usize, hash: u64): usize {
  const tag = tagOf(hash)
  const tagMask = ~(slots - 1)
  let number = <u32>hash
  let step: u32 = 1
  while (true) {
    const group = groupOf(number)
    for (let found = matches(group, tag, tagMask); found !== 0; found &= found - 1) {
      const slot = group + ((<usize>ctz(found)) << 2)
      if (sameKey(entryAt(indexIn(slot)), key)) return slot
    }
    if (matches(group, 0, 0xffffffff) !== 0) {
      searchEnd = group
      return 0
    }
    number += step++
  }
}

/** Enters the index of an entry whose key is in no slot yet. */
function enter(hash: u64, index: u32): void {
  let number = <u32>hash
  let step: u32 = 1
  while (true) {
    const group = groupOf(number)
    const room = matches(group, 0, ~TOMBSTONE)
    if (room !== 0) {
      const slot = group + ((<usize>ctz(room)) << 2)
      if (load<u32>(slot) === 0) vacant--
      store<u32>(slot, tagOf(hash) | (index + 1))
      return
    }
    number += step++
  }
}

/** Empties the table and gives it `newSlots` slots; the memory is there. */
function layout(newSlots: u32): void {
  slots = newSlots
  vacant = newSlots - newSlots / 8
  count = 0
  entries = BASE + ((<usize>newSlots) << 2)
  memory.fill(BASE, 0, (<usize>newSlots) << 2)
}

/** Lays the slots out anew, `newSlots` of them, with room for one more entry. False if the memory cannot grow; nothing has changed then. */
function rebuild(newSlots: u32): bool {
  const newEntries = BASE + ((<usize>newSlots) << 2)
  if (!reserve(newEntries + <usize>(count + 1) * ENTRY_SIZE)) return false
  const kept = count
  memory.copy(newEntries, entries, <usize>kept * ENTRY_SIZE)
  layout(newSlots)
  return tableAdopt(kept)
}

/** Room for one more entry and its slot. False if the memory cannot grow; nothing has changed then. */
function makeRoom(): bool {
  if (vacant !== 0) return reserve(entryAt(count + 1))
  // Where tombstones fill the slots, sweeping them away is enough; where there is no memory for more slots, it is all that is left.
  if (count > (slots / 16) * 7 && rebuild(slots * 2)) return true
  return count < slots - slots / 8 && rebuild(slots)
}

/**
 * Takes the memory for `more` new keys. False if there is none; nothing has changed then. Slots that run out while tombstones fill others are
 * doubled early, but not twice: laid out anew they have none.
 */
export function tableReserve(more: u32): bool {
  const total = count + more
  let most = slots
  if (more > vacant && total > (slots / 16) * 7) most *= 2
  while (most - most / 8 < total) most *= 2
  return reserve(BASE + ((<usize>most) << 2) + <usize>total * ENTRY_SIZE)
}

function find(key: usize): usize {
  const slot = slotOf(key, hashOf(key))
  return slot === 0 ? 0 : entryAt(indexIn(slot))
}

/** The address of the entry whose key is in KEYS, or 0. */
export function tableFind(): usize {
  return find(KEYS)
}

/**
 * Looks up the first `total` keys in KEYS and leaves their places in PLACES, size 0 for those that are not there. The first pass
 * guesses each entry and branches on nothing, so that many reads of slots wait for memory at the same time, and the second, which
 * checks the guesses, has as many reads of entries under way: more than twice as fast as one key after the other at a million keys.
 */
export function tableFindMany(total: u32): void {
  const tagMask = ~(slots - 1)
  const keysEnd = KEYS + <usize>total * KEY_SIZE
  let place = PLACES
  for (let key = KEYS; key < keysEnd; key += KEY_SIZE, place += PLACE_SIZE) {
    const hash = hashOf(key)
    const group = groupOf(<u32>hash)
    const found = matches(group, tagOf(hash), tagMask)
    const slot = group + ((<usize>ctz(found | LAST_IN_GROUP)) << 2)
    store<u32>(place, found === 0 ? 0 : <u32>entryAt(indexIn(slot)))
  }
  place = PLACES
  for (let key = KEYS; key < keysEnd; key += KEY_SIZE, place += PLACE_SIZE) {
    let entry = <usize>load<u32>(place)
    if (entry === 0 || !sameKey(entry, key)) entry = find(key)
    store<u64>(place, entry === 0 ? 0 : load<u64>(entry, 32))
    store<u32>(place, entry === 0 ? 0 : load<u32>(entry, 40), 8)
  }
}

/** Adds or replaces the entry of the key in KEYS. False if the memory cannot grow; nothing has changed then. */
export function tableSet(segment: u32, offset: u32, size: u32): bool {
  const hash = hashOf(KEYS)
  const slot = slotOf(KEYS, hash)
  let entry: usize
  if (slot !== 0) {
    entry = entryAt(indexIn(slot))
  } else {
    if (!makeRoom()) return false
    enter(hash, count)
    entry = entryAt(count)
    memory.copy(entry, KEYS, KEY_SIZE)
    count++
  }
  store<u32>(entry, segment, 32)
  store<u32>(entry, offset, 36)
  store<u32>(entry, size, 40)
  return true
}

/** Removes the entry of the key in KEYS; the last entry takes its place. False if it was not there. */
export function tableDelete(): bool {
  const slot = slotOf(KEYS, hashOf(KEYS))
  if (slot === 0) return false
  const entry = entryAt(indexIn(slot))
  const last = entryAt(count - 1)
  if (entry !== last) {
    const moved = slotOf(last, hashOf(last))
    store<u32>(moved, (load<u32>(moved) & ~(slots - 1)) | (load<u32>(slot) & (slots - 1)))
    memory.copy(entry, last, ENTRY_SIZE)
  }
  count--
  const group = slot & ~(GROUP_SIZE - 1)
  if (matches(group, 0, 0xffffffff) !== 0) {
    store<u32>(slot, 0)
    vacant++
  } else {
    store<u32>(slot, TOMBSTONE)
  }
  return true
}

export function tableClear(): void {
  layout(slots)
}

/** Empties the table and makes room for `total` entries. Their address, or 0 if the memory cannot grow; nothing has changed then. */
export function tablePrepare(total: u32): usize {
  let newSlots = GROUP_SLOTS
  while (newSlots - newSlots / 8 < total) newSlots *= 2
  if (!reserve(BASE + ((<usize>newSlots) << 2) + <usize>total * ENTRY_SIZE)) return 0
  layout(newSlots)
  return entries
}

/**
 * Takes in the entries that stand at `entries`, from the first not yet taken up to `total`. False, and the table is empty, if a key
 * comes twice.
 */
export function tableAdopt(total: u32): bool {
  while (count < total) {
    const end = min(count + TAKEN_TOGETHER, total)
    hashAll(entryAt(count), end - count, ENTRY_SIZE)
    for (let hash = HASHES; count < end; count++, hash += 8) {
      if (!adopt(load<u64>(hash), count)) {
        layout(slots)
        return false
      }
    }
  }
  return true
}

/**
 * Adds the first `total` keys in KEYS with the places in PLACES, up to the first that is in the table already, and returns how many
 * that were. None if there is no room for all of them without laying the slots out anew.
 */
export function tableAddMany(total: u32): u32 {
  if (vacant < total || !reserve(entryAt(count + total))) return 0
  hashAll(KEYS, total, KEY_SIZE)
  for (let added: u32 = 0; added < total; added++, count++) {
    const entry = entryAt(count)
    const place = PLACES + <usize>added * PLACE_SIZE
    memory.copy(entry, KEYS + <usize>added * KEY_SIZE, KEY_SIZE)
    store<u64>(entry, load<u64>(place), 32)
    store<u32>(entry, load<u32>(place, 8), 40)
    if (!adopt(load<u64>(HASHES + ((<usize>added) << 3)), count)) return added
  }
  return total
}

/**
 * Leaves the hashes of `total` keys, one each `step` bytes, in HASHES. It reads the slots they name, too, so that these reads wait for
 * memory at the same time. Their sum is stored only to keep the compiler from dropping them.
 */
function hashAll(key: usize, total: u32, step: usize): void {
  let sum: u32 = 0
  const end = HASHES + ((<usize>total) << 3)
  for (let kept = HASHES; kept < end; kept += 8, key += step) {
    const hash = hashOf(key)
    store<u64>(kept, hash)
    sum += load<u32>(groupOf(<u32>hash))
  }
  store<u32>(HASHES_SUM, sum)
}

/**
 * Enters the index of an entry, unless its key is there already: in the group that ends the search for it. Tombstones on the way stay.
 */
function adopt(hash: u64, index: u32): bool {
  if (slotOf(entryAt(index), hash) !== 0) return false
  const room = matches(searchEnd, 0, 0xffffffff)
  vacant--
  store<u32>(searchEnd + ((<usize>ctz(room)) << 2), tagOf(hash) | (index + 1))
  return true
}
