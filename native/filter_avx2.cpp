#include <immintrin.h>

#include "filter.h"

namespace pellucid {

namespace {

constexpr size_t kLanes8 = 8, kSums = 8;  // enough sums under way to hide the time that a product takes

void accumulate(const float* const* taps, const float* weights, size_t count, float* out, size_t length) {
    size_t x = 0;
    for (; x + kLanes8 * kSums <= length; x += kLanes8 * kSums) {
        __m256 sum[kSums];
        for (size_t i = 0; i < kSums; ++i) sum[i] = _mm256_setzero_ps();
        for (size_t t = 0; t < count; ++t) {
            const __m256 weight = _mm256_broadcast_ss(weights + t);
            const float* tap = taps[t] + x;
            for (size_t i = 0; i < kSums; ++i)
                sum[i] = _mm256_fmadd_ps(weight, _mm256_loadu_ps(tap + i * kLanes8), sum[i]);
        }
        for (size_t i = 0; i < kSums; ++i) _mm256_storeu_ps(out + x + i * kLanes8, sum[i]);
    }
    for (; x < length; x += kLanes8) {
        __m256 sum = _mm256_setzero_ps();
        for (size_t t = 0; t < count; ++t)
            sum = _mm256_fmadd_ps(_mm256_broadcast_ss(weights + t), _mm256_loadu_ps(taps[t] + x), sum);
        alignas(32) float last[kLanes8];
        _mm256_store_ps(last, sum);
        for (size_t i = 0; i < kLanes8 && x + i < length; ++i) out[x + i] = last[i];
    }
}

void widen(const uint8_t* from, float* to, size_t count) {
    size_t i = 0;
    for (; i + kLanes8 <= count; i += kLanes8) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + i));
        _mm256_storeu_ps(to + i, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)));
    }
    for (; i < count; ++i) to[i] = from[i];
}

}  // namespace

const FilterKernels& avx2_filter_kernels() {
    static const FilterKernels kernels{"AVX2", accumulate, widen};
    return kernels;
}

}  // namespace pellucid
