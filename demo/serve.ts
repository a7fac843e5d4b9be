/**
 * The page's side of the service worker: `blob/<key>` is answered here, by the page that has the store open, because the store is open in one place only.
 * The address says the name too, which decides about the type; nothing is ever served as what could run.
 */
import type { Names } from './names.js'
import type { Session } from './session.js'
import { typeToOpen } from './types.js'

/** What the service worker sends with a port, on which it wants the answer. */
interface Asked {
  url: string
  method: string
  headers: [string, string][]
}

/** Answers from now on. Where there are no service workers (private windows) nothing is played from the store but what fits into memory. */
export async function serve(session: Session, names: Names): Promise<void> {
  const workers = navigator.serviceWorker
  if (!workers) return
  workers.addEventListener('message', ({ data, ports: [port] }: MessageEvent<Asked>) => {
    if (port) void answer(data, port)
  })
  await workers.register('service-worker.js')

  async function answer(asked: Asked, port: MessagePort): Promise<void> {
    const response = await respond(asked).catch((error) => new Response(String(error), { status: 500 }))
    const reader = response.body?.getReader()
    port.onmessage = async ({ data }: MessageEvent<'pull' | 'cancel'>) => {
      if (data === 'cancel') return reader?.cancel()
      const next = await reader?.read().catch((error) => ({ failure: String(error) }))
      if (next && 'failure' in next) port.postMessage(next)
      else if (next?.value) port.postMessage({ bytes: next.value }, [next.value.buffer])
      else port.postMessage({})
    }
    const { status } = response
    port.postMessage({ status, headers: [...response.headers], hasBody: reader !== undefined })
  }

  async function respond({ url, method, headers }: Asked): Promise<Response> {
    const { pathname, searchParams } = new URL(url)
    const key = pathname.slice(pathname.lastIndexOf('/') + 1)
    const entry = names.find(searchParams.get('name') ?? '')
    const type = (entry?.key === key && typeToOpen(entry.type)) || 'application/octet-stream'
    const store = await session.store
    const response = await store.response(key, new Request(url, { method, headers }), { type })
    response.headers.set('X-Content-Type-Options', 'nosniff')
    return response
  }
}

/** The address of a file that the service worker answers; undefined when none has this page in its care. */
export function servedUrl({ key, name }: { key: string; name: string }): string | undefined {
  if (!navigator.serviceWorker?.controller) return undefined
  return `blob/${key}?${new URLSearchParams({ name })}`
}
