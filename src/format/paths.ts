/**
 * The names of files inside a store's directory. What does not match to the letter is somebody else's and is left alone.
 */

export const README_FILE = 'README'
export const README_TEXT = 'This is a DARC store'
export const CONFIG_FILE = 'config'
export const HEAD_FILE = 'head'
export const RESERVE_FILE = 'reserve'
export const DATA_DIR = 'data'
export const LOST_AND_FOUND = 'lost+found'

export function segmentPath(segment: number, segmentsPerDir: number): string {
  return `${DATA_DIR}/${Math.floor(segment / segmentsPerDir)}/${segment}`
}

export function checkpointFile(segment: number): string {
  return `index.${segment}`
}

/** The segment number in the name of a checkpoint, or undefined. */
export function checkpointNumber(name: string): number | undefined {
  return name.startsWith('index.') ? decimal(name.slice('index.'.length)) : undefined
}

/** The number that a canonical decimal name stands for: no sign, no leading zero, within u32 and not the mark for "none". */
export function decimal(name: string): number | undefined {
  if (!/^(0|[1-9]\d{0,9})$/.test(name)) return undefined
  const number = Number(name)
  return number < 0xffffffff ? number : undefined
}
