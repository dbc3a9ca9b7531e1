// Kernels in plain C++, compiled once for each set of instructions. All is in an unnamed namespace: the linker
// must not take one file's version for another's.
#pragma once

#include <cstring>

#include "resize.h"

namespace pellucid {
namespace {

inline uint8_t narrowed(int32_t sum) {
    const int32_t value = sum >> kBits;  // never negative: the weights are not
    return static_cast<uint8_t>(value < 255 ? value : 255);
}

template <int channels>
void across_portable(const uint8_t* source, size_t source_stride, uint8_t* target, size_t target_stride, int64_t rows,
                     const Taps& axis) {
    const size_t width = axis.length;
    for (int64_t y = 0; y < rows; ++y) {
        const uint8_t* row = source + static_cast<size_t>(y) * source_stride;
        uint8_t* out = target + static_cast<size_t>(y) * target_stride;
        for (size_t x = 0; x < width; ++x) {
            const uint8_t* pixel = row + static_cast<size_t>(axis.first[x]) * channels;
            const int32_t* weight = axis.weight + x * axis.taps;
            const int count = axis.count[x];
            int32_t sum[channels];
            for (int c = 0; c < channels; ++c) sum[c] = kHalf;
            for (int t = 0; t < count; ++t)
                for (int c = 0; c < channels; ++c) sum[c] += weight[t] * pixel[t * channels + c];
            for (int c = 0; c < channels; ++c) *out++ = narrowed(sum[c]);
        }
    }
}

// The values go by in blocks whose sums stay in registers.
inline void down_portable(const uint8_t* source, size_t stride, uint8_t* target, size_t values, const int32_t* weight,
                          int count) {
    constexpr size_t block = 64;
    for (size_t place = 0; place < values; place += block) {
        int32_t sum[block];
        for (size_t i = 0; i < block; ++i) sum[i] = kHalf;
        const uint8_t* row = source + place;
        for (int t = 0; t < count; ++t, row += stride)
            for (size_t i = 0; i < block; ++i) sum[i] += weight[t] * row[i];
        uint8_t bytes[block];
        for (size_t i = 0; i < block; ++i) bytes[i] = narrowed(sum[i]);
        std::memcpy(target + place, bytes, values - place < block ? values - place : block);
    }
}

}  // namespace
}  // namespace pellucid
