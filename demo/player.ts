/**
 * Plays films and sound in a dialog over the page. The browser gets them from the service worker, part by part as it wants them, so playing begins at
 * once and one can go to any place; where there is none it gets the whole file as a Blob.
 */
import type { Store } from 'lodestore'
import { readBlob } from './hand-out.js'
import type { Entry } from './names.js'
import { element } from './page.js'
import { servedUrl } from './serve.js'

const dialog = element('player', HTMLDialogElement)
const title = element('player-title', HTMLElement)
const frame = element('player-frame', HTMLElement)
const trouble = element('player-trouble', HTMLElement)

let ownUrl: string | undefined

export function isPlayable({ type }: Entry): boolean {
  return /^(audio|video)\//.test(type)
}

/** Shows the dialog. Rejects when the file cannot be read; that it cannot be played is said in the dialog. */
export async function play(store: Promise<Store>, entry: Entry): Promise<void> {
  const served = servedUrl(entry)
  const blob = served === undefined ? await readBlob(await store, entry) : undefined
  stop()
  if (blob) ownUrl = URL.createObjectURL(blob)
  const media = document.createElement(entry.type.startsWith('audio/') ? 'audio' : 'video')
  media.controls = true
  media.autoplay = true
  media.setAttribute('aria-label', entry.name)
  media.addEventListener('error', () => {
    if (/MediaSink/.test(media.error?.message ?? '') && !media.muted) return playSilently(media)
    trouble.textContent =
      media.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED
        ? 'This browser cannot play it. It can be downloaded all the same.'
        : `The browser says that something is wrong while it plays: ${media.error?.message || 'it does not say what'}.`
  })
  title.textContent = entry.name
  trouble.textContent = ''
  frame.replaceChildren(media)
  media.src = served ?? ownUrl ?? ''
  dialog.showModal()
}

/**
 * On a device without a loudspeaker Firefox gives up a sound a moment after it has begun: it shows it as playing, and never comes to the next place
 * that is asked for. What is muted needs no loudspeaker.
 */
function playSilently(media: HTMLMediaElement): void {
  const place = media.currentTime
  media.muted = true
  media.load()
  media.currentTime = place
  trouble.textContent = 'The browser finds no loudspeaker: it plays without sound.'
}

// Told of late: the next film may be in the dialog by then.
dialog.addEventListener('close', () => {
  if (!dialog.open) stop()
})

function stop(): void {
  const media = frame.querySelector('video, audio')
  // Without a source the browser lets go of what it has loaded and stops asking for more.
  media?.removeAttribute('src')
  if (media instanceof HTMLMediaElement) media.load()
  frame.replaceChildren()
  if (ownUrl) URL.revokeObjectURL(ownUrl)
  ownUrl = undefined
}
