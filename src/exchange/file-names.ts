/**
 * Names of contents as paths of files. A name is taken as it is or not at all: what any of the usual systems would refuse, change, or take for
 * another file is refused here, so that an export means the same everywhere and never leaves its folder. Pure.
 */

const PART_BYTES_MAX = 255
/** Windows keeps these for devices, whatever follows the first dot. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(\..*)?$/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const FORBIDDEN = /[\u0000-\u001f\u007f\\:*?"<>|]/

/** The paths of an export, and what each of them is. */
export class FilePaths {
  /** Without regard to case and composition of characters. */
  readonly #taken = new Map<string, 'file' | 'folder'>()

  /** Takes the name as a path, with '/' between folders. Says why it cannot be one, beside those that were taken before; undefined when it can. */
  take(name: string): string | undefined {
    const parts = name.split('/')
    for (const part of parts) {
      const fault = partFault(part)
      if (fault !== undefined) return `${fault}, so this name cannot be a file's`
    }
    const paths = parts.map((_, i) => folded(parts.slice(0, i + 1).join('/')))
    const path = paths.pop() as string
    if (paths.some((folder) => this.#taken.get(folder) === 'file')) {
      return 'a content whose name is the beginning of this one is a file, where a folder would have to be'
    }
    const other = this.#taken.get(path)
    if (other === 'folder') return 'other names begin with this one, so a folder is where the file would have to be'
    if (other === 'file') return 'on some systems the file would have the same name as another one'
    for (const folder of paths) this.#taken.set(folder, 'folder')
    this.#taken.set(path, 'file')
    return undefined
  }
}

function partFault(part: string): string | undefined {
  if (part === '') return 'nothing stands before, behind or between slashes'
  if (part === '.' || part === '..') return `"${part}" leads elsewhere`
  if (FORBIDDEN.test(part)) return 'it has a character that not every system takes'
  if (/[ .]$/.test(part)) return 'a part of it ends with a space or a dot'
  if (DEVICE.test(part)) return `"${part}" is a device on Windows`
  if (new TextEncoder().encode(part).length > PART_BYTES_MAX)
    return `a part of it has more than ${PART_BYTES_MAX} bytes`
  return undefined
}

/** In both cases, one after the other, as some characters differ only in one; with marks in their one order first, which upper case may turn into letters. */
function folded(path: string): string {
  return path.normalize('NFD').toLowerCase().toUpperCase().toLowerCase().normalize('NFC')
}
