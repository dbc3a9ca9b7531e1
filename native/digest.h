// What picture_digest (pellucid/images/reading.py) sums up of a large picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pellucid {

constexpr size_t kLanes = 512;

// The CRC-32 (zlib's) of `size` bytes, and in `sums` the sums modulo 2^64 of every 512th group of eight bytes, over as
// many whole rows of 512 groups as there are.
using CrcAndSums = uint32_t (*)(const uint8_t* bytes, size_t size, uint64_t* sums);

struct Digest {
    const char* name;
    CrcAndSums run;
};
// What this processor can run, the quickest last; none where zlib's own is as good.
std::vector<Digest> usable_digests();

#ifdef PELLUCID_X86
uint32_t crc_and_sums_avx2(const uint8_t* bytes, size_t size, uint64_t* sums);
uint32_t crc_and_sums_avx512(const uint8_t* bytes, size_t size, uint64_t* sums);
#endif

}  // namespace pellucid
