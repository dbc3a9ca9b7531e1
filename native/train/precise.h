// Training: sums in float64, for small networks that normalise single values (Network::wants_precision). A channel then
// has no more values than there are pictures in a piece; where they hardly differ, normalisation divides what float32's
// rounding left in them by next to nothing. What is stored stays float32.
#pragma once

typedef float Half __attribute__((vector_size(PELLUCID_WIDTH * 2), may_alias));
typedef double D __attribute__((vector_size(PELLUCID_WIDTH * 4), may_alias));

PELLUCID_INLINE D load_double(const float* from) {
    return __builtin_convertvector(*reinterpret_cast<const Half*>(from), D);
}

// N outputs of a group at one place, for kWidth pictures; `y` and `x`: the taps that lie inside.
template <int N>
void precise_tile(const Sweep& s, const View& in, const float* from, const float* weights, const float* bias, Range y,
                  Range x, float* to, int64_t plane) {
    D sums[N][2];
    for (int o = 0; o < N; ++o) sums[o][0] = sums[o][1] = (bias ? static_cast<double>(bias[o]) : 0.0) - D{};
    const int64_t kernel = s.kernel_rows * s.kernel_columns;
    for (int64_t c = 0; c < s.inputs; ++c, from += in.plane, weights += kernel * N)
        for (int64_t j = y.first; j < y.last; ++j)
            for (int64_t k = x.first; k < x.last; ++k) {
                const int64_t row = s.y.tap0 + j * s.y.tap_step, column = s.x.tap0 + k * s.x.tap_step;
                const float* at = from + j * s.y.in_tap * in.row + k * s.x.in_tap * kBlock;
                const float* w = weights + (row * s.kernel_columns + column) * N;
                const D low = load_double(at), high = load_double(at + kWidth / 2);
                PELLUCID_UNROLL
                for (int o = 0; o < N; ++o) {
                    const D weight = static_cast<double>(w[o]) - D{};
                    sums[o][0] += weight * low;
                    sums[o][1] += weight * high;
                }
            }
    for (int o = 0; o < N; ++o)
        for (int half = 0; half < 2; ++half) {
            const Half values = __builtin_convertvector(sums[o][half], Half);
            __builtin_memcpy(to + o * plane + half * kWidth / 2, &values, sizeof values);
        }
}

using PreciseOf = void (*)(const Sweep&, const View&, const float*, const float*, const float*, Range, Range, float*,
                           int64_t);

template <int... N>
PELLUCID_INLINE PreciseOf precise_of(int64_t n, Numbers<N...>) {
    static constexpr PreciseOf tiles[] = {precise_tile<N + 1>...};
    return tiles[n - 1];
}

// A convolution as `convolve` has it.
void convolve_precise(const Sweep& s, const View& in, const View& out, int64_t blocks) {
    const int64_t kernel = s.kernel_rows * s.kernel_columns;
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t group = 0; group < s.groups; ++group)
            for (int64_t q = 0; q < s.y.count; ++q)
                for (int64_t p = 0; p < s.x.count; ++p) {
                    const Range y = taps_inside(s.y, q), x = taps_inside(s.x, p);
                    const float* from = in.at(b, group * s.inputs, s.y.in0 + q * s.y.in_step) +
                                        (s.x.in0 + p * s.x.in_step) * kBlock;
                    for (int64_t o = 0; o < s.outputs; o += kOutputs) {
                        const int64_t n = least(kOutputs, s.outputs - o), number = group * s.outputs + o;
                        const float* bias = s.bias ? s.bias + number : nullptr;
                        float* to = out.at(b, number, s.y.out0 + q * s.y.out_step) +
                                    (s.x.out0 + p * s.x.out_step) * kBlock;
                        for (int64_t part = 0; part < kBlock; part += kWidth)
                            precise_of(n, Counted<kOutputs>{})(s, in, from + part,
                                                               s.weights + number * s.inputs * kernel, bias, y, x,
                                                               to + part, out.plane);
                    }
                }
}

// The mean of a channel's values, and the sum of their squared distances from it.
void moments_precise(const View& in, int64_t blocks, const int* live, int64_t channel, double count, double found[2]) {
    found[0] = found[1] = 0;
    for (int pass = 0; pass < 2; ++pass) {
        const double mean = found[0];
        for (int64_t b = 0; b < blocks; ++b)
            for (int64_t y = 0; y < in.rows; ++y)
                for (int64_t x = 0; x < in.columns; ++x)
                    for (int64_t lane = 0; lane < live[b]; ++lane) {
                        const double value = static_cast<double>(in.at(b, channel, y)[x * kBlock + lane]) - mean;
                        found[pass] += pass ? value * value : value;
                    }
        if (pass == 0) found[0] /= count;
    }
}

// out = (in - mean) * inverse * weight + bias, of one channel.
void norm_precise(const View& in, const View& out, int64_t blocks, int64_t channel, const Precise& own, float weight,
                  float bias) {
    const double factor = own.inverse * static_cast<double>(weight), term = bias;
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t y = 0; y < in.rows; ++y) {
            const float* from = in.at(b, channel, y);
            float* to = out.at(b, channel, y);
            for (int64_t i = 0; i < in.columns * kBlock; ++i)
                to[i] = static_cast<float>((static_cast<double>(from[i]) - own.mean) * factor + term);
        }
}

// As norm_back, where nothing stands fused behind it.
void norm_back_precise(const View& in, const View& slopes, const View& to, int64_t blocks, const int* live,
                       int64_t channel, const Precise& own, float weight, bool add, float* weight_sum, float* bias_sum) {
    double total = 0, product = 0;
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t y = 0; y < in.rows; ++y)
            for (int64_t x = 0; x < in.columns; ++x)
                for (int64_t lane = 0; lane < live[b]; ++lane) {
                    const int64_t i = x * kBlock + lane;
                    const double slope = slopes.at(b, channel, y)[i];
                    total += slope;
                    product += slope * (static_cast<double>(in.at(b, channel, y)[i]) - own.mean) * own.inverse;
                }
    *weight_sum += static_cast<float>(product);
    *bias_sum += static_cast<float>(total);
    if (!to.data) return;
    const double share = own.count > 0 ? 1 / own.count : 0.0, factor = own.inverse * static_cast<double>(weight);
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t y = 0; y < in.rows; ++y)
            for (int64_t x = 0; x < in.columns; ++x)
                for (int64_t lane = 0; lane < kBlock; ++lane) {
                    const int64_t i = x * kBlock + lane;
                    const double centred = (static_cast<double>(in.at(b, channel, y)[i]) - own.mean) * own.inverse;
                    const double slope = slopes.at(b, channel, y)[i];
                    const double step = lane < live[b] ? factor * (slope - share * (total + centred * product)) : 0.0;
                    float& target = to.at(b, channel, y)[i];
                    target = static_cast<float>(add ? static_cast<double>(target) + step : step);
                }
}
