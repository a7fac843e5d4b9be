/**
 * A lock between processes for the Node driver. Node has no flock, so a process claims a file by an empty file beside it whose name says who
 * it is: `README.lock-<host>-<pid>-<start of the process>`. Make the claim first, look for others after: of two that both hold one,
 * the later would have seen the earlier, so there is never more than one. Two that come at once may both be refused.
 * The claim of a process that is gone counts for nothing and is removed; nobody else can mean that name, so no race is in it.
 */
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'

const CLAIM = /\.lock-(.+)-(\d+)-(\d+)$/

export function isClaim(name: string): boolean {
  return CLAIM.test(name)
}

/** Claims the file at `path`, or throws an error that names the claim in the way. What it returns ends the claim. */
export function claim(path: string): () => void {
  const own = `${path}.lock-${hostname()}-${process.pid}-${startOf(process.pid) ?? 0}`
  // EEXIST: another thread of this process has it (or, where processes have no known start, a dead one had our number).
  closeSync(openSync(own, 'wx'))
  const release = () => rmSync(own, { force: true })
  const other = liveClaims(dirname(path), basename(path)).find((found) => found !== own)
  if (other === undefined) return release
  release()
  throw heldBy(other)
}

/** The same for a reader. In a folder that cannot be written to no claim can be made; there it is enough that nobody has one. */
export function claimToRead(path: string): () => void {
  try {
    return claim(path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && /^(EACCES|EPERM|EROFS)$/.test(String(error.code)))) throw error
    const [other] = liveClaims(dirname(path), basename(path))
    if (other !== undefined) throw heldBy(other)
    return () => undefined
  }
}

/** The error of a file that is in use, with the code the system gives for a name that is taken. */
export function inUse(why: string): Error {
  return Object.assign(new Error(why), { code: 'EEXIST' })
}

/** The same, for a claim in the way. */
export function heldBy(claim: string): Error {
  return inUse(`"${claim}" claims it; remove that file only if no such process is left`)
}

/** Paths of the claims in `directory` whose process lives, on `name` only if one is given, else on any file in it at any depth. */
export function liveClaims(directory: string, name?: string): string[] {
  return readdirSync(directory, { recursive: name === undefined, encoding: 'utf8' })
    .filter((entry) => isClaim(entry) && (name === undefined || entry.startsWith(`${name}.lock-`)))
    .map((entry) => join(directory, entry))
    .filter((path) => {
      if (isAlive(path)) return true
      try {
        rmSync(path, { force: true })
      } catch {
        // It stays where nothing can be removed, and counts for nothing.
      }
      return false
    })
}

function isAlive(path: string): boolean {
  const [, host, id, start] = CLAIM.exec(path) ?? []
  // Of another machine's processes nothing is known here: better locked than shared.
  if (host !== hostname()) return true
  try {
    process.kill(Number(id), 0)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
  }
  const found = startOf(Number(id))
  return found === undefined || found === Number(start)
}

/** When a process began (in ticks since the machine did), which tells it from a later one of the same number. Known on Linux only. */
function startOf(id: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'latin1')
    // Field 22; field 2 is the program's name in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // One that has ended but was not asked after yet ("Z") holds nothing any more.
    return fields[0] === 'Z' ? -1 : Number(fields[19])
  } catch {
    return undefined
  }
}
