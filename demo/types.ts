/**
 * Types of files: which one a name stands for, and as what a file may be opened in a tab.
 *
 * An object URL belongs to this page's origin, so a page or a drawing with a script in it, opened as what it is, could reach the
 * store. Therefore only types that cannot run anything are opened as themselves, every kind of text as plain text, and the rest not at all.
 */

const BY_ENDING: { readonly [ending: string]: string } = {
  md: 'text/markdown',
  markdown: 'text/markdown',
  yml: 'text/yaml',
  yaml: 'text/yaml',
  toml: 'text/toml',
  ini: 'text/plain',
  cfg: 'text/plain',
  conf: 'text/plain',
  log: 'text/plain',
  map: 'application/json',
  jsonl: 'application/json',
  ts: 'text/typescript',
  mts: 'text/typescript',
  cts: 'text/typescript',
  tsx: 'text/typescript',
  jsx: 'text/javascript',
  cjs: 'text/javascript',
  vue: 'text/vue',
  svelte: 'text/svelte',
  sh: 'text/x-shellscript',
  py: 'text/x-python',
  rb: 'text/x-ruby',
  rs: 'text/x-rust',
  go: 'text/x-go',
  c: 'text/x-c',
  h: 'text/x-c',
  cc: 'text/x-c++',
  cpp: 'text/x-c++',
  hpp: 'text/x-c++',
  java: 'text/x-java',
  kt: 'text/x-kotlin',
  swift: 'text/x-swift',
  sql: 'text/x-sql',
  tex: 'text/x-tex',
  diff: 'text/x-diff',
  patch: 'text/x-diff',
}

/** Names that are texts by custom. */
const TEXT_NAMES =
  /^(readme|license|licence|copying|notice|authors|changelog|changes|makefile|dockerfile|\.[a-z]+(ignore|rc|config|attributes))$/i

/** The browser's type for the file, or one by its name where the browser has none, or is known to be wrong: it takes .ts for a video. */
export function typeOf(name: string, given: string): string {
  const base = baseName(name)
  return BY_ENDING[endingOf(base).toLowerCase()] ?? (given || (TEXT_NAMES.test(base) ? 'text/plain' : ''))
}

/** The type to open a file as, or undefined when it is only to be downloaded. */
export function typeToOpen(type: string): string | undefined {
  const bare = type.split(';')[0]?.trim().toLowerCase() ?? ''
  if (/^image\/(png|jpeg|gif|webp|avif|bmp|x-icon|vnd\.microsoft\.icon)$/.test(bare)) return bare
  if (/^(audio|video)\//.test(bare) || bare === 'application/pdf') return bare
  if (/^text\/|[/+](json|xml|javascript|yaml|x-sh|x-javascript|typescript|toml)$/.test(bare))
    return 'text/plain;charset=utf-8'
  return undefined
}

/** What stands behind the last dot; '' without one. */
export function endingOf(base: string): string {
  return base.includes('.') ? base.slice(base.lastIndexOf('.') + 1) : ''
}

/** The last part of a path. */
export function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1)
}
