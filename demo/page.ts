/**
 * Small helpers for the page: finding its elements by id, writing figures, speaking to screen readers.
 * Everything here is a few lines and knows nothing of the store.
 */

/** The element with this id, of this class. The page is written by us, so its absence is a bug. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} with the id "${id}"`)
  return found
}

const whole = new Intl.NumberFormat('en')
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** 1234567 becomes "1,234,567". */
export function count(value: number): string {
  return whole.format(value)
}

/** "1 file", "2 files". */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${whole.format(value)} ${value === 1 ? noun : plural}`
}

/** 1234567 becomes "1.23 MB" (powers of 1000, as browsers and disks count). */
export function bytes(value: number): string {
  const power = value < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3))
  return `${power === 0 ? whole.format(value) : short.format(value / 1000 ** power)} ${UNITS[power]}`
}

/** A share of 0 to 1 as "12 %"; what is there but small is not called nothing. */
export function percent(part: number, of: number): string {
  if (part <= 0 || of <= 0) return '0 %'
  const share = (100 * part) / of
  return share < 0.1 ? '< 0.1 %' : `${new Intl.NumberFormat('en', { maximumSignificantDigits: 2 }).format(share)} %`
}

/** Has screen readers say it once they are free. */
export function announce(text: string): void {
  element('announce', HTMLElement).textContent = text
}

/** Wraps `action` so that it runs at most once in `pause` milliseconds, and once more after the last call. */
export function throttled(pause: number, action: () => void): () => void {
  let timer: number | undefined
  let last = Number.NEGATIVE_INFINITY
  return () => {
    if (timer !== undefined) return
    const wait = Math.max(0, last + pause - performance.now())
    timer = window.setTimeout(() => {
      timer = undefined
      last = performance.now()
      action()
    }, wait)
  }
}
