// 256 bytes at a time, in four registers.
#include <immintrin.h>

#include <cstring>

#include "digest.h"
#include "digest_folding.h"

namespace pellucid {

namespace {

constexpr size_t kBlock = 256;
constexpr uint64_t kLow = fold_low(kBlock), kHigh = fold_high(kBlock);

inline __m512i folded(__m512i bytes, __m512i factors, __m512i next) {
    const __m512i low = _mm512_clmulepi64_epi128(bytes, factors, 0x00);
    const __m512i high = _mm512_clmulepi64_epi128(bytes, factors, 0x11);
    return _mm512_ternarylogic_epi64(low, high, next, 0x96);  // all three, exclusive or
}

}  // namespace

uint32_t crc_and_sums_avx512(const uint8_t* bytes, size_t size, uint64_t* sums) {
    constexpr size_t row = kLanes * 8;
    static_assert(row % kBlock == 0);
    std::memset(sums, 0, row);
    const size_t whole = size / kBlock * kBlock, in_rows = size / row * row;
    if (whole < kBlock) return ~crc_on(0xFFFFFFFF, bytes, size);

    const __m512i factors = _mm512_set4_epi64(kHigh, kLow, kHigh, kLow);
    // The CRC begins with all bits set; zeros in front would otherwise not count.
    __m512i sum[4] = {_mm512_zextsi128_si512(_mm_cvtsi32_si128(-1)), _mm512_setzero_si512(), _mm512_setzero_si512(),
                      _mm512_setzero_si512()};
    for (int j = 0; j < 4; ++j) sum[j] = _mm512_xor_si512(sum[j], _mm512_loadu_si512(bytes + 64 * j));
    for (size_t place = 0; place < whole; place += kBlock) {
        for (size_t j = 0; j < 4; ++j) {
            const __m512i next = _mm512_loadu_si512(bytes + place + 64 * j);
            if (place) sum[j] = folded(sum[j], factors, next);
            if (place < in_rows) {
                uint64_t* lane = sums + place % row / 8 + 8 * j;
                _mm512_storeu_si512(lane, _mm512_add_epi64(_mm512_loadu_si512(lane), next));
            }
        }
    }
    uint8_t left[kBlock];
    for (int j = 0; j < 4; ++j) _mm512_storeu_si512(left + 64 * j, sum[j]);
    return ~crc_on(crc_on(0, left, kBlock), bytes + whole, size - whole);
}

}  // namespace pellucid
