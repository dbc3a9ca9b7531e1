// Training: weights in the order in which kernels read them.
#include <algorithm>

#include "network.h"

namespace pellucid::train {

void pack(const Network& network, const Step& s, const Kernels& kernels, const float* weights, float* packed, bool back) {
    const float* from = weights + s.weight;
    float* to = packed + (back ? s.packed_back : s.packed);
    const Tensor &in = network.tensors[s.in[0]], &out = network.tensors[s.out];
    if (s.kind == Kind::dense) {
        const int64_t inputs = in.channels * in.rows * in.columns, outputs = out.channels;
        const int64_t rows = back ? inputs : outputs, sums = back ? outputs : inputs, n = kernels.dense_outputs;
        for (int64_t first = 0; first < rows; first += n)
            for (int64_t i = 0; i < sums; ++i)
                for (int64_t j = 0; j < n; ++j, ++to) {
                    const int64_t row = first + j;
                    *to = row >= rows ? 0.0f : back ? from[i * inputs + row] : from[row * inputs + i];
                }
        return;
    }
    if (s.winograd.side) {
        kernels.winograd_pack(s.winograd, from, to, back);
        return;
    }
    const int64_t inputs = in.channels / s.groups, outputs = out.channels / s.groups;
    const int64_t rows = back ? inputs : outputs, sums = back ? outputs : inputs, taps = s.kernel[0] * s.kernel[1];
    for (int64_t group = 0; group < s.groups; ++group)
        for (int64_t first = 0; first < rows; first += kernels.conv_outputs) {
            const int64_t n = std::min<int64_t>(kernels.conv_outputs, rows - first);
            for (int64_t i = 0; i < sums; ++i)
                for (int64_t tap = 0; tap < taps; ++tap)
                    for (int64_t j = 0; j < n; ++j, ++to) {
                        const int64_t o = group * outputs + (back ? i : first + j), c = back ? first + j : i;
                        *to = from[(o * inputs + c) * taps + tap];
                    }
        }
}

}  // namespace pellucid::train
