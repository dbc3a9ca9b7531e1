// Training: the table of what is compiled once for each set of instructions.
#pragma once
#include <cstdint>

#include "plan.h"

namespace pellucid::train {

struct Pictures {
    const uint8_t* pixels;  // [n][rows][columns][channels]
    int64_t channels, rows, columns;
    const float *scale, *shift;  // [channels]
};

// How one picture is changed on its way in; see Augmentation in contract.py.
struct Variation {
    const float* affine;  // [2][3], or null: as it is
    float gain, offset;
    const int32_t* erase;  // [4]
};

// Muon's rate, as a multiple of the rate that AdamW has for the rest and weight decay for everything.
constexpr float kMuonRate = 8.0f;

// Floats of Muon's scratch for a matrix.
inline int64_t muon_scratch(int64_t rows, int64_t columns) {
    const auto up = [](int64_t n) { return (n + kBlock - 1) / kBlock * kBlock; };
    const int64_t least = up(rows < columns ? rows : columns);
    return 3 * up(rows) * up(columns) + 2 * least * least;
}

struct StepSize {
    int kind;  // 0 Adam, 1 AdamW, 2 SGD, 3 Muon
    float rate, momentum, beta2, epsilon, decay;
    float correction1, correction2;  // 1 - beta1^t, sqrt(1 - beta2^t)
    float clip;                      // factor of the gradient
    float follow;                    // how far the average goes to the new weight; 0: there is none
};

struct Loss {
    const float* class_weights;  // [classes] or null
    float smoothing;
    double total;
    int64_t correct;
};

// What comes back to a layer: the slopes of its outputs; or, where only the largest of each 2x2 went on, the slopes
// of those, with the winners uint8 [blocks][channels][rows][columns][16] that tell which place each belongs to.
struct Slopes {
    View view;
    const uint8_t* winners = nullptr;
};

// What normalisation keeps of a channel between forward and back.
struct Moments {
    float mean, rest, inverse;  // `rest`: what a float of the mean's size couldn't hold of it
};

// The same in float64; `count` values are behind it, 0: it is the running statistics.
struct Precise {
    double mean, inverse, count;
};

struct Kernels {
    const char* name;
    int width;           // floats in a register
    int conv_outputs;    // outputs of a packed tile of a convolution
    int conv_columns;    // and its columns at most
    int dense_outputs;   // and of a dense layer
    int panel_inputs;    // width of a panel of a dense layer's inputs
    int panel_outputs;   // and of its output gradients

    void (*load)(const Pictures&, const int64_t* rows, const Variation*, int64_t live, const View& out, float* scratch);
    void (*convolve)(const Sweep&, const View& in, const View& out, int64_t blocks);
    void (*convolve_pool)(const Sweep&, const View& in, const View& out, int64_t blocks, bool relu, uint8_t* winners,
                          float* scratch);
    void (*convolve_weights)(const Sweep&, const View& in, const Slopes&, int64_t blocks, float* scratch,
                             float* weights, float* bias);
    void (*winograd)(const Winograd&, const View& in, const View& out, int64_t blocks, bool relu, uint8_t* winners,
                     float* scratch);
    void (*winograd_slopes)(const Winograd&, const View& in, const Slopes&, const View& in_gradient, int64_t blocks,
                            bool add, float* scratch, float* sums, float* bias);
    void (*winograd_pack)(const Winograd&, const float* weights, float* packed, bool back);
    void (*winograd_weights)(const Winograd&, const float* sums, float* weights);
    void (*expand)(const Slopes&, const View& out, int64_t blocks, float* bias);
    void (*sum_planes)(const View& gradient, int64_t blocks, float* bias);
    void (*dense)(const float* weights, const float* bias, int64_t inputs, int64_t outputs, const float* in, float* out,
                  bool add);
    void (*panels)(const float* values, int64_t count, int64_t width, float* panels, int64_t block, int64_t blocks);
    void (*dense_weights)(const float* in, const float* gradient, int64_t inputs, int64_t outputs, int64_t first,
                          int64_t last, int64_t blocks, float* weights, float* bias);
    void (*curve)(Curve, float slope, const View& in, const View& out, int64_t blocks);
    void (*curve_back)(Curve, float slope, const View& in, const View& out, const View& out_gradient,
                       const View& in_gradient, int64_t blocks, bool add);
    void (*max_pool)(const Windows&, const View& in, const View& out, int64_t blocks);
    void (*max_pool_back)(const Windows&, const View& in, const View& out, const View& out_gradient,
                          const View& in_gradient, int64_t blocks, bool add);
    void (*mean_pool)(const Windows&, const View& in, const View& out, int64_t blocks);
    void (*mean_pool_back)(const Windows&, const View& out_gradient, const View& in_gradient, int64_t blocks, bool add);
    void (*moments)(const View& in, int64_t blocks, const int* live, int64_t channel, float centre, float sums[2]);
    void (*affine)(const View& in, const View& other, const View& out, int64_t blocks, int64_t channel, float centre, float factor,
                   float term, bool relu);
    void (*affine_pool)(const View& in, const View& out, int64_t blocks, int64_t channel, float centre, float factor,
                        float term, bool relu, uint8_t* winners);
    void (*norm_back)(const View& in, const View& out, const Slopes&, bool relu, const View& in_gradient,
                      const View& other_gradient, bool other_add, int64_t blocks, const int* live, int64_t channel, Moments, float weight, float count, bool add,
                      float* weight_sum, float* bias_sum);
    void (*convolve_precise)(const Sweep&, const View& in, const View& out, int64_t blocks);
    void (*moments_precise)(const View& in, int64_t blocks, const int* live, int64_t channel, double count, double found[2]);
    void (*norm_precise)(const View& in, const View& out, int64_t blocks, int64_t channel, const Precise&, float weight,
                         float bias);
    void (*norm_back_precise)(const View& in, const View& slopes, const View& to, int64_t blocks, const int* live,
                              int64_t channel, const Precise&, float weight, bool add, float* weight_sum,
                              float* bias_sum);
    void (*copy)(const View& in, const View& out, int64_t blocks, bool add);  // of one shape
    void (*pad)(const int32_t* rows, const int32_t* columns, const View& in, const View& out, int64_t blocks);
    void (*pad_back)(const int32_t* rows, const int32_t* columns, const View& out, const View& in, int64_t blocks,
                     bool add);
    void (*dropout)(uint64_t key, float rate, const int64_t* places, const View& in, const View& out, bool add);
    void (*cross_entropy)(const float* logits, int64_t classes, const int64_t* labels, int64_t live, float scale, Loss&,
                          float* gradient);
    void (*sum_groups)(const float* const* groups, int64_t count, int64_t n, float* total);
    double (*squares)(const float* values, int64_t n);
    void (*optimise)(const StepSize&, int64_t n, float* weights, const float* gradient, float* moment1, float* moment2,
                     float* average);
    void (*muon)(const StepSize&, int64_t rows, int64_t columns, float* weights, const float* gradient, float* moment,
                 float* average, float* scratch);
    void (*follow)(float part, int64_t n, const float* values, float* average);
};

// What is compiled in and runs here, the best last.
const std::vector<const Kernels*>& usable();

}  // namespace pellucid::train
