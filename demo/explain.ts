/**
 * What went wrong, and what to do about it, in words for a person. Every code of a StoreError has its line:
 * the table is checked to be complete, so a new code without words does not compile.
 */
import { isStoreError, type StoreErrorCode } from 'lodestore'

export interface Explanation {
  what: string
  /** What the person can do. */
  todo: string
  /** The error's own words, for a report. */
  detail: string
}

const OUR_FAULT = 'This is a mistake in the page or in lodestore. Reload the page; what was stored is safe.'

const WORDS: { readonly [code in StoreErrorCode]: Omit<Explanation, 'detail'> } = {
  LOCKED: {
    what: 'The store is open in another tab or window.',
    todo: 'Only one page at a time can have it. Close the other tab, then try again.',
  },
  UNSUPPORTED: {
    what: 'This browser cannot keep a store here.',
    todo: 'Use an ordinary (not a private) window of Chrome or Edge 108, Firefox 111, Safari 16.4, or newer, over https or on localhost.',
  },
  QUOTA: {
    what: 'The browser gives this page no more room.',
    todo: 'Delete files here and press Collect, or free space on the disk, then try again. What was stored before is still there.',
  },
  CORRUPT: {
    what: 'The bytes on the disk are not those that were stored, so they are not handed out.',
    todo: 'Press Verify to see all that is damaged. If you still have the file, add it again: that heals it.',
  },
  TOO_LARGE: {
    what: 'The file is larger than a store takes: some 300 GB.',
    todo: 'It was left out; all else was stored. Cut it into pieces and add those.',
  },
  NOT_FOUND: {
    what: 'The store, or a file of it, is gone.',
    todo: 'The browser or another page may have cleared it. Reload the page to begin anew.',
  },
  CLOSED: { what: 'The store has been closed.', todo: 'Reload the page to open it again.' },
  IO: {
    what: 'The disk or the browser failed to read or write.',
    todo: 'Check that the disk is in order and not full, then reload the page. What was stored before is still there.',
  },
  FORMAT: {
    what: 'The store of this page is none that this version can read.',
    todo: 'It may come from a newer version: update the page. To begin anew without what is in it, clear the data of this site in the settings of the browser.',
  },
  WORKER_DIED: {
    what: 'The background part of the store has stopped.',
    todo: 'Reload the page. What was reported as stored is still there.',
  },
  MISMATCH: {
    what: 'The bytes that came are not those that were expected.',
    todo: 'Nothing of them was kept. Get the file again and add it once more.',
  },
  IN_USE: {
    what: 'A file was to be deleted that still has a name.',
    todo: 'Delete the name first; nothing was changed.',
  },
  RANGE: { what: 'A part of a file was asked for that is not in it.', todo: OUR_FAULT },
  ABORTED: { what: 'Stopped.', todo: 'What was finished before stays; nothing is left half done.' },
  TX_CLOSED: { what: 'A change was made after its transaction had ended.', todo: OUR_FAULT },
  BAD_KEY: { what: 'The store was asked for a key that is none.', todo: OUR_FAULT },
  BAD_NAME: {
    what: 'The name, with the folders in front of it, is longer than the 1,024 bytes that a store takes.',
    todo: 'It was left out; all else was stored. Give it a shorter name and add it again.',
  },
  BAD_MESSAGE: { what: 'The page and the background part of the store do not understand each other.', todo: OUR_FAULT },
}

/** An archive that is none. The store of the page is in order: whoever chose the wrong file must not be told to clear it. */
export class BadArchive extends Error {}

/** Words for any error. */
export function explain(error: unknown): Explanation {
  if (error instanceof BadArchive) {
    const todo = 'Nothing of it was taken in, and nothing was changed. Choose a .tar file that Export has made.'
    return { what: `It could not be taken in: ${error.message}.`, todo, detail: error.message }
  }
  if (isStoreError(error)) return { ...WORDS[error.code], detail: `${error.code}: ${error.message}` }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  if (isUnreadable(error)) {
    return {
      what: 'The browser could not read this file.',
      todo: 'It may have been moved, changed or locked: add it again.',
      detail,
    }
  }
  return { what: `Something went wrong that nobody expected (${detail}).`, todo: OUR_FAULT, detail }
}

/** Both sentences in one line. */
export function inOneLine(error: unknown): string {
  const { what, todo } = explain(error)
  return `${what} ${todo}`
}

/** True when the fault is the file's alone, so that the others can go on. */
export function concernsOneFile(error: unknown): boolean {
  return isStoreError(error, 'TOO_LARGE') || isStoreError(error, 'BAD_NAME') || isUnreadable(error)
}

function isUnreadable(error: unknown): boolean {
  return error instanceof Error && (error.name === 'NotReadableError' || error.name === 'NotFoundError')
}
