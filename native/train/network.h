// Training: a network as it is built up from Python, layer by layer, and what then follows from it.
#pragma once
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "plan.h"

namespace pellucid::train {

// Between two places of a worker's memory, where the address sanitizer watches it: a kernel has no business there.
#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kGap = 16 * kBlock;
#else
constexpr int64_t kGap = 0;
#endif

struct Network {
    std::vector<Tensor> tensors;  // the first is the input
    std::vector<Step> steps;
    std::vector<char> needs;      // whether a tensor's gradient is computed
    std::vector<char> hidden;     // whether its values are never kept
    int64_t weights = 0;          // floats learned or frozen; running statistics come after them
    int64_t statistics = 0;
    int64_t packed = 0;           // floats of all packed weights
    int64_t sums = 0;             // and of the gradients' sums at the points of convolutions by tiles
    int64_t moments = 0;          // channels normalised, all layers together
    std::vector<int64_t> gaps;    // where those begin
    int64_t scratch = 0;          // floats that a worker needs beside its values
    int output = -1;
    bool precise = false;         // sums are of float64: see precise.h

    int tensor(int64_t channels, int64_t rows, int64_t columns, int64_t halo, int64_t gradient_halo);

    // Checks that all fits together (std::invalid_argument), and works out what Step says.
    void finish(const Kernels& kernels);

    // Where every value and gradient of `piece` blocks lies in a worker's memory, and how many floats that takes.
    int64_t place(int64_t piece);

   private:
    int64_t place_gradients(int64_t from, int64_t piece);
    int64_t behind(int64_t floats);
    void check(const Step& step) const;
    bool wants_precision() const;
    void fuse();
    void narrow();
    void finish_conv(Step& step, const Kernels& kernels);
    void finish_winograd(Step& step, const Kernels& kernels);
};

// A packed layer's weights, from the flat ones: forward and, where its input's gradient is wanted, back.
void pack(const Network& network, const Step& step, const Kernels& kernels, const float* weights, float* packed,
          bool back);

}  // namespace pellucid::train
