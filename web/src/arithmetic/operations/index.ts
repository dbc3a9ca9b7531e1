// Every operation there is, by module and class of src/pellucid/network/operations. One line for each.
import type { Attributes, Maker, Operation } from '../base'
import { ACTIVATIONS } from './activation'
import { convolution } from './convolution'
import { gemm, matmul } from './dense'
import { addition, choice, division, extreme, logic, mean, multiplication, parametricRelu, power, remainder } from './elementwise'
import {
  concat, depthToSpace, expand, gather, gatherElements, identity, pad, reshape, slice, spaceToDepth, split, tile, transpose,
} from './movement'
import { batchNormalization, groupNormalization, layerNormalization, localResponse, lpNormalization } from './normalisation'
import { cast, functions } from './pointwise'
import { averagePooling, lpPooling, maxPooling } from './pooling'
import { dequantize, quantize } from './quantisation'
import { extremeOver, norm, sum } from './reduction'
import { resize } from './resizing'
import { hardmax, softmax } from './softmax'
import { transposedConvolution } from './transposed'

export const OPERATIONS: Readonly<Record<string, Maker>> = {
  ...ACTIVATIONS,
  'convolution.Convolution': convolution,
  'dense.Gemm': gemm,
  'dense.MatMul': matmul,
  'elementwise.Addition': addition,
  'elementwise.Choice': choice,
  'elementwise.Division': division,
  'elementwise.Extreme': extreme,
  'elementwise.Logic': logic,
  'elementwise.Mean': mean,
  'elementwise.Multiplication': multiplication,
  'elementwise.ParametricRelu': parametricRelu,
  'elementwise.Power': power,
  'elementwise.Remainder': remainder,
  'movement.Concat': concat,
  'movement.DepthToSpace': depthToSpace,
  'movement.Expand': expand,
  'movement.Gather': gather,
  'movement.GatherElements': gatherElements,
  'movement.Identity': identity,
  'movement.Pad': pad,
  'movement.Reshape': reshape,
  'movement.Slice': slice,
  'movement.SpaceToDepth': spaceToDepth,
  'movement.Split': split,
  'movement.Tile': tile,
  'movement.Transpose': transpose,
  'normalisation.BatchNormalization': batchNormalization,
  'normalisation.GroupNormalization': groupNormalization,
  'normalisation.LayerNormalization': layerNormalization,
  'normalisation.LocalResponse': localResponse,
  'normalisation.LpNormalization': lpNormalization,
  'pointwise.Cast': cast,
  'pointwise.Function': functions,
  'pooling.AveragePooling': averagePooling,
  'pooling.LpPooling': lpPooling,
  'pooling.MaxPooling': maxPooling,
  'quantisation.Dequantize': dequantize,
  'quantisation.Quantize': quantize,
  'reduction.Extreme': extremeOver,
  'reduction.Norm': norm,
  'reduction.Sum': sum,
  'resizing.Resize': resize,
  'softmax.Hardmax': hardmax,
  'softmax.Softmax': softmax,
  'transposed.TransposedConvolution': transposedConvolution,
}

export function operationOf(name: string, attributes: Attributes): Operation {
  const make = OPERATIONS[name]
  if (!make) throw new Error(`the operation ${name} isn't computed in the browser`)
  return make(attributes)
}
