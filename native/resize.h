// Antialiased linear resizing of uint8 pictures, channel last, with the bits of onnxruntime's
// Resize(mode=linear, antialias=1, exclude_outside=1, half_pixel).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pellucid {

// How one axis is resampled. Output i is the sum over t < count[i] of weight[i * taps + t] * input[first[i] + t],
// plus a half, in 22-bit fixed point; weights behind count[i] are zero.
struct Axis {
    int taps = 0;
    std::vector<int> first, count;
    std::vector<int32_t> weight;
};

constexpr int kBits = 22;
constexpr int32_t kHalf = 1 << (kBits - 1);

// The same, as kernels take it. Their files are compiled for processors that this one may not be, so nothing of the
// standard library that the linker could share may be compiled in them.
struct Taps {
    size_t length;
    int taps;
    const int* first;
    const int* count;
    const int32_t* weight;
};

// `length` outputs from place `offset` on, of `size` pixels resized to `resized`. Places before the first
// and behind the last repeat it.
Axis make_axis(int64_t size, int64_t resized, int64_t offset, int64_t length);

// Sixteen bytes and a little more may be read or written behind the last value of a row given to a kernel.
constexpr size_t kSlack = 64;

// What one set of instructions provides. Strides are in bytes.
struct Kernels {
    const char* name;
    // Of colour pictures `across` wants the weights packed: so many numbers for four taps, written over zeros.
    int packed_words;
    void (*pack)(const Taps& axis, int32_t* packed);
    // `rows` rows of `source` through `axis` into rows of `target`; both may be touched up to kSlack behind each row.
    void (*across)(const uint8_t* source, size_t source_stride, uint8_t* target, size_t target_stride, int64_t rows,
                   const Taps& axis, const int32_t* packed, int channels);
    // One row of `values` values from `count` rows of `source`, each with its weight; `target` is not touched behind.
    void (*down)(const uint8_t* source, size_t stride, uint8_t* target, size_t values, const int32_t* weight,
                 int count);
};

const Kernels& generic_kernels();
#ifdef PELLUCID_X86
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
#endif

// The sets of instructions that this processor has, best last.
std::vector<const Kernels*> usable_kernels();

struct Picture {
    const uint8_t* pixels;
    int64_t height, width;
    int channels;  // 1 or 3
};

// The part [height, width] from (top, left) on of `picture` resized to [resized_height, resized_width]; places
// outside repeat the border. `target` uint8 [height, width, channels].
void resize(const Picture& picture, int64_t resized_height, int64_t resized_width, int64_t top, int64_t left,
            int64_t height, int64_t width, uint8_t* target, const Kernels& kernels);

}  // namespace pellucid
