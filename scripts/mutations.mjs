// @ts-check
/**
 * The checks that `npm run mutate` takes away, one at a time. `text` occurs exactly once in `file` (a unit test holds that, so that a
 * change of the source changes this list too), `replacement` is the same code without the check, `taken` says what is gone then.
 * `tests` are the files in which it is likely to be noticed, `named` a pattern of the tests' names in them; these are run first, then all.
 */

/** @typedef {{ file: string, text: string, replacement: string, taken: string, named?: string, tests: string[] }} Mutation */

const CASES = 'src/store/engine.test.ts'
const HEALING = 'src/store/healing.test.ts'

/** @type {Mutation[]} */
const SCAN = [
  {
    file: 'assembly/entry.ts',
    text: 'if (!intact(ptr, size)) {',
    replacement: 'if (false) {',
    taken: 'the scan checks the CRC of each entry',
    named: 'turns out damaged',
    tests: ['src/kernel/entry.test.ts', CASES],
  },
  {
    file: 'assembly/entry.ts',
    text: 'if (!plausible(size, tag)) {',
    replacement: 'if (size < HEADER_SIZE) {',
    taken: 'the scan checks that a tag is known and fits the size',
    tests: ['src/kernel/entry.test.ts', CASES],
  },
  {
    file: 'src/log/reader.ts',
    text: 'if (!arena.verify(at, size) || entry[ENTRY.tag]',
    replacement: 'if (entry[ENTRY.tag]',
    taken: 'a value that is read is checked against its CRC',
    named: 'a damaged value is CORRUPT',
    tests: [CASES],
  },
  {
    file: 'src/log/reader.ts',
    text: ' || !sameKey(entry, ENTRY.key, key, keyAt)',
    replacement: '',
    taken: 'an entry that is read has the key that was asked for',
    tests: ['src/log/reader.test.ts'],
  },
  {
    file: 'src/log/inspect.ts',
    text: 'return this.#arena.verify(0, size) ? { entry: described(entry) } : {}',
    replacement: 'return { entry: described(entry) }',
    taken: 'what one flipped bit explains is an entry of ours',
    tests: ['src/log/inspect.test.ts'],
  },
]

/** @type {Mutation[]} */
const RECOVERY = [
  {
    file: 'src/log/replay.ts',
    text: 'isTorn && isLast && !isBefore({ segment, offset }, this.#durable)',
    replacement: 'isTorn && !isBefore({ segment, offset }, this.#durable)',
    taken: 'only the last segment has a torn tail',
    named: 'behind the durable mark',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'isTorn && isLast && !isBefore({ segment, offset }, this.#durable)',
    replacement: 'isTorn && isLast',
    taken: 'nothing before the durable mark is a torn tail',
    named: 'newest commit|vouched',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'if (this.#pending.count > 0 && isBefore(this.#end, this.#durable)) await this.#commit(this.#durable)',
    replacement: '',
    taken: 'what is pending at the durable mark was committed, though its COMMIT is damaged',
    named: 'vouched',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'if (tag === TAG.delete && !chained) continue',
    replacement: '',
    taken: 'a DELETE behind a gap of unknown length is not believed',
    named: 'kept as a value',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'if (!chained) this.#findings.doubtUpTo({ segment: segment + 1, offset: 0 })',
    replacement: '',
    taken: 'a value behind a gap of unknown length is doubtful',
    named: 'kept as a value',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'if (!(await takeOut(this.#files, this.#kernel, this.#state, segment, this.#id))) throw new StartAgain([segment])',
    replacement: 'await takeOut(this.#files, this.#kernel, this.#state, segment, this.#id)',
    taken: 'a retired segment that cannot be read whole is left out as a whole',
    named: 'retired segment',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'if (!this.#files.has(segment)) throw new StartAgain([])',
    replacement: 'if (!this.#files.has(segment)) continue',
    taken: 'a checkpoint older than a compaction whose segments are gone is not leaned on',
    named: 'not leaned on',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'if (list?.segment === segment) this.#pendingList = list',
    replacement: 'if (list) this.#pendingList = { ...list, segment }',
    taken: 'a segment list counts only where it says that it stands',
    named: 'copied under',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'header === undefined || offset !== MAGIC_BYTES',
    replacement: 'header === undefined',
    taken: 'a segment header counts only at the start of a segment',
    named: 'kept as a value',
    tests: [CASES],
  },
  {
    file: 'src/log/replay.ts',
    text: 'this.#pending.cutAt(previous === NO_SEGMENT ? START : { segment: previous, offset: previousEnd })',
    replacement: '',
    taken: 'what a crash left behind damage does not happen later',
    named: 'left behind damage',
    tests: [CASES],
  },
  {
    file: 'src/log/chain.ts',
    text: '} else if (end !== previousEnd) {',
    replacement: '} else if (end > previousEnd) {',
    taken: 'a closed segment has the length that the next one remembers',
    named: 'remembers its length',
    tests: [CASES],
  },
  {
    file: 'src/log/chain.ts',
    text: '} else if (header.segment !== segment) {',
    replacement: '} else if (header.segment < 0) {',
    taken: 'a segment stands in the file of its number',
    named: 'copied under',
    tests: [CASES],
  },
  {
    file: 'src/log/chain.ts',
    text: 'if (header.id.some((byte, i) => byte !== this.#id[i])) {',
    replacement: 'if (header.id.length === 0) {',
    taken: "a segment has the store's id",
    named: 'another store',
    tests: [CASES],
  },
  {
    file: 'src/log/chain.ts',
    text: 'if (end !== undefined && end < offset) {',
    replacement: 'if (end !== undefined && end < 0) {',
    taken: 'the log reaches as far as the head says that it was durable',
    named: 'ends between two commits',
    tests: [CASES],
  },
  {
    file: 'src/store/recovery.ts',
    text: 'if (isDamaged) return\n',
    replacement: '\n',
    taken: 'behind damage nothing is cut off',
    named: 'nothing is cut off',
    tests: [CASES],
  },
  {
    file: 'src/store/recovery.ts',
    text: 'if ((await holdsCommit(files, segment, unread)) || (await isBeingMoved(input.storage, segment, size))) {',
    replacement: 'if (unread < 0) {',
    taken: 'a tail that may hold a COMMIT is set aside before it is cut',
    named: 'set aside',
    tests: [CASES],
  },
  {
    file: 'src/store/lost-and-found.ts',
    text: 'if (!(await isBegun(copy, files, segment, from))) continue',
    replacement: '',
    taken: 'what was set aside is not overwritten by what is set aside later',
    named: 'set aside',
    tests: [CASES],
  },
  {
    file: 'src/store/open.ts',
    text: 'if (files.has(position.segment)) await flushFile(files, position.segment)',
    replacement: '',
    taken: "what was found in the system's cache is flushed before it is relied upon",
    named: 'not yet written',
    tests: [CASES],
  },
  {
    file: 'src/store/read.ts',
    text: '!(isMisplaced || isBefore(location, doubt)) || provesItself(hasher, key, keyAt, value)',
    replacement: 'doubt.segment >= 0',
    taken: 'a value that may have been replaced is believed only if its SHA-256 is its key',
    named: 'only believed',
    tests: [CASES],
  },
  {
    file: 'src/store/read.ts',
    text: 'const isMisplaced = reader.isMisplaced(location.segment)',
    replacement: 'const isMisplaced = doubt.segment < 0 && reader !== undefined',
    taken: 'a value in a file that holds another segment is believed only if its SHA-256 is its key',
    named: 'names its key',
    tests: [CASES],
  },
]

/** @type {Mutation[]} */
const CHECKPOINTS = [
  {
    file: 'src/format/head.ts',
    text: 'if (view.getUint32(HEAD.crc, true) !== crc(slot.subarray(HEAD.magic))) return undefined',
    replacement: '',
    taken: 'a slot of the head is checked against its CRC',
    named: 'slot of the head',
    tests: ['src/format/bytes.test.ts'],
  },
  {
    file: 'src/log/head-file.ts',
    text: 'newest === undefined || head.transaction > newest.transaction',
    replacement: 'newest === undefined || head.transaction < newest.transaction',
    taken: 'the newer slot of the head counts',
    named: 'head|COMMIT',
    tests: [CASES],
  },
  {
    file: 'src/format/checkpoint.ts',
    text: "return checkpointBytes(header) === fileBytes ? { kind: 'header', header } : { kind: 'corrupt' }",
    replacement: "return { kind: 'header', header }",
    taken: "a checkpoint's counts fit the size of its file",
    tests: ['src/format/bytes.test.ts'],
  },
  {
    file: 'src/log/checkpoint.ts',
    text: ' &&\n    table.crc32() === block.crc',
    replacement: '',
    taken: 'the keys of a checkpoint are checked against their CRC',
    tests: ['src/log/state.test.ts'],
  },
  {
    file: 'src/log/checkpoint.ts',
    text: ' &&\n    crc(segments) === header.segments.crc',
    replacement: '',
    taken: 'the statistics of a checkpoint are checked against their CRC',
    tests: ['src/log/state.test.ts'],
  },
  {
    file: 'src/store/maintenance.ts',
    text: 'await removeRetired(context, retired)',
    replacement: 'await removeRetired(context, [...context.retired])',
    taken: 'a checkpoint that ends takes away only what was retired when it began',
    tests: ['src/store/slices.test.ts'],
  },
  {
    file: 'src/store/maintenance.ts',
    text: 'context.bytesSinceCheckpoint -= bytes',
    replacement: 'context.bytesSinceCheckpoint = 0',
    taken: 'what is committed beside a checkpoint is left to the next one',
    tests: ['src/store/slices.test.ts'],
  },
  {
    file: 'src/kernel/table.ts',
    text: 'this.#snapshot?.keep(this.#indexOfKey() ?? this.count)',
    replacement: '',
    taken: 'what changes before it was saved is kept as it was',
    tests: ['src/kernel/snapshot.test.ts', 'src/log/state.test.ts'],
  },
]

/** @type {Mutation[]} */
const WRITER = [
  {
    file: 'src/log/writer.ts',
    text: 'if (strict) await this.flush()',
    replacement: '',
    taken: 'a strict commit is flushed',
    named: 'put that is waited for|share one',
    tests: [CASES],
  },
  {
    file: 'src/log/writer.ts',
    text: 'this.#writeOut()\n    await this.flush()',
    replacement: 'this.#writeOut()',
    taken: "a segment is flushed before the next one's first byte",
    named: 'first byte',
    tests: [CASES],
  },
  {
    file: 'src/log/writer.ts',
    text: 'if (this.#cut) await this.flush()',
    replacement: '',
    taken: 'what was cut off is off the disk before others take its place',
    named: 'cut off is off',
    tests: [CASES],
  },
  {
    file: 'src/log/writer.ts',
    text: 'if (this.#unfinished) await this.#undo(this.#unfinished)\n    if (this.#isGivenUp) await this.#reopen()\n    this.#begun =',
    replacement: 'if (this.#isGivenUp) await this.#reopen()\n    this.#begun =',
    taken: 'an undoing that failed is finished before the next transaction',
    named: 'leaves every key',
    tests: [CASES],
  },
  {
    file: 'src/log/writer.ts',
    text: 'if (this.#unfinished) await this.#undo(this.#unfinished)\n    if (!this.#dirty) return',
    replacement: 'if (!this.#dirty) return',
    taken: 'an undoing that failed is finished before a flush',
    named: 'does not make it last',
    tests: [CASES, HEALING],
  },
  {
    file: 'src/log/segments.ts',
    text: '    if (file.size() > 0) file.truncate(0)\n    // Even',
    replacement: '    // Even',
    taken: 'a segment is emptied on the disk before it is removed',
    tests: ['src/log/segments.test.ts'],
  },
]

/** @type {Mutation[]} */
const COMPACTION = [
  {
    file: 'src/store/compaction.ts',
    text: 'await appendList(context, staging, victims)',
    replacement: '',
    taken: 'a compaction commits the list of the segments that stay',
    named: 'compact',
    tests: [CASES],
  },
  {
    file: 'src/store/compaction.ts',
    text: "if (!('records' in part)) throw new Unsound(segment)",
    replacement: "if (!('records' in part)) continue",
    taken: 'a segment in which damage is met is not compacted away',
    named: 'turns out damaged',
    tests: [CASES],
  },
  {
    file: 'src/store/compaction.ts',
    text: 'if (end < statistics(context.state, segment).bytes) throw new Unsound(segment)',
    replacement: '',
    taken: 'a segment that is shorter than it was is not compacted away',
    named: 'cut short between',
    tests: [CASES],
  },
  {
    file: 'src/store/check.ts',
    text: 'findings.push(...cutSegments(state, fresh, findings))',
    replacement: '',
    taken: 'a check finds a segment that is shorter than it was',
    named: 'before a checkpoint is cut',
    tests: [CASES],
  },
  {
    file: 'src/store/recovery.ts',
    text: 'return known && { segment: last, offset: known.bytes }',
    replacement: 'return known && { segment: last, offset: 0 }',
    taken: 'behind a segment that was cut the log remembers how long it was',
    named: 'goes on behind a cut segment',
    tests: [CASES],
  },
  {
    file: 'src/store/compaction.ts',
    text: 'if (degraded) return []',
    replacement: '',
    taken: 'a store with damage in it does not compact',
    named: 'segment that is missing',
    tests: [CASES],
  },
  {
    file: 'src/store/compaction.ts',
    text: 'if (context.state.isLive(tag, part.bytes, keyAt, location)) {',
    replacement: 'if (tag === TAG.put && context.state.isLive(tag, part.bytes, keyAt, location)) {',
    taken: 'a tombstone is copied as long as an older value of its key is in the log',
    named: 'tombstone',
    tests: [CASES],
  },
  {
    file: 'src/log/state.ts',
    text: 'if (live && samePlace(live, location)) {',
    replacement: 'if (live) {',
    taken: 'only the entry that the index points to goes with its segment',
    tests: ['src/log/state.test.ts', CASES],
  },
]

/** @type {Mutation[]} */
const CHECK = [
  {
    file: 'src/store/check.ts',
    text: 'if (!context.degraded) findings.push(...differences(context.state, fresh))',
    replacement: '',
    taken: 'check compares the index with the log',
    named: 'vanishes under',
    tests: [CASES],
  },
  {
    file: 'src/store/check.ts',
    text: 'read?.transaction === state.transaction && unreadable === 0',
    replacement: 'read?.transaction === state.transaction',
    taken: 'check looks at both slots of the head',
    tests: [HEALING],
  },
  {
    file: 'src/store/repair.ts',
    text: 'for (const key of lost) await staging.append(TAG.delete, key)',
    replacement: '',
    taken: 'a repair deletes what is lost, so that no older value comes back',
    named: 'no older value',
    tests: [CASES],
  },
  {
    file: 'src/store/repair.ts',
    text: 'for (const { key } of tombstones) await staging.append(TAG.delete, key)',
    replacement: '',
    taken: 'a repair keeps the tombstones of the segments that it takes out',
    named: 'no older value',
    tests: [CASES],
  },
  {
    file: 'src/store/repair.ts',
    text: 'aside.push(await setAside(storage, files, segment, 0))',
    replacement: '',
    taken: 'a repair sets aside what it takes out',
    named: 'set aside|sets the segment aside',
    tests: [CASES],
  },
  {
    file: 'src/store/staging.ts',
    text: 'if (!files.has(live.segment)) return false',
    replacement: '',
    taken: 'content whose segment is missing is written anew by a put',
    named: 'vanished under',
    tests: [CASES],
  },
]

/** @type {readonly Mutation[]} */
export const MUTATIONS = [...SCAN, ...RECOVERY, ...CHECKPOINTS, ...WRITER, ...COMPACTION, ...CHECK]
