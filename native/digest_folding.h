// CRC-32 by carry-less multiplication: the bytes so far, as a polynomial over GF(2), stay congruent modulo the CRC's
// while they are folded onto the next block (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using
// PCLMULQDQ Instruction", Intel 2009). The block that is left over goes through the usual table.
#pragma once

#include <cstddef>
#include <cstdint>

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

// What the two halves of 16 bytes are multiplied by to stand `bytes` further on.
constexpr uint64_t fold_low(int bytes) { return power_of_x(8 * bytes + 32); }
constexpr uint64_t fold_high(int bytes) { return power_of_x(8 * bytes - 32); }

}  // namespace

}  // namespace pellucid
