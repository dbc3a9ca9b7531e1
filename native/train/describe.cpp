#include "describe.h"

#include <algorithm>

namespace pellucid::train {
namespace {

std::string times(int64_t a, const char* what, int64_t b, const char* other) {
    return std::to_string(a) + what + " x " + std::to_string(b) + other;
}

std::string kernel_of(const Step& s, const Kernels& k, bool precise) {
    const std::string lanes = std::to_string(k.width) + " lanes";
    if (precise && (s.kind == Kind::conv || s.kind == Kind::norm)) return "float64 sums, " + lanes;
    if (s.kind == Kind::dense) return times(k.dense_outputs, " outputs", kBlock, " pictures in ") + lanes;
    if (s.kind != Kind::conv) return "each value, " + lanes;
    if (s.winograd.side) {
        const std::string side = std::to_string(s.winograd.side), taps = std::to_string(s.kernel[0]);
        if (s.winograd.side == 1) return times(k.conv_outputs, " outputs", k.conv_columns * k.width, " values");
        return "Winograd F(" + side + "x" + side + ", " + taps + "x" + taps + (s.stride[0] > 1 ? ", stride 2), " : "), ") + lanes;
    }
    const Axis& x = s.forward.x;
    const bool known = x.in_step == 1 && x.in_tap == 1 && (x.taps == 3 || x.taps == 5);
    return times(std::min<int64_t>(k.conv_outputs, s.forward.outputs), " outputs", k.conv_columns, " columns in ") +
           lanes + (known ? ", rows of " + std::to_string(x.taps) + " unrolled" : ", any kernel");
}

const char* word(Kind kind) {
    switch (kind) {
        case Kind::conv: return "convolution";
        case Kind::dense: return "dense";
        case Kind::curve: return "activation";
        case Kind::max_pool: return "largest of windows";
        case Kind::mean_pool: return "mean of windows";
        case Kind::norm: return "normalisation";
        case Kind::add: return "sum";
        case Kind::concat: return "side by side";
        case Kind::dropout: return "dropout";
        case Kind::copy: return "copy";
        case Kind::pad: return "border";
    }
    return "";
}

}  // namespace

std::vector<Description> describe(const Network& network, const Kernels& kernels) {
    std::vector<Description> found;
    constexpr int64_t kFloat = sizeof(float);
    for (const Step& s : network.steps) {
        const Tensor &in = network.tensors[s.in[0]], &out = network.tensors[s.out];
        Description d{s.layers, word(s.kind), kernel_of(s, kernels, network.precise), out.channels, out.rows, out.columns, 0, 0, 0, 0, 0};
        if (s.pooled) d.what += ", largest of 2x2";
        if (s.kind == Kind::norm && s.in.size() > 1) d.what += ", sum";
        if (s.relu) d.what += ", ReLU";
        const bool in_place = s.in[0] == s.out;
        if (in_place) d.what += ", in place";
        if (!in_place) d.value_bytes = out.floats(out.halo) * kFloat;
        for (const int t : {in_place ? -1 : s.out, s.full})
            if (t >= 0 && network.needs[t])
                d.gradient_bytes += network.tensors[t].floats(network.tensors[t].gradient_halo) * kFloat;
        int64_t sums = 0;  // products a picture
        if (s.kind == Kind::conv) {
            const int64_t taps = s.forward.inputs * s.kernel[0] * s.kernel[1];
            sums = taps * out.channels * s.forward.y.count * s.forward.x.count;
            d.weight_bytes = (taps + (s.bias >= 0)) * out.channels * kFloat;
        } else if (s.kind == Kind::dense) {
            sums = in.values() * out.channels;
            d.weight_bytes = (sums + (s.bias >= 0 ? out.channels : 0)) * kFloat;
        } else if (s.kind == Kind::norm) {
            d.weight_bytes = 4 * in.channels * kFloat;
        }
        d.forward = 2 * sums;
        d.back = 2 * sums * ((s.frozen ? 0 : 1) + (s.wanted[0] ? 1 : 0));
        found.push_back(std::move(d));
    }
    return found;
}

}  // namespace pellucid::train
