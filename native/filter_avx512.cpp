#include <immintrin.h>

#include "filter.h"

namespace pellucid {

namespace {

constexpr size_t kLanes16 = 16, kSums = 8;  // enough sums under way to hide the time that a product takes

void accumulate(const float* const* taps, const float* weights, size_t count, float* out, size_t length) {
    size_t x = 0;
    for (; x + kLanes16 * kSums <= length; x += kLanes16 * kSums) {
        __m512 sum[kSums];
        for (size_t i = 0; i < kSums; ++i) sum[i] = _mm512_setzero_ps();
        for (size_t t = 0; t < count; ++t) {
            const __m512 weight = _mm512_set1_ps(weights[t]);
            const float* tap = taps[t] + x;
            for (size_t i = 0; i < kSums; ++i)
                sum[i] = _mm512_fmadd_ps(weight, _mm512_loadu_ps(tap + i * kLanes16), sum[i]);
        }
        for (size_t i = 0; i < kSums; ++i) _mm512_storeu_ps(out + x + i * kLanes16, sum[i]);
    }
    for (; x < length; x += kLanes16) {
        const size_t here = length - x < kLanes16 ? length - x : kLanes16;
        const __mmask16 mask = static_cast<__mmask16>((1u << here) - 1);
        __m512 sum = _mm512_setzero_ps();
        for (size_t t = 0; t < count; ++t)
            sum = _mm512_fmadd_ps(_mm512_set1_ps(weights[t]), _mm512_maskz_loadu_ps(mask, taps[t] + x), sum);
        _mm512_mask_storeu_ps(out + x, mask, sum);
    }
}

void widen(const uint8_t* from, float* to, size_t count) {
    size_t i = 0;
    for (; i + kLanes16 <= count; i += kLanes16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
        _mm512_storeu_ps(to + i, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)));
    }
    for (; i < count; ++i) to[i] = from[i];
}

}  // namespace

const FilterKernels& avx512_filter_kernels() {
    static const FilterKernels kernels{"AVX-512", accumulate, widen};
    return kernels;
}

}  // namespace pellucid
