// Training: convolutions of 3x3 and 5x5 with fewer products (winograd.h): what one axis of their values is turned into. M
// outputs of a kernel of R taps take N = M + R - 1 products, not M x R: they are A' ((G g) * (B' d)), by the points 0, 1,
// -1, 1/2, -2 and infinity (of N = 4: 0, 1, -1 and infinity), and the gradients the same three steps the other way round.
// With stride 2, N = 2 M + 1 instead of 3 M: two of three taps meet the inputs of even places, as a kernel of two taps that
// slides by one does (0, 1, -1, 1/2 and infinity; of M = 2: 0, -1 and infinity), and the third one the M odd ones. Kernels of
// one tap are left as they are, M = N = 1: their convolution is a product of matrices already.
// S. Winograd, "Arithmetic Complexity of Computations", 1980; A. Lavin and S. Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016; the points: B. Barabasz and others, "Error Analysis and Improving the Accuracy of Winograd
// Convolution for DNNs", 2020.
#pragma once

// B': N inputs to N points.
PELLUCID_INLINE void to_points(const V(&d)[6], V(&to)[6]) {
    const V odd = d[3] - d[1], even = d[4] - d[2];
    to[0] = d[0] - 2.0f * d[2] + d[4] + 1.5f * odd;
    to[1] = even + odd + 1.5f * (d[2] + d[3]);
    to[2] = even - odd + 1.5f * (d[3] - d[2]);
    to[3] = even + 2.0f * odd;
    to[4] = even - 0.5f * odd;
    to[5] = d[1] - 2.0f * d[3] + d[5] + 1.5f * even;
}
PELLUCID_INLINE void to_points(const V(&d)[4], V(&to)[4]) {
    to[0] = d[2] - d[0];
    to[1] = d[1] + d[2];
    to[2] = d[2] - d[1];
    to[3] = d[3] - d[1];
}

PELLUCID_INLINE void to_points(const V(&d)[9], V(&to)[9]) {
    const V half = 0.5f * d[2] - 0.5f * d[6];
    to[0] = 0.5f * d[0] - 0.5f * d[4] + d[6] - d[2];
    to[1] = d[6] - 0.5f * d[2] + 0.5f * d[4];
    to[2] = d[6] + 0.5f * d[2] - 1.5f * d[4];
    to[3] = d[6] - d[2];
    to[4] = d[8] - d[4] + half;
    PELLUCID_UNROLL
    for (int k = 0; k < 4; ++k) to[5 + k] = d[2 * k + 1];
}
PELLUCID_INLINE void to_points(const V(&d)[5], V(&to)[5]) {
    to[0] = d[0] + d[2];
    to[1] = d[2];
    to[2] = d[2] + d[4];
    to[3] = d[1];
    to[4] = d[3];
}
PELLUCID_INLINE void to_points(const V(&d)[1], V(&to)[1]) { to[0] = d[0]; }

// B: back again.
PELLUCID_INLINE void to_inputs(const V(&p)[6], V(&to)[6]) {
    const V odd = 1.5f * p[0] + p[1] - p[2] + 2.0f * p[3] - 0.5f * p[4];
    const V even = p[1] + p[2] + p[3] + p[4] + 1.5f * p[5];
    to[0] = p[0];
    to[1] = p[5] - odd;
    to[2] = 1.5f * (p[1] - p[2]) - 2.0f * p[0] - even;
    to[3] = odd + 1.5f * (p[1] + p[2]) - 2.0f * p[5];
    to[4] = p[0] + even;
    to[5] = p[5];
}
PELLUCID_INLINE void to_inputs(const V(&p)[4], V(&to)[4]) {
    to[0] = -p[0];
    to[1] = p[1] - p[2] - p[3];
    to[2] = p[0] + p[1] + p[2];
    to[3] = p[3];
}

PELLUCID_INLINE void to_inputs(const V(&p)[9], V(&to)[9]) {
    const V half = 0.5f * p[4];
    to[0] = 0.5f * p[0];
    to[2] = 0.5f * (p[2] - p[1]) - p[0] - p[3] + half;
    to[4] = 0.5f * (p[1] - p[0]) - 1.5f * p[2] - p[4];
    to[6] = p[0] + p[1] + p[2] + p[3] - half;
    to[8] = p[4];
    PELLUCID_UNROLL
    for (int k = 0; k < 4; ++k) to[2 * k + 1] = p[5 + k];
}
PELLUCID_INLINE void to_inputs(const V(&p)[5], V(&to)[5]) {
    to[0] = p[0];
    to[1] = p[3];
    to[2] = p[0] + p[1] + p[2];
    to[3] = p[4];
    to[4] = p[2];
}
PELLUCID_INLINE void to_inputs(const V(&p)[1], V(&to)[1]) { to[0] = p[0]; }

// A': N points to M outputs.
PELLUCID_INLINE void to_outputs(const V(&p)[6], V(&to)[2]) {
    to[0] = p[0] + p[1] + p[2] + p[3] + p[4];
    to[1] = p[1] - p[2] + p[5] + 0.5f * p[3] - 2.0f * p[4];
}
PELLUCID_INLINE void to_outputs(const V(&p)[6], V(&to)[4]) {
    const V odd = p[1] - p[2], even = p[1] + p[2];
    to[0] = p[0] + even + p[3] + p[4];
    to[1] = odd + 0.5f * p[3] - 2.0f * p[4];
    to[2] = even + 0.25f * p[3] + 4.0f * p[4];
    to[3] = odd + p[5] + 0.125f * p[3] - 8.0f * p[4];
}
PELLUCID_INLINE void to_outputs(const V(&p)[4], V(&to)[2]) {
    to[0] = p[0] + p[1] + p[2];
    to[1] = p[1] - p[2] + p[3];
}

PELLUCID_INLINE void to_outputs(const V(&p)[9], V(&to)[4]) {
    const V odd = p[1] - p[2], even = p[1] + p[2];
    to[0] = p[0] + even + p[3] + p[5];
    to[1] = odd + p[6] + 0.5f * p[3];
    to[2] = even + p[7] + 0.25f * p[3];
    to[3] = odd + p[4] + p[8] + 0.125f * p[3];
}
PELLUCID_INLINE void to_outputs(const V(&p)[5], V(&to)[2]) {
    to[0] = p[0] + p[1] + p[3];
    to[1] = p[2] - p[1] + p[4];
}
PELLUCID_INLINE void to_outputs(const V(&p)[1], V(&to)[1]) { to[0] = p[0]; }

// A: M slopes of outputs to N points.
PELLUCID_INLINE void from_slopes(const V(&g)[2], V(&to)[6]) {
    to[0] = g[0];
    to[1] = g[0] + g[1];
    to[2] = g[0] - g[1];
    to[3] = g[0] + 0.5f * g[1];
    to[4] = g[0] - 2.0f * g[1];
    to[5] = g[1];
}
PELLUCID_INLINE void from_slopes(const V(&g)[4], V(&to)[6]) {
    const V even = g[0] + g[2], odd = g[1] + g[3];
    to[0] = g[0];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = g[0] + 0.25f * g[2] + 0.5f * (g[1] + 0.25f * g[3]);
    to[4] = g[0] + 4.0f * g[2] - 2.0f * (g[1] + 4.0f * g[3]);
    to[5] = g[3];
}
PELLUCID_INLINE void from_slopes(const V(&g)[2], V(&to)[4]) {
    to[0] = g[0];
    to[1] = g[0] + g[1];
    to[2] = g[0] - g[1];
    to[3] = g[1];
}

PELLUCID_INLINE void from_slopes(const V(&g)[4], V(&to)[9]) {
    const V even = g[0] + g[2], odd = g[1] + g[3];
    to[0] = g[0];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = g[0] + 0.25f * g[2] + 0.5f * (g[1] + 0.25f * g[3]);
    to[4] = g[3];
    PELLUCID_UNROLL
    for (int k = 0; k < 4; ++k) to[5 + k] = g[k];
}
PELLUCID_INLINE void from_slopes(const V(&g)[2], V(&to)[5]) {
    to[0] = to[3] = g[0];
    to[1] = g[0] - g[1];
    to[2] = to[4] = g[1];
}
PELLUCID_INLINE void from_slopes(const V(&g)[1], V(&to)[1]) { to[0] = g[0]; }

// The points whose values, of both axes, make the sum of a tile's slopes.
template <int N>
constexpr int kSums = N == 5 ? 2 : 1;
template <int N>
PELLUCID_INLINE int sum_point(int i) {
    return N == 5 ? 2 * i : N == 1 ? 0 : 1;
}

// G: R weights to N points.
PELLUCID_INLINE void weights_to(const V(&g)[5], V(&to)[6]) {
    const V even = g[0] + g[2] + g[4], odd = g[1] + g[3];
    to[0] = g[0];
    to[1] = (even + odd) * (1.0f / 3);
    to[2] = (odd - even) * (1.0f / 3);
    to[3] = -(16.0f * g[0] + 8.0f * g[1] + 4.0f * g[2] + 2.0f * g[3] + g[4]) * (1.0f / 15);
    to[4] = (g[0] - 2.0f * g[1] + 4.0f * g[2] - 8.0f * g[3] + 16.0f * g[4]) * (1.0f / 15);
    to[5] = g[4];
}
PELLUCID_INLINE void weights_to(const V(&g)[3], V(&to)[6]) {
    to[0] = g[0];
    to[1] = (g[0] + g[2] + g[1]) * (1.0f / 3);
    to[2] = (g[1] - g[0] - g[2]) * (1.0f / 3);
    to[3] = -(16.0f * g[0] + 8.0f * g[1] + 4.0f * g[2]) * (1.0f / 15);
    to[4] = (g[0] - 2.0f * g[1] + 4.0f * g[2]) * (1.0f / 15);
    to[5] = g[2];
}
PELLUCID_INLINE void weights_to(const V(&g)[3], V(&to)[4]) {
    to[0] = -g[0];
    to[1] = (g[0] + g[2] + g[1]) * 0.5f;
    to[2] = (g[0] + g[2] - g[1]) * 0.5f;
    to[3] = g[2];
}

PELLUCID_INLINE void weights_to(const V(&g)[3], V(&to)[9]) {
    to[0] = 2.0f * g[0];
    to[1] = g[0] + g[2];
    to[2] = (g[2] - g[0]) * (1.0f / 3);
    to[3] = -(8.0f * g[0] + 4.0f * g[2]) * (1.0f / 3);
    to[4] = g[2];
    for (int k = 0; k < 4; ++k) to[5 + k] = g[1];
}
PELLUCID_INLINE void weights_to(const V(&g)[3], V(&to)[5]) {
    to[0] = g[0];
    to[1] = g[2] - g[0];
    to[2] = g[2];
    to[3] = to[4] = g[1];
}
PELLUCID_INLINE void weights_to(const V(&g)[1], V(&to)[1]) { to[0] = g[0]; }

// G': back again.
PELLUCID_INLINE void weights_from(const V(&p)[6], V(&to)[5]) {
    const V one = (p[1] - p[2]) * (1.0f / 3), minus = (p[1] + p[2]) * (1.0f / 3), half = p[3] * (1.0f / 15), two = p[4] * (1.0f / 15);
    to[0] = p[0] + one - 16.0f * half + two;
    to[1] = minus - 8.0f * half - 2.0f * two;
    to[2] = one - 4.0f * half + 4.0f * two;
    to[3] = minus - 2.0f * half - 8.0f * two;
    to[4] = p[5] + one - half + 16.0f * two;
}
PELLUCID_INLINE void weights_from(const V(&p)[6], V(&to)[3]) {
    const V one = (p[1] - p[2]) * (1.0f / 3), minus = (p[1] + p[2]) * (1.0f / 3), half = p[3] * (1.0f / 15), two = p[4] * (1.0f / 15);
    to[0] = p[0] + one - 16.0f * half + two;
    to[1] = minus - 8.0f * half - 2.0f * two;
    to[2] = p[5] + one - 4.0f * half + 4.0f * two;
}
PELLUCID_INLINE void weights_from(const V(&p)[4], V(&to)[3]) {
    to[0] = (p[1] + p[2]) * 0.5f - p[0];
    to[1] = (p[1] - p[2]) * 0.5f;
    to[2] = (p[1] + p[2]) * 0.5f + p[3];
}
PELLUCID_INLINE void weights_from(const V(&p)[9], V(&to)[3]) {
    const V third = p[2] * (1.0f / 3), half = p[3] * (1.0f / 3);
    to[0] = 2.0f * p[0] + p[1] - third - 8.0f * half;
    to[1] = p[5] + p[6] + p[7] + p[8];
    to[2] = p[1] + p[4] + third - 4.0f * half;
}
PELLUCID_INLINE void weights_from(const V(&p)[5], V(&to)[3]) {
    to[0] = p[0] - p[1];
    to[1] = p[3] + p[4];
    to[2] = p[1] + p[2];
}
PELLUCID_INLINE void weights_from(const V(&p)[1], V(&to)[1]) { to[0] = p[0]; }
