// Small things that a browser keeps between visits. Where storage is forbidden (some file: pages), nothing is kept.

export function recall(name: string): string | null {
  try {
    return globalThis.localStorage?.getItem(`pellucid.${name}`) ?? null
  } catch {
    return null
  }
}

export function remember(name: string, value: string): void {
  try {
    globalThis.localStorage?.setItem(`pellucid.${name}`, value)
  } catch {
    // Forbidden or full: the next visit starts as this one did.
  }
}
