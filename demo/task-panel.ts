/**
 * The panel that says what is going on: one long task at a time, with a bar, figures and a Cancel button, and how it ended.
 * Sighted people see every step; screen readers hear the beginning, now and then how far it is, and the end.
 */
import { inOneLine } from './explain.js'
import { announce, element } from './page.js'

const text = element('task-text', HTMLElement)
const bar = element('task-bar', HTMLProgressElement)
const figures = element('task-figures', HTMLElement)
const cancel = element('task-cancel', HTMLButtonElement)

const SPOKEN_EVERY_MS = 10_000

export interface Running {
  signal: AbortSignal
  /** `share` is 0 to 1; undefined where it is not known yet. */
  update(share: number | undefined, figures: string): void
}

/** How a task ended. */
export interface Outcome {
  sentence: string
  tone: 'plain' | 'good' | 'bad'
}

let running: AbortController | undefined

export function isBusy(): boolean {
  return running !== undefined
}

cancel.addEventListener('click', () => running?.abort())

/** A line ends between two figures, not within one: a browser would part `MB/s` after the stroke. */
function drawFigures(words: string): void {
  const parts = words.split(' · ').map((part, i) => {
    const figure = document.createElement('span')
    figure.textContent = part
    return i === 0 ? [figure] : [' · ', figure]
  })
  figures.replaceChildren(...parts.flat())
}

/** Says something that took no time, or how a task ended. */
export function say(sentence: string, tone: Outcome['tone'] = 'plain'): void {
  text.textContent = sentence
  text.dataset.tone = tone
  announce(sentence)
}

/**
 * Runs a task and says how it ended: `work` answers with that sentence. When it fails or is cancelled, `soFar` says what is done.
 * `onBusy` runs when `isBusy` has changed. Never rejects.
 */
export async function runTask(
  title: string,
  onBusy: () => void,
  work: (running: Running) => Promise<Outcome>,
  soFar: () => string = () => '',
): Promise<void> {
  const controller = new AbortController()
  running = controller
  const focused = document.activeElement
  onBusy()
  say(title)
  figures.textContent = ''
  bar.value = 0
  cancel.disabled = false
  // A button that is disabled loses the focus: it goes to Cancel meanwhile, and back.
  if (focused instanceof HTMLButtonElement && focused.disabled) cancel.focus({ preventScroll: true })
  let frame = 0
  let latest: { share: number | undefined; words: string } = { share: 0, words: '' }
  const draw = () => {
    if (latest.share === undefined) bar.removeAttribute('value')
    else bar.value = latest.share
    drawFigures(latest.words)
  }
  let spoken = performance.now()
  const update = (share: number | undefined, words: string) => {
    latest = { share, words }
    cancelAnimationFrame(frame)
    frame = requestAnimationFrame(draw)
    if (performance.now() - spoken < SPOKEN_EVERY_MS) return
    spoken = performance.now()
    announce(`${title} ${words}`)
  }
  try {
    const { sentence, tone } = await work({ signal: controller.signal, update })
    say(sentence, tone)
    latest.share = 1
  } catch (error) {
    latest.share = 0
    if (controller.signal.aborted) say(`Stopped. ${soFar()}`)
    else say(`${inOneLine(error)} ${soFar()}`.trim(), 'bad')
  } finally {
    cancelAnimationFrame(frame)
    draw()
    running = undefined
    onBusy()
    if (document.activeElement === cancel) {
      if (focused instanceof HTMLButtonElement && !focused.disabled && !focused.hidden)
        focused.focus({ preventScroll: true })
      else text.focus({ preventScroll: true })
    }
    cancel.disabled = true
  }
}
