// BLAKE2b without a key (RFC 7693, "The BLAKE2 Cryptographic Hash and Message Authentication Code"), for many short
// messages: Python's own takes longer to be called than to compute.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pellucid {

constexpr size_t kBlakeLongest = 64;

// `length` bytes (1 to 64) of the hash of `prefix` and `message`, one after the other.
void blake2b(const uint8_t* prefix, size_t prefix_size, const uint8_t* message, size_t size, uint8_t* out,
             size_t length);

}  // namespace pellucid
