// Cross-correlation of pictures, channel last, uint8 or float32, with one small kernel; answers are float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pellucid {

// What stands outside the picture: zeros, the picture mirrored at its outermost pixels, or those pixels again.
enum class Border { zero, reflect, replicate };

// A kernel on its way over a picture. Pairs are (down, across). `before` is the padding above and to the left; what is
// needed below and to the right follows from the answer's size.
struct Slide {
    int64_t height, width, channels;
    int64_t rows, columns;  // of the answer
    int64_t kernel_height, kernel_width;
    int64_t stride[2], dilation[2], before[2];
    Border border;
    bool volume;  // one kernel plane for each channel, answers added; else one plane for all, answers apart
    int threads;
};

// What one set of instructions provides. Its files are compiled for processors that this one may not be, so nothing of
// the standard library that the linker could share may be compiled in them.
struct FilterKernels {
    const char* name;
    // out[i] = sum over t of weights[t] * taps[t][i], for i < length, in the order of t. Behind each tap's last value
    // kFilterSlack more may be read.
    void (*accumulate)(const float* const* taps, const float* weights, size_t count, float* out, size_t length);
    void (*widen)(const uint8_t* from, float* to, size_t count);
};

constexpr size_t kFilterSlack = 64;

const FilterKernels& generic_filter_kernels();
#ifdef PELLUCID_X86
const FilterKernels& avx2_filter_kernels();
const FilterKernels& avx512_filter_kernels();
#endif

// The sets of instructions that this processor has, best last.
std::vector<const FilterKernels*> usable_filter_kernels();

// `weights` [channels of a volume or 1, kernel_height, kernel_width], `target` [rows, columns, channels or 1].
void correlate(const uint8_t* pixels, const Slide& slide, const float* weights, float* target,
               const FilterKernels& kernels);
void correlate(const float* pixels, const Slide& slide, const float* weights, float* target,
               const FilterKernels& kernels);

}  // namespace pellucid
