// Work that waits until an element comes into sight.

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
