// `pellucid open`: a network that is small enough is computed here, a large one by the server.
import '../styles/page.css'
import { mount } from 'svelte'
import Explorer from '../Explorer.svelte'
import * as api from '../sources/api'
import { ServerSource, type Start } from '../sources/server'

const target = document.getElementById('explorer') as HTMLElement

async function begin(): Promise<void> {
  const start = await api.get<Start & { first: string | null }>('start')
  const source = new ServerSource(start.graph, start.lacks)
  document.title = `${start.graph.title || start.graph.file} · pellucid`
  target.replaceChildren()
  mount(Explorer, { target, props: { source, first: start.first } })
}

begin().catch((error: unknown) => {
  target.textContent = error instanceof Error ? error.message : String(error)
})
