// Two rows at a time: a pixel's three sums stand in one half of a register, the other row's in the other half.
#include <immintrin.h>

#include "resize_portable.h"

namespace pellucid {

namespace {

// Weights are split into 11 + 11 bits, as only products of 16-bit numbers can be added in pairs. For each output
// and every four taps: upper halves of taps 0 and 1, of 2 and 3, lower halves of 0 and 1, of 2 and 3.
void pack(const Taps& axis, int32_t* packed) {
    const int groups = (axis.taps + 3) / 4;
    for (size_t x = 0; x < axis.length; ++x)
        for (int t = 0; t < axis.count[x]; ++t) {
            const int32_t weight = axis.weight[x * axis.taps + t];
            int32_t* four = &packed[(x * groups + t / 4) * 4 + (t & 3) / 2];
            const int shift = (t & 1) * 16;
            four[0] |= (weight >> 11) << shift;
            four[2] |= (weight & 2047) << shift;
        }
}

inline __m256i two_rows(const uint8_t* row, size_t stride) {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row))),
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + stride)), 1);
}

void across_colour(const uint8_t* source, size_t source_stride, uint8_t* target, size_t target_stride, int64_t rows,
                   const Taps& axis, const int32_t* packed) {
    const size_t width = axis.length;
    const int groups = (axis.taps + 3) / 4;
    // Bytes of two pixels as pairs of 16-bit numbers: red of both, green of both, blue of both.
    const __m256i first_two = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const __m256i last_two = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
    const __m256i half = _mm256_set1_epi32(kHalf);
    for (int64_t y = 0; y + 2 <= rows; y += 2) {
        const uint8_t* row = source + static_cast<size_t>(y) * source_stride;
        uint8_t* out = target + static_cast<size_t>(y) * target_stride;
        for (size_t x = 0; x < width; ++x) {
            const uint8_t* pixel = row + static_cast<size_t>(axis.first[x]) * 3;
            const int32_t* weight = packed + x * groups * 4;
            const int here = (axis.count[x] + 3) / 4;
            __m256i upper = _mm256_setzero_si256(), lower = half;
            for (int g = 0; g < here; ++g, pixel += 12, weight += 4) {
                const __m256i pixels = two_rows(pixel, source_stride);
                const __m256i a = _mm256_shuffle_epi8(pixels, first_two);
                const __m256i b = _mm256_shuffle_epi8(pixels, last_two);
                upper = _mm256_add_epi32(upper, _mm256_madd_epi16(a, _mm256_set1_epi32(weight[0])));
                upper = _mm256_add_epi32(upper, _mm256_madd_epi16(b, _mm256_set1_epi32(weight[1])));
                lower = _mm256_add_epi32(lower, _mm256_madd_epi16(a, _mm256_set1_epi32(weight[2])));
                lower = _mm256_add_epi32(lower, _mm256_madd_epi16(b, _mm256_set1_epi32(weight[3])));
            }
            const __m256i sum = _mm256_srai_epi32(_mm256_add_epi32(_mm256_slli_epi32(upper, 11), lower), kBits);
            const __m256i bytes = _mm256_packus_epi16(_mm256_packus_epi32(sum, sum), sum);
            const int32_t one = _mm256_cvtsi256_si32(bytes);
            const int32_t other = _mm_cvtsi128_si32(_mm256_extracti128_si256(bytes, 1));
            std::memcpy(out + x * 3, &one, 4);
            std::memcpy(out + target_stride + x * 3, &other, 4);
        }
    }
    if (rows % 2)
        across_portable<3>(source + static_cast<size_t>(rows - 1) * source_stride, source_stride,
                           target + static_cast<size_t>(rows - 1) * target_stride, target_stride, 1, axis);
}

void across(const uint8_t* source, size_t source_stride, uint8_t* target, size_t target_stride, int64_t rows,
            const Taps& axis, const int32_t* packed, int channels) {
    if (channels == 3)
        across_colour(source, source_stride, target, target_stride, rows, axis, packed);
    else
        across_portable<1>(source, source_stride, target, target_stride, rows, axis);
}

}  // namespace

const Kernels& avx2_kernels() {
    static const Kernels kernels{"AVX2", 4, pack, across, down_portable};
    return kernels;
}

}  // namespace pellucid
