/** Which files make a store's directory, for those that take one in from outside. Pure. */

import {
  CONFIG_FILE,
  checkpointNumber,
  DATA_DIR,
  decimal,
  HEAD_FILE,
  LOST_AND_FOUND,
  README_FILE,
  RESERVE_FILE,
} from '../format/paths.js'

export const SEGMENT_BYTES_MAX = 0xffffffff

/** A file without which the store is not whole. */
export function isOfStore(path: string): boolean {
  const [top, directory, segment, ...rest] = path.split('/')
  if (directory === undefined) return path === README_FILE || path === CONFIG_FILE || path === HEAD_FILE
  if (top !== DATA_DIR || segment === undefined || rest.length > 0) return false
  return decimal(directory) !== undefined && decimal(segment) !== undefined
}

/** Files of a store that only help to open it, or that nothing reads again. */
export function isLeftOut(path: string): boolean {
  return path === RESERVE_FILE || checkpointNumber(path) !== undefined || path.startsWith(`${LOST_AND_FOUND}/`)
}
