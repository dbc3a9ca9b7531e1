// What the keys' actions do. True where something was done, so that the browser leaves the key alone.
import type { Explorer } from './explorer.svelte'
import type { Action } from './keys'
import { sentence } from './latest'
import { unflat } from './network'
import { MODES } from './trail'

export function perform(explorer: Explorer, action: Action): boolean {
  const { place, network } = explorer
  switch (action.do) {
    case 'mode': {
      const mode = MODES[action.number]
      if (mode) explorer.go(mode)
      return mode !== undefined
    }
    case 'help': explorer.help = !explorer.help; return true
    case 'words': explorer.toggleWords(); return true
    case 'scale': explorer.eachMap = !explorer.eachMap; return true
    case 'back': explorer.back(); return true
    case 'close':
      if (explorer.help) explorer.help = false
      else if (explorer.failure) explorer.failure = ''
      else explorer.close()
      return true
    case 'answer': return openAnswer(explorer)
    case 'off':
      if (!place || explorer.mode !== 'what-if' || explorer.source.lacks.edit !== undefined || !network.isMaps(place.name)) return false
      explorer.switchOff(place.name, place.index[0] ?? 0)
      return true
    case 'picture': void turnPage(explorer, action.by); return true
    case 'open': return openStrongest(explorer)
    case 'layer': return changeLayer(explorer, action.by)
    case 'channel': {
      if (!place) return false
      const spot = network.spot(place.name, place.index)
      explorer.shift({ name: place.name, index: network.index(place.name, spot.map((n, axis) => (axis === 0 ? n + action.by : n))) })
      return true
    }
    case 'move': {
      if (!place || explorer.mode === 'table' || explorer.mode === 'build' || explorer.mode === 'mistakes') return false
      const spot = network.spot(place.name, place.index)
      const last = spot.length - 1
      const by = last === 0 ? [action.rows + action.columns] : spot.map((_, axis) => (axis === last ? action.columns : axis === last - 1 ? action.rows : 0))
      explorer.shift({ name: place.name, index: network.index(place.name, spot.map((n, axis) => n + (by[axis] ?? 0))) })
      return true
    }
  }
}

/** Opens the likeliest class' probability. */
function openAnswer(explorer: Explorer): boolean {
  if (!explorer.run) return false
  explorer.start(explorer.likeliest(explorer.run))
  return true
}

/** One step further: the winner, or the term with the largest product. */
function openStrongest(explorer: Explorer): boolean {
  const level = explorer.opened?.level
  if (!level) return openAnswer(explorer)
  const parts = level.terms ?? level.operands ?? []
  const own = level.kind === 'softmax' ? parts.find((term) => term.index.at(-1) === level.index.at(-1)) : undefined
  const chosen = own ?? (level.chosen != null ? parts[level.chosen] : [...parts].filter((term) => explorer.network.shape(term.source)).sort((a, b) => Math.abs(Number(b.product)) - Math.abs(Number(a.product)))[0])
  if (!chosen) return false
  explorer.follow({ name: chosen.source, index: chosen.index })
  return true
}

/** The layer before or behind, at about the same place of its maps. */
function changeLayer(explorer: Explorer, by: number): boolean {
  const { place, network } = explorer
  if (!place) return openAnswer(explorer)
  const name = network.step(place.name, by)
  const shape = name === null ? null : network.shape(name)
  const before = network.shape(place.name)
  if (name === null || !shape || !before) return false
  const index = shape.length === before.length
    ? shape.map((size, axis) => Math.min(size - 1, axis === 0 ? (place.index[0] ?? 0) : Math.round(((place.index[axis] ?? 0) * size) / (before[axis] ?? 1))))
    : unflat(0, shape)
  explorer.start({ name, index })
  return true
}

/** The next test picture. */
async function turnPage(explorer: Explorer, by: number): Promise<void> {
  if (explorer.source.lacks.pictures !== undefined) return
  const page = Math.max(0, explorer.page + by)
  try {
    const [entry] = await explorer.source.pictures('test', page, 1)
    if (!entry) return
    explorer.page = page
    await explorer.show(entry)
  } catch (error) {
    explorer.failure = sentence(error)
  }
}
