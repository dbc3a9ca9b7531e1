// Training: a finished network's steps in words, for people.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "network.h"

namespace pellucid::train {

struct Description {
    std::vector<int> layers;
    std::string what, kernel;
    int64_t channels, rows, columns;                       // of the output
    int64_t value_bytes, gradient_bytes, weight_bytes;     // values and gradients of a block of 16 pictures
    int64_t forward, back;                                 // FLOP a picture, a product and a sum each one
};

std::vector<Description> describe(const Network& network, const Kernels& kernels);

}  // namespace pellucid::train
