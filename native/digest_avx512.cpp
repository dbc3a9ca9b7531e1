// CRC-32 by carry-less multiplication: the bytes so far, as a polynomial over GF(2), stay congruent modulo the CRC's
// while they are folded onto the next 256 (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using
// PCLMULQDQ Instruction", Intel 2009). The 256 bytes that are left over go through the usual table.
#include <immintrin.h>

#include <cstring>

#include "digest.h"

namespace pellucid {

namespace {

constexpr uint32_t kPolynomial = 0xEDB88320;  // of CRC-32, its lowest power in the highest bit

// x^power modulo the CRC's polynomial, reflected like that, one bit further up as products of reflected numbers need it.
constexpr uint64_t power_of_x(int power) {
    uint32_t value = 0x80000000;
    for (int i = 0; i < power; ++i) value = (value >> 1) ^ (value & 1 ? kPolynomial : 0);
    return static_cast<uint64_t>(value) << 1;
}

struct Table {
    uint32_t of[256];
    constexpr Table() : of() {
        for (uint32_t byte = 0; byte < 256; ++byte) {
            uint32_t value = byte;
            for (int i = 0; i < 8; ++i) value = (value >> 1) ^ (value & 1 ? kPolynomial : 0);
            of[byte] = value;
        }
    }
};
constexpr Table kTable;

uint32_t crc_on(uint32_t crc, const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ kTable.of[(crc ^ bytes[i]) & 255];
    return crc;
}

constexpr size_t kBlock = 256;
constexpr uint64_t kLow = power_of_x(8 * kBlock + 32), kHigh = power_of_x(8 * kBlock - 32);

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
