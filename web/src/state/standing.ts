// What is sorted by strength keeps its place while one paints: rows that changed places with each piece of a stroke could
// not be read, and each would be another row to draw.

/** Sorts the strongest first. While `still` is false, things that belong to the same `of` stay in the order they had. */
export function standing<Item>(nameOf: (item: Item) => string): (items: readonly Item[], strength: (item: Item) => number, of: string, still: boolean) => readonly Item[] {
  let kept = { of: '', places: new Map<string, number>() }
  return (items, strength, of, still) => {
    if (still || kept.of !== of) {
      const strengths = new Map(items.map((item) => [item, strength(item)]))
      const sorted = [...items].sort((a, b) => (strengths.get(b) as number) - (strengths.get(a) as number))
      kept = { of, places: new Map(sorted.map((item, place) => [nameOf(item), place])) }
      return sorted
    }
    const placed = items.map((item) => ({ item, place: kept.places.get(nameOf(item)) ?? items.length })) // what is new comes last
    return placed.sort((a, b) => a.place - b.place).map(({ item }) => item)
  }
}
