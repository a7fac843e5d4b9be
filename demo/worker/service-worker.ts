/**
 * A service worker that answers `blob/<key>` out of a store: whole, or the range that a <video> asks for. It does not open the store, which is open in
 * one page; it asks that page, over a port, for the head of the answer and then for the body, a piece whenever the browser wants one.
 * When no page has the store open the answer is 503.
 */
const scope = self as unknown as ServiceWorkerGlobalScope

/** A page that is being closed may never answer; a busy one answers late, and a film that was refused does not play. */
const PATIENCE_MS = 20_000
const SERVED = new URL('blob/', scope.registration.scope).href

scope.addEventListener('install', () => void scope.skipWaiting())
// The page that registers it is served at once, not only after a reload.
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()))
scope.addEventListener('fetch', (event) => {
  if (event.request.url.startsWith(SERVED)) event.respondWith(answer(event.request))
})

async function answer(request: Request): Promise<Response> {
  const pages = await scope.clients.matchAll({ type: 'window' })
  const asked = pages.filter(({ url }) => !url.startsWith(SERVED)).map((page) => ask(page, request))
  return Promise.any(asked).catch(() => {
    const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': '5' }
    return new Response('No page has the store open: open it and try again.', { status: 503, headers })
  })
}

/** The page's answer. Rejects when it has none. */
function ask(page: Client, { url, method, headers }: Request): Promise<Response> {
  const { port1: port, port2: theirs } = new MessageChannel()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, PATIENCE_MS)
    port.onmessage = ({ data: { status, headers, hasBody } }) => {
      clearTimeout(timer)
      resolve(new Response(hasBody ? bodyFrom(port) : null, { status, headers }))
    }
    page.postMessage({ url, method, headers: [...headers] }, [theirs])
  })
}

/** Pulls piece by piece, so that nobody holds more of a long film than is being shown. */
function bodyFrom(port: MessagePort): ReadableStream<Uint8Array> {
  let isCancelled = false
  return new ReadableStream(
    {
      pull: (controller) =>
        new Promise((resolve) => {
          port.onmessage = ({ data: { bytes, failure } }) => {
            // What comes after a cancel is wanted by nobody.
            if (isCancelled) return resolve()
            if (failure) controller.error(new Error(failure))
            else if (bytes) controller.enqueue(bytes)
            else controller.close()
            resolve()
          }
          port.postMessage('pull')
        }),
      cancel: () => {
        isCancelled = true
        port.postMessage('cancel')
      },
    },
    { highWaterMark: 0 },
  )
}
