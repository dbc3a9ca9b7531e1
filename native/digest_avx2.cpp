// 128 bytes at a time, in eight registers.
#include <immintrin.h>

#include <cstring>

#include "digest.h"
#include "digest_folding.h"

namespace pellucid {

namespace {

constexpr size_t kBlock = 128, kRegisters = kBlock / 16;
constexpr uint64_t kLow = fold_low(kBlock), kHigh = fold_high(kBlock);

inline __m128i folded(__m128i bytes, __m128i factors, __m128i next) {
    const __m128i low = _mm_clmulepi64_si128(bytes, factors, 0x00);
    const __m128i high = _mm_clmulepi64_si128(bytes, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

inline __m128i loaded(const uint8_t* bytes) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)); }

void add(uint64_t* sums, const uint8_t* bytes) {
    for (size_t j = 0; j < kBlock / 32; ++j) {
        auto* lane = reinterpret_cast<__m256i*>(sums + 4 * j);
        const auto next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32 * j));
        _mm256_storeu_si256(lane, _mm256_add_epi64(_mm256_loadu_si256(lane), next));
    }
}

}  // namespace

uint32_t crc_and_sums_avx2(const uint8_t* bytes, size_t size, uint64_t* sums) {
    constexpr size_t row = kLanes * 8;
    static_assert(row % kBlock == 0);
    std::memset(sums, 0, row);
    const size_t whole = size / kBlock * kBlock, in_rows = size / row * row;
    if (whole < kBlock) return ~crc_on(0xFFFFFFFF, bytes, size);

    const __m128i factors = _mm_set_epi64x(kHigh, kLow);
    __m128i sum[kRegisters];
    for (size_t j = 0; j < kRegisters; ++j) sum[j] = loaded(bytes + 16 * j);
    // The CRC begins with all bits set; zeros in front would otherwise not count.
    sum[0] = _mm_xor_si128(sum[0], _mm_cvtsi32_si128(-1));
    if (in_rows) add(sums, bytes);
    for (size_t place = kBlock; place < whole; place += kBlock) {
        for (size_t j = 0; j < kRegisters; ++j) sum[j] = folded(sum[j], factors, loaded(bytes + place + 16 * j));
        if (place < in_rows) add(sums + place % row / 8, bytes + place);
    }
    uint8_t left[kBlock];
    for (size_t j = 0; j < kRegisters; ++j) _mm_storeu_si128(reinterpret_cast<__m128i*>(left + 16 * j), sum[j]);
    return ~crc_on(crc_on(0, left, kBlock), bytes + whole, size - whole);
}

}  // namespace pellucid
