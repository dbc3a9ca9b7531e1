// Random numbers as pure functions of what they are for: src/pellucid/draws.py (splitmix64, key by key).
const MASK = (1n << 64n) - 1n

function splitmix64(value: bigint): bigint {
  let mixed = (value + 0x9e3779b97f4a7c15n) & MASK
  mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK
  mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & MASK
  return mixed ^ (mixed >> 31n)
}

/** `count` numbers from 0 to below 1 for the keys (...keys, 0), (...keys, 1) and so on. */
export function uniform(count: number, ...keys: readonly number[]): Float64Array {
  let state = 0n
  for (const key of keys) state = splitmix64((state + splitmix64(BigInt(key))) & MASK)
  return Float64Array.from({ length: count }, (_, n) => {
    const bits = splitmix64((state + splitmix64(BigInt(n))) & MASK)
    return Number(bits >> 11n) * 2 ** -53
  })
}
