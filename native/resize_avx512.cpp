// Four rows at a time, a quarter of a register each. Weights are split into three bytes, as vpdpbusd adds four
// products of a byte and a signed byte: weight = a * 65536 + b * 256 + c with -128 <= b, c <= 127.
#include <immintrin.h>

#include "resize_portable.h"

namespace pellucid {

namespace {

// For each output and every four taps: their four a, their four b, their four c.
void pack(const Taps& axis, int32_t* packed) {
    const int groups = (axis.taps + 3) / 4;
    for (size_t x = 0; x < axis.length; ++x)
        for (int t = 0; t < axis.count[x]; ++t) {
            const int32_t weight = axis.weight[x * axis.taps + t];
            const int32_t c = ((weight + 128) & 255) - 128;
            const int32_t rest = (weight - c) >> 8;
            const int32_t b = ((rest + 128) & 255) - 128;
            const int32_t a = (rest - b) >> 8;
            auto* three = reinterpret_cast<int8_t*>(&packed[(x * groups + t / 4) * 3]) + t % 4;
            three[0] = static_cast<int8_t>(a);
            three[4] = static_cast<int8_t>(b);
            three[8] = static_cast<int8_t>(c);
        }
}

inline __m512i four_rows(const uint8_t* row, size_t stride) {
    const auto* p = row;
    __m512i rows = _mm512_castsi128_si512(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + stride)), 1);
    rows = _mm512_inserti32x4(rows, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 2 * stride)), 2);
    return _mm512_inserti32x4(rows, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 3 * stride)), 3);
}

void across_colour(const uint8_t* source, size_t source_stride, uint8_t* target, size_t target_stride, int64_t rows,
                   const Taps& axis, const int32_t* packed) {
    const size_t width = axis.length;
    const int groups = (axis.taps + 3) / 4;
    // Four pixels of one row: their red, their green, their blue.
    const __m512i by_channel =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1));
    const __m512i half = _mm512_set1_epi32(kHalf);
    for (int64_t y = 0; y + 4 <= rows; y += 4) {
        const uint8_t* row = source + static_cast<size_t>(y) * source_stride;
        uint8_t* out = target + static_cast<size_t>(y) * target_stride;
        for (size_t x = 0; x < width; ++x) {
            const uint8_t* pixel = row + static_cast<size_t>(axis.first[x]) * 3;
            const int32_t* weight = packed + x * groups * 3;
            const int here = (axis.count[x] + 3) / 4;
            __m512i a = _mm512_setzero_si512(), b = _mm512_setzero_si512(), c = half;
            for (int g = 0; g < here; ++g, pixel += 12, weight += 3) {
                const __m512i pixels = _mm512_shuffle_epi8(four_rows(pixel, source_stride), by_channel);
                a = _mm512_dpbusd_epi32(a, pixels, _mm512_set1_epi32(weight[0]));
                b = _mm512_dpbusd_epi32(b, pixels, _mm512_set1_epi32(weight[1]));
                c = _mm512_dpbusd_epi32(c, pixels, _mm512_set1_epi32(weight[2]));
            }
            const __m512i sum = _mm512_srai_epi32(
                _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(a, 16), _mm512_slli_epi32(b, 8)), c), kBits);
            alignas(16) int32_t bytes[4];
            _mm_store_si128(reinterpret_cast<__m128i*>(bytes), _mm512_cvtusepi32_epi8(sum));
            for (int r = 0; r < 4; ++r)
                std::memcpy(out + static_cast<size_t>(r) * target_stride + x * 3, &bytes[r], 4);
        }
    }
    const int64_t done = rows / 4 * 4;
    across_portable<3>(source + static_cast<size_t>(done) * source_stride, source_stride,
                       target + static_cast<size_t>(done) * target_stride, target_stride, rows - done, axis);
}

void across(const uint8_t* source, size_t source_stride, uint8_t* target, size_t target_stride, int64_t rows,
            const Taps& axis, const int32_t* packed, int channels) {
    if (channels == 3)
        across_colour(source, source_stride, target, target_stride, rows, axis, packed);
    else
        across_portable<1>(source, source_stride, target, target_stride, rows, axis);
}

}  // namespace

const Kernels& avx512_kernels() {
    static const Kernels kernels{"AVX-512", 3, pack, across, down_portable};
    return kernels;
}

}  // namespace pellucid
