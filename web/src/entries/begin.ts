// What app and page have in common: the whole window is the explorer's.
import { mount } from 'svelte'
import Explorer from '../Explorer.svelte'
import type { Opened } from '../sources/open'

export function begin(open: () => Promise<Opened>): void {
  const target = document.getElementById('explorer') as HTMLElement
  open().then(({ source, first }) => {
    document.title = `${source.graph.title || source.graph.file} · pellucid`
    target.replaceChildren()
    target.removeAttribute('role')
    mount(Explorer, { target, props: { source, first } })
  }).catch((error: unknown) => {
    target.textContent = error instanceof Error ? error.message : String(error)
  })
}
