// Work that waits until an element comes into sight, or that rests while it is out of it.

/** Calls `act` once, when the node is first in sight or near it. */
export function seen(node: Element, act: () => void): { destroy: () => void } {
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return
    watcher.disconnect()
    act()
  }, { rootMargin: '150px' })
  watcher.observe(node)
  return { destroy: () => watcher.disconnect() }
}

const told = new WeakMap<Element, (inSight: boolean) => void>()
let watcher: IntersectionObserver | null = null

/** Tells whenever the node comes into sight or leaves it. */
export function sight(node: Element, tell: (inSight: boolean) => void): { destroy: () => void } {
  watcher ??= new IntersectionObserver((entries) => {
    for (const entry of entries) told.get(entry.target)?.(entry.isIntersecting)
  }, { rootMargin: '120px', scrollMargin: '60px' } as IntersectionObserverInit) // also of what scrolls by itself
  told.set(node, tell)
  watcher.observe(node)
  return { destroy: () => watcher?.unobserve(node) }
}
