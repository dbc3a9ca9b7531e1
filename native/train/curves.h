// Training: activations, written so that the compiler vectorises them.
#pragma once

// e^x within 2 units in the last place; 0 below -87, at most e^88. After Cephes' expf (S. Moshier).
PELLUCID_INLINE float exp_of(float x) {
    x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
    const float whole = __builtin_floorf(x * 1.44269504088896341f + 0.5f);
    const float rest = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * rest + 1.3981999507e-3f;
    p = p * rest + 8.3334519073e-3f;
    p = p * rest + 4.1665795894e-2f;
    p = p * rest + 1.6666665459e-1f;
    p = p * rest + 5.0000001201e-1f;
    p = p * rest * rest + rest + 1.0f;
    const int32_t exponent = (static_cast<int32_t>(whole) + 127) << 23;
    return p * __builtin_bit_cast(float, exponent);
}

PELLUCID_INLINE float sigmoid_of(float x) { return 1.0f / (1.0f + exp_of(-x)); }

PELLUCID_INLINE float tanh_of(float x) {
    const float size = __builtin_fabsf(x), e = exp_of(-2.0f * size), far = (1.0f - e) / (1.0f + e);
    const float s = x * x;  // near 0 the quotient loses digits: Cephes' tanhf there
    const float near = ((((-5.70498872745e-3f * s + 2.06390887954e-2f) * s - 5.37397155531e-2f) * s +
                         1.33314422036e-1f) * s - 3.33332819422e-1f) * s * x + x;
    return size < 0.625f ? near : __builtin_copysignf(far, x);
}

// The normal distribution's share below x, by Abramowitz and Stegun 7.1.26 for erf: within 1e-7.
PELLUCID_INLINE float normal_below(float x) {
    const float z = __builtin_fabsf(x) * 0.70710678118654752f, t = 1.0f / (1.0f + 0.3275911f * z);
    const float p = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
    const float tail = 0.5f * p * exp_of(-z * z);
    return x < 0 ? tail : 1.0f - tail;
}

template <Curve C>
PELLUCID_INLINE float curve_of(float x, float slope) {
    if constexpr (C == Curve::relu) return x > 0 ? x : 0.0f;
    if constexpr (C == Curve::leaky) return x > 0 ? x : slope * x;
    if constexpr (C == Curve::relu6) return x > 0 ? (x < 6 ? x : 6.0f) : 0.0f;
    if constexpr (C == Curve::sigmoid) return sigmoid_of(x);
    if constexpr (C == Curve::tanh) return tanh_of(x);
    if constexpr (C == Curve::gelu) return x * normal_below(x);
    if constexpr (C == Curve::silu) return x * sigmoid_of(x);
    const float inside = x + 3 > 0 ? (x + 3 < 6 ? x + 3 : 6.0f) : 0.0f;
    return x * inside * (1.0f / 6.0f);
}

// The slope at x, whose value is y. Of the first five it may be computed in place, where x is y: a leaky slope above 0
// leaves the sign.
template <Curve C>
PELLUCID_INLINE float slope_of(float x, float y, float slope) {
    if constexpr (C == Curve::relu) return y > 0 ? 1.0f : 0.0f;
    if constexpr (C == Curve::leaky) return x > 0 ? 1.0f : slope;
    if constexpr (C == Curve::relu6) return y > 0 && y < 6 ? 1.0f : 0.0f;
    if constexpr (C == Curve::sigmoid) return y * (1.0f - y);
    if constexpr (C == Curve::tanh) return 1.0f - y * y;
    if constexpr (C == Curve::gelu) return normal_below(x) + x * 0.3989422804014327f * exp_of(-0.5f * x * x);
    if constexpr (C == Curve::silu) {
        const float s = sigmoid_of(x);
        return s * (1.0f + x * (1.0f - s));
    }
    return x < -3 ? 0.0f : x <= 3 ? x * (1.0f / 3.0f) + 0.5f : 1.0f;
}

template <Curve C>
void curve_rows(float slope, const View& in, const View& out, int64_t blocks) {
    const int64_t n = in.columns * kBlock;
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < in.channels; ++c)
            for (int64_t y = 0; y < in.rows; ++y) {
                const float* from = in.at(b, c, y);
                float* to = out.at(b, c, y);
                PELLUCID_EACH
                for (int64_t i = 0; i < n; ++i) to[i] = curve_of<C>(from[i], slope);
            }
}

template <Curve C>
void curve_back_rows(float slope, const View& in, const View& out, const View& out_gradient, const View& in_gradient,
                     int64_t blocks, bool add) {
    const int64_t n = in.columns * kBlock;
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < in.channels; ++c)
            for (int64_t y = 0; y < in.rows; ++y) {
                const float *x = in.at(b, c, y), *value = out.at(b, c, y), *g = out_gradient.at(b, c, y);
                float* to = in_gradient.at(b, c, y);
                if (add) {
                    PELLUCID_EACH
                    for (int64_t i = 0; i < n; ++i) to[i] += g[i] * slope_of<C>(x[i], value[i], slope);
                } else {
                    PELLUCID_EACH
                    for (int64_t i = 0; i < n; ++i) to[i] = g[i] * slope_of<C>(x[i], value[i], slope);
                }
            }
}

template <int... C>
PELLUCID_INLINE void curve_numbered(int kind, float slope, const View& in, const View& out, int64_t blocks,
                                    Numbers<C...>) {
    static constexpr decltype(&curve_rows<Curve::relu>) all_curves[] = {curve_rows<static_cast<Curve>(C)>...};
    all_curves[kind](slope, in, out, blocks);
}

template <int... C>
PELLUCID_INLINE void curve_back_numbered(int kind, float slope, const View& in, const View& out, const View& g,
                                         const View& to, int64_t blocks, bool add, Numbers<C...>) {
    static constexpr decltype(&curve_back_rows<Curve::relu>) all_curves[] = {curve_back_rows<static_cast<Curve>(C)>...};
    all_curves[kind](slope, in, out, g, to, blocks, add);
}

void curve(Curve kind, float slope, const View& in, const View& out, int64_t blocks) {
    curve_numbered(static_cast<int>(kind), slope, in, out, blocks, Counted<8>{});
}

void curve_back(Curve kind, float slope, const View& in, const View& out, const View& out_gradient,
                const View& in_gradient, int64_t blocks, bool add) {
    curve_back_numbered(static_cast<int>(kind), slope, in, out, out_gradient, in_gradient, blocks, add, Counted<8>{});
}
