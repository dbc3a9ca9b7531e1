// Bars as an element's background: to draw them anew lays nothing out, as an element of their own would.

/** A bar from the middle to the right, or to the left where `share` (-1 to 1) is below 0. */
export function fromMiddle(share: number): { width: string; from: string } {
  const width = Math.min(0.5, Math.abs(share) / 2)
  const left = share < 0 ? 0.5 - width : 0.5
  // A background's place in percent is a share of the room that it leaves.
  return { width: `${100 * width}%`, from: `${(100 * left) / (1 - width)}%` }
}
