#include "blake2b.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace pellucid {
namespace {

constexpr size_t kBlock = 128;
constexpr uint64_t kStart[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
constexpr uint8_t kOrder[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

inline uint64_t word_at(const uint8_t* bytes) {  // lowest byte first
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}

inline void mix(uint64_t& a, uint64_t& b, uint64_t& c, uint64_t& d, uint64_t x, uint64_t y) {
    a += b + x;
    d = std::rotr(d ^ a, 32);
    c += d;
    b = std::rotr(b ^ c, 24);
    a += b + y;
    d = std::rotr(d ^ a, 16);
    c += d;
    b = std::rotr(b ^ c, 63);
}

template <int Round>
inline void round_of(uint64_t* v, const uint64_t* m) {
    constexpr const uint8_t* s = kOrder[Round % 10];
    mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
    mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
    mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
    mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
    mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
    mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
    mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
    mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
}

// `taken` bytes were read, this block's among them. Messages of 2^64 bytes and more are beyond any array.
void compress(uint64_t* state, const uint8_t* block, uint64_t taken, bool last) {
    uint64_t m[16], v[16];
    for (int i = 0; i < 16; ++i) m[i] = word_at(block + 8 * i);
    std::copy_n(state, 8, v);
    std::copy_n(kStart, 8, v + 8);
    v[12] ^= taken;
    if (last) v[14] = ~v[14];
    round_of<0>(v, m), round_of<1>(v, m), round_of<2>(v, m), round_of<3>(v, m);
    round_of<4>(v, m), round_of<5>(v, m), round_of<6>(v, m), round_of<7>(v, m);
    round_of<8>(v, m), round_of<9>(v, m), round_of<10>(v, m), round_of<11>(v, m);
    for (int i = 0; i < 8; ++i) state[i] ^= v[i] ^ v[i + 8];
}

}  // namespace

void blake2b(const uint8_t* prefix, size_t prefix_size, const uint8_t* message, size_t size, uint8_t* out,
             size_t length) {
    uint64_t state[8];
    std::copy_n(kStart, 8, state);
    state[0] ^= 0x01010000 ^ length;
    const size_t all = prefix_size + size;
    for (size_t at = 0; at == 0 || at < all; at += kBlock) {
        uint8_t block[kBlock] = {};
        const size_t end = std::min(at + kBlock, all);
        size_t from = at;
        if (from < prefix_size) {
            const size_t count = std::min(end, prefix_size) - from;
            std::memcpy(block, prefix + from, count);
            from += count;
        }
        if (from < end) std::memcpy(block + (from - at), message + (from - prefix_size), end - from);
        compress(state, block, end, end == all);
    }
    for (size_t i = 0; i < length; ++i) out[i] = static_cast<uint8_t>(state[i / 8] >> 8 * (i % 8));
}

}  // namespace pellucid
