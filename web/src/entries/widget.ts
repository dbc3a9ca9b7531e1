// A notebook's cell: anywidget calls `render` with the cell's traits and an element of its own.
import { mount, unmount } from 'svelte'
import Explorer from '../Explorer.svelte'
import { openWidget, type WidgetModel } from '../sources/open'

async function render({ model, el }: { model: WidgetModel; el: HTMLElement }): Promise<() => void> {
  const height = Number(model.get('height')) || 760
  const target = document.createElement('div')
  target.style.height = `${height}px`
  el.append(target)
  try {
    const { source, first } = await openWidget(model)
    const address = String(model.get('address') ?? '')
    const made = mount(Explorer, { target, props: { source, first, height, address } })
    return () => void unmount(made)
  } catch (error) {
    target.style.height = ''
    target.setAttribute('role', 'alert')
    target.textContent = error instanceof Error ? error.message : String(error)
    return () => target.remove()
  }
}

export default { render }
