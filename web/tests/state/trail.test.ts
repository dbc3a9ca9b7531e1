import { describe, expect, it } from 'vitest'
import { extend, fromHash, move, NOWHERE, type Place, toHash } from '../../src/state/trail'

const a: Place = { name: 'softmax1', index: [7] }
const b: Place = { name: 'dense2', index: [31] }
const c: Place = { name: 'pool2', index: [5, 1, 3] }

describe('the trail', () => {
  it('goes on by a step, and returns to one that is on it', () => {
    expect(extend([a, b], c)).toEqual([a, b, c])
    expect(extend([a, b, c], { name: 'dense2', index: [31] })).toEqual([a, b])
  })

  it('moves its last step without a new one', () => {
    expect(move([a, b], { name: 'dense2', index: [32] })).toEqual([a, { name: 'dense2', index: [32] }])
  })

  it('stays bounded', () => {
    let trail: readonly Place[] = []
    for (let i = 0; i < 100; i++) trail = extend(trail, { name: 'x', index: [i] })
    expect(trail).toHaveLength(40)
    expect(trail.at(-1)).toEqual({ name: 'x', index: [99] })
  })
})

describe('the address', () => {
  it('says mode, steps and picture', () => {
    expect(toHash({ mode: 'why', trail: [a, b], picture: 'test-4' })).toBe('#why/softmax1[7]/dense2[31]?picture=test-4')
  })

  it.each([
    { mode: 'explore', trail: [], picture: null },
    { mode: 'what-if', trail: [a, b, c], picture: 'test-12' },
    { mode: 'explore', trail: [{ name: '/layer/Conv_0[x]?#%/ü', index: [0, 1, 2] }], picture: 'a/b?c=d&e#f' },
    { mode: 'table', trail: [{ name: 'scalar', index: [] }], picture: '' },
    { mode: 'why', trail: [a], picture: 'test-4', why: { target: 3, against: 8, method: 'occlusion' } },
    { mode: 'why', trail: [], picture: null, why: { target: null, against: 0, method: 'grad-cam' } },
  ] as const)('comes back as it went: %j', (address) => {
    expect(fromHash(toHash(address))).toEqual(address)
  })

  it('ends at the first step that cannot be read, and never throws', () => {
    expect(fromHash('')).toEqual(NOWHERE)
    expect(fromHash('#nonsense/softmax1[7]')).toEqual({ mode: 'explore', trail: [a], picture: null })
    expect(fromHash('#why/softmax1[7]/dense2[-1]/pool2[5,1,3]').trail).toEqual([a])
    expect(fromHash('#why/softmax1[7]/%E0%A4%A[3]').trail).toEqual([a])
    expect(fromHash('#why/x[1,2,]').trail).toEqual([])
    expect(fromHash('#why/x[99999999999]').trail).toEqual([])
    expect(fromHash('#explore?picture=%E0%A4%A').picture).toBeNull()
    expect(fromHash('#why?class=-1&against=1e3&method=none').why).toEqual({ target: null, against: null, method: 'grad-cam' })
  })
})
