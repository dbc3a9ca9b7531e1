// Training: products of matrices, in registers, whose columns are values of 16 pictures at some places.
#pragma once

// N outputs by T vectors of columns of a product of matrices: the sum over `count` of w[k][n] * in[k][column].
template <int N, int T>
PELLUCID_INLINE void product_tile(int64_t count, const float* w, const float* in, float* out, int64_t row) {
    V sums[N][T] = {};
    PELLUCID_TWICE
    for (int64_t k = count; k > 0; --k, w += N, in += row) {
        V value[T];
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) value[t] = load(in + t * kWidth);
        PELLUCID_UNROLL
        for (int n = 0; n < N; ++n)
            PELLUCID_UNROLL
            for (int t = 0; t < T; ++t) sums[n][t] = with_product(sums[n][t], all(w[n]), value[t]);
        PELLUCID_AFRESH(in);
    }
    PELLUCID_UNROLL
    for (int n = 0; n < N; ++n)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) store(out + n * row + t * kWidth, sums[n][t]);
}

template <int N>
void product_rows(int64_t count, const float* w, const float* in, float* out, int64_t row) {
    int64_t column = 0;
    // Four columns are two and two: one alone would wait for its own sums.
    for (; column + kColumns * kWidth <= row && row - column != 4 * kWidth; column += kColumns * kWidth)
        product_tile<N, kColumns>(count, w, in + column, out + column, row);
    for (; column + 2 * kWidth <= row; column += 2 * kWidth)
        product_tile<N, 2>(count, w, in + column, out + column, row);
    if (column < row) product_tile<N, 1>(count, w, in + column, out + column, row);
}

using ProductRows = void (*)(int64_t, const float*, const float*, float*, int64_t);

template <int... N>
PELLUCID_INLINE ProductRows product_rows_of(int64_t n, Numbers<N...>) {
    static constexpr ProductRows rows[] = {product_rows<N + 1>...};
    return rows[n - 1];
}

// `out` [outputs][row] = weights [outputs / n][inputs][n] x `in` [inputs][row].
inline void product(const float* weights, int64_t inputs, int64_t outputs, const float* in, float* out, int64_t row) {
    for (int64_t o = 0; o < outputs; o += kOutputs)
        product_rows_of(least(kOutputs, outputs - o), Counted<kOutputs>{})(inputs, weights + o * inputs, in, out + o * row,
                                                                          row);
}

// `sums` [N][T vectors] += the sum over `count` of slopes[n][k] * values[k][vector], `Beside` of them at a time, each in
// lanes of its own.
template <int N, int T, int Beside>
void slopes_tile(int64_t count, const float* slopes, const float* values, float* out, int64_t padded) {
    V sums[N][T];
    PELLUCID_UNROLL
    for (int n = 0; n < N; ++n)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) sums[n][t] = load(out + n * padded + t * kWidth);
    const float* slope[N];
    for (int n = 0; n < N; ++n) slope[n] = slopes + n * count;
    for (int64_t k = 0; k < count; k += 4 * Beside) {
        PELLUCID_UNROLL
        for (int j = 0; j < 4 * Beside; j += Beside, values += padded) {
            V value[T];
            PELLUCID_UNROLL
            for (int t = 0; t < T; ++t) value[t] = load(values + t * kWidth);
            PELLUCID_UNROLL
            for (int n = 0; n < N; ++n) {
                const V each = repeated<Beside>(slope[n] + k + j);
                PELLUCID_UNROLL
                for (int t = 0; t < T; ++t) sums[n][t] = with_product(sums[n][t], each, value[t]);
            }
        }
    }
    PELLUCID_UNROLL
    for (int n = 0; n < N; ++n)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) store(out + n * padded + t * kWidth, sums[n][t]);
}

template <int T, int Beside = 1>
PELLUCID_INLINE void slopes_columns(int64_t outputs, int64_t count, const float* slopes, const float* values, float* out,
                                    int64_t padded) {
    constexpr int kMost = T == 1 ? 2 * kOutputs : kOutputs * 3 / 2;
    int64_t o = 0;
    for (; o + kMost <= outputs; o += kMost)
        slopes_tile<kMost, T, Beside>(count, slopes + o * count, values, out + o * padded, padded);
    for (; o + 4 <= outputs; o += 4)
        slopes_tile<4, T, Beside>(count, slopes + o * count, values, out + o * padded, padded);
    for (; o < outputs; ++o) slopes_tile<1, T, Beside>(count, slopes + o * count, values, out + o * padded, padded);
}

// `sums` [outputs][padded inputs][beside] += slopes [outputs][count] x values [count / beside][padded inputs][beside].
inline void slope_product(const float* slopes, int64_t outputs, const float* values, int64_t padded, int64_t beside,
                          float* sums, int64_t count) {
    if (beside == 2) return slopes_columns<1, 2>(outputs, count, slopes, values, sums, kWidth);
    if (beside == 4) return slopes_columns<1, 4>(outputs, count, slopes, values, sums, kWidth);
    int64_t c = 0;
    for (; c + 2 * kWidth <= padded; c += 2 * kWidth)
        slopes_columns<2>(outputs, count, slopes, values + c, sums + c, padded);
    if (c < padded) slopes_columns<1>(outputs, count, slopes, values + c, sums + c, padded);
}
