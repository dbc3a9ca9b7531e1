// The local server's answers: JSON, or bytes with a head of JSON before them (faces/server/frames.py).

/** A picture or a body larger than this is told so before it is sent. */
export const LARGEST_FILE = 64 * 2 ** 20

const CLOSED = 'pellucid open has ended. Start it again in the terminal and open the address that it prints.'

export interface Framed<Head> {
  readonly head: Head
  readonly bytes: ArrayBuffer // what comes after the head
}

/** An error's sentence, with what was received and what to do. */
export function sentence(document: { error?: unknown; where?: unknown; received?: unknown; remedy?: unknown }): string {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const error = text(document.error) || 'the server gave no reason'
  const received = text(document.received) ? ` (${text(document.received)})` : ''
  const remedy = text(document.remedy) ? `. Try: ${text(document.remedy)}` : ''
  return `${error.charAt(0).toUpperCase()}${error.slice(1).replace(/\.$/, '')}${received}${remedy}.`
}

async function answered(path: string, init?: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(`api/${path}`, { ...init, credentials: 'same-origin', redirect: 'error' })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Error(CLOSED)
  }
  if (response.ok) return response
  let document: Record<string, unknown> = {}
  try {
    document = (await response.json()) as Record<string, unknown>
  } catch {
    // whatever answered is no server of ours
  }
  throw new Error(sentence(document))
}

const posted = (document: unknown, signal?: AbortSignal): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(document),
  ...(signal ? { signal } : {}),
})

export async function get<T>(path: string): Promise<T> {
  return (await answered(path)).json() as Promise<T>
}

export async function post<T>(path: string, document: unknown): Promise<T> {
  return (await answered(path, posted(document))).json() as Promise<T>
}

export async function bytes(path: string): Promise<ArrayBuffer> {
  return (await answered(path)).arrayBuffer()
}

function unframed<Head>(data: ArrayBuffer): Framed<Head> {
  const length = new DataView(data).getUint32(0, true)
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))) as Head
  return { head, bytes: data.slice(4 + length) }
}

export async function frame<Head>(path: string, document?: unknown): Promise<Framed<Head>> {
  return unframed(await (await answered(path, document === undefined ? undefined : posted(document))).arrayBuffer())
}

/** Sends raw bytes; with a head, before them. */
export async function send(path: string, data: Uint8Array | Blob, head?: unknown, signal?: AbortSignal): Promise<Response> {
  const parts: BlobPart[] = [data as BlobPart]
  if (head !== undefined) {
    const text = new TextEncoder().encode(JSON.stringify(head))
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, text.length, true)
    parts.unshift(length, text)
  }
  const response = await answered(path, { method: 'POST', body: new Blob(parts), ...(signal ? { signal } : {}) })
  if (response.status === 204) throw new DOMException('A newer question has taken its place.', 'AbortError')
  return response
}

export async function sent<Head>(path: string, data: Blob): Promise<Framed<Head>> {
  return unframed(await (await send(path, data)).arrayBuffer())
}

/** One line of JSON after another, as they come; an error among them is thrown. */
export async function lines<T>(path: string, document: unknown, each: (line: T) => void, signal?: AbortSignal): Promise<void> {
  const response = await answered(path, posted(document, signal))
  const reader = response.body?.getReader()
  if (!reader) throw new Error(CLOSED)
  const decoder = new TextDecoder()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'AbortError') throw error
      throw new Error(CLOSED)
    })
    rest += decoder.decode(value, { stream: !done })
    const whole = rest.split('\n')
    rest = whole.pop() ?? ''
    for (const line of whole) {
      const record = JSON.parse(line) as T & { error?: string }
      if (record.error !== undefined) throw new Error(sentence(record))
      each(record)
    }
    if (done) return
  }
}
