#include "filter.h"

namespace pellucid {

namespace {

constexpr size_t kBlock = 16;  // values whose sums stay in registers

void accumulate(const float* const* taps, const float* weights, size_t count, float* out, size_t length) {
    for (size_t x = 0; x < length; x += kBlock) {
        float sum[kBlock] = {};
        for (size_t t = 0; t < count; ++t)
            for (size_t i = 0; i < kBlock; ++i) sum[i] += weights[t] * taps[t][x + i];
        const size_t here = length - x < kBlock ? length - x : kBlock;
        for (size_t i = 0; i < here; ++i) out[x + i] = sum[i];
    }
}

void widen(const uint8_t* from, float* to, size_t count) {
    for (size_t i = 0; i < count; ++i) to[i] = from[i];
}

}  // namespace

const FilterKernels& generic_filter_kernels() {
    static const FilterKernels kernels{"generic", accumulate, widen};
    return kernels;
}

}  // namespace pellucid
