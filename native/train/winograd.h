// Training: convolutions of 3x3 and 5x5 with fewer products, see points.h. Tiles of M x M outputs of a strip are taken to
// N x N points each, whatever the stride; there a convolution is a product of matrices for each point; and what comes of
// it is taken back.
#pragma once

// From lines In to lines Out, `step` and `to_step` floats apart, for i to `count`: what `change` makes of them is put there,
// or added to what is there. Stepping takes two registers where pointers to all lines would take more than there are.
template <int In, int Out, bool Add = false, typename Change>
PELLUCID_INLINE void even_lines(const float* from, int64_t step, float* to, int64_t to_step, int64_t count, Change change) {
    for (int64_t i = 0; i < count; i += kWidth) {
        V values[In], made[Out];
        const float* at = from + i;
        float* target = to + i;
        PELLUCID_UNROLL
        for (int k = 0; k < In; ++k) {
            values[k] = load(at);
            at += step;
            PELLUCID_AFRESH(at);
        }
        change(values, made);
        PELLUCID_UNROLL
        for (int k = 0; k < Out; ++k) {
            store(target, Add ? load(target) + made[k] : made[k]);
            target += to_step;
            PELLUCID_AFRESH(target);
        }
    }
}

// The same of lines that lie anywhere.
template <int In, int Out, bool Add = false, typename Change>
PELLUCID_INLINE void each_line(const float* const (&from)[In], float* const (&to)[Out], int64_t count, Change change) {
    const int64_t step = In > 1 ? from[In > 1] - from[0] : 0, to_step = Out > 1 ? to[Out > 1] - to[0] : 0;
    bool even = true;
    for (int k = 2; k < In; ++k) even = even && from[k] - from[k - 1] == step;
    for (int k = 2; k < Out; ++k) even = even && to[k] - to[k - 1] == to_step;
    if (even) {
        even_lines<In, Out, Add>(from[0], step, to[0], to_step, count, change);
        return;
    }
    for (int64_t i = 0; i < count; i += kWidth) {
        V values[In], made[Out];
        PELLUCID_UNROLL
        for (int k = 0; k < In; ++k) values[k] = load(from[k] + i);
        change(values, made);
        PELLUCID_UNROLL
        for (int k = 0; k < Out; ++k) store(to[k] + i, Add ? load(to[k] + i) + made[k] : made[k]);
    }
}

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
    for (; column + kColumns * kWidth <= row; column += kColumns * kWidth)
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

// For each point, `out` [outputs][row] = weights [outputs / n][inputs][n] x `in` [inputs][row].
inline void products(int64_t points, const float* weights, int64_t weights_point, int64_t inputs, int64_t outputs,
                     const float* in, int64_t in_point, float* out, int64_t out_point, int64_t row) {
    for (int64_t point = 0; point < points; ++point, weights += weights_point, in += in_point, out += out_point)
        for (int64_t o = 0; o < outputs; o += kOutputs)
            product_rows_of(least(kOutputs, outputs - o), Counted<kOutputs>{})(inputs, weights + o * inputs, in,
                                                                              out + o * row, row);
}

// `sums` [N][T vectors] += the sum over `count` of slopes[n][k] * values[k][vector].
template <int N, int T>
void slopes_tile(int64_t count, const float* slopes, const float* values, float* out, int64_t padded) {
    V sums[N][T];
    PELLUCID_UNROLL
    for (int n = 0; n < N; ++n)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) sums[n][t] = load(out + n * padded + t * kWidth);
    const float* slope[N];
    for (int n = 0; n < N; ++n) slope[n] = slopes + n * count;
    for (int64_t k = 0; k < count; k += 4) {
        PELLUCID_UNROLL
        for (int j = 0; j < 4; ++j, values += padded) {
            V value[T];
            PELLUCID_UNROLL
            for (int t = 0; t < T; ++t) value[t] = load(values + t * kWidth);
            PELLUCID_UNROLL
            for (int n = 0; n < N; ++n) {
                const V each = all(slope[n][k + j]);
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

template <int T>
PELLUCID_INLINE void slopes_columns(int64_t outputs, int64_t count, const float* slopes, const float* values, float* out,
                                    int64_t padded) {
    constexpr int kMost = T == 1 ? 2 * kOutputs : kOutputs * 3 / 2;
    int64_t o = 0;
    for (; o + kMost <= outputs; o += kMost)
        slopes_tile<kMost, T>(count, slopes + o * count, values, out + o * padded, padded);
    for (; o + 4 <= outputs; o += 4) slopes_tile<4, T>(count, slopes + o * count, values, out + o * padded, padded);
    for (; o < outputs; ++o) slopes_tile<1, T>(count, slopes + o * count, values, out + o * padded, padded);
}

// For each point, `sums` [outputs][padded inputs] += slopes [outputs][count] x values [count][padded inputs].
inline void slope_products(int64_t points, const float* slopes, int64_t slopes_point, int64_t outputs, const float* values,
                           int64_t values_point, int64_t padded, float* sums, int64_t sums_point, int64_t count) {
    for (int64_t point = 0; point < points; ++point, slopes += slopes_point, values += values_point, sums += sums_point) {
        int64_t c = 0;
        for (; c + 2 * kWidth <= padded; c += 2 * kWidth)
            slopes_columns<2>(outputs, count, slopes, values + c, sums + c, padded);
        if (c < padded) slopes_columns<1>(outputs, count, slopes, values + c, sums + c, padded);
    }
}

// `to` [columns][16][padded channels]: a row of a group's channels, with zeros around them.
inline void turn_row(const Winograd& s, const View& in, int64_t b, int64_t group, int64_t y, float* to, int64_t columns) {
    const int64_t padded = s.padded, column = kBlock * padded, left = s.before[1];
    const int64_t wide = y >= 0 && y < in.rows ? least(in.columns, columns - left) : 0;
    for (int64_t i = 0; i < left * column; i += kWidth) store(to + i, V{});
    for (int64_t i = (left + wide) * column; i < columns * column; i += kWidth) store(to + i, V{});
    for (int64_t c = 0; wide > 0 && c < s.inputs; c += kWidth) {
        const float* from[kWidth];
        const int64_t live = least(kWidth, s.inputs - c);
        for (int64_t i = 0; i < kWidth; ++i) from[i] = in.at(b, group * s.inputs + c + least(i, live - 1), y);
        float* target = to + left * column + c;
        for (int64_t i = 0; i < wide * kBlock; i += kWidth) {
            V lines[kWidth];
            PELLUCID_UNROLL
            for (int k = 0; k < kWidth; ++k) lines[k] = k < live ? load(from[k] + i) : V{};
            transpose(lines);
            PELLUCID_UNROLL
            for (int k = 0; k < kWidth; ++k, target += padded) store(target, lines[k]);
        }
    }
}

// Rows `y` to below `last` of a group's channels are set to 0.
inline void clear_rows(const Winograd& s, const View& to, int64_t b, int64_t group, int64_t y, int64_t last) {
    const int64_t count = to.columns * kBlock, first = group * s.inputs, channels = s.inputs;
    for (; y < last; ++y)
        for (int64_t c = 0; c < channels; ++c) {
            float* row = to.at(b, first + c, y);
            for (int64_t i = 0; i < count; i += kWidth) store(row + i, V{});
        }
}

// What a strip goes through, of kernels of R taps and tiles of M outputs a side.
template <int M, int N, int R>
struct Tiles {
    static constexpr int64_t kPoints = N * N;

    const Winograd& s;
    WinogradPlaces z;
    float *inputs, *outputs, *turned, *lines, *rows, *beyond, *zeros;
    // The strip at hand.
    int64_t q, t, down, across;

    Tiles(const Winograd& winograd, int64_t widest, float* scratch) : s(winograd), z(winograd) {
        inputs = scratch;
        outputs = inputs + kPoints * z.in_point;
        turned = outputs + kPoints * z.out_point;
        lines = turned + kPoints * z.turned_point;
        rows = lines + N * most(z.line, z.turned_line);
        beyond = rows + M * z.row;
        zeros = beyond + most(z.row, z.line);
        for (int64_t i = 0; i < widest * kBlock; i += kWidth) store(zeros + i, V{});
    }

    float* all_turned(int64_t widest) const { return zeros + widest * kBlock; }

    template <typename Strip>
    PELLUCID_INLINE void each_strip(Strip strip) {
        for (q = 0; q < s.tiles_down; q += s.down)
            for (t = 0; t < s.tiles_across; t += s.across) {
                down = least(s.down, s.tiles_down - q);
                across = least(s.across, s.tiles_across - t);
                strip();
            }
    }
    int64_t row() const { return down * across * kBlock; }
    // Of the strip's columns of inputs, the first, and which are inside.
    int64_t left() const { return t * s.advance - s.before[1]; }
    int64_t columns() const { return (across - 1) * s.advance + N; }
    int64_t first() const { return most(0, -left()); }
    int64_t last(int64_t size) const { return most(first(), least(columns(), size - left())); }
    // And of its columns of outputs how many.
    int64_t wide() const { return least(across * M, s.columns - t * M); }

    // `lines` to points of the tiles of row r, `span` floats a column.
    PELLUCID_INLINE void points_of_inputs(float* to, int64_t point, int64_t r, int64_t span, int64_t line) {
        const int64_t tiles = across, advance = s.advance * span;
        for (int i = 0; i < N; ++i) {
            const float* from = lines + i * line;
            float* target = to + i * N * point + r * tiles * span;
            for (int64_t tile = 0; tile < tiles; ++tile, from += advance, target += span)
                even_lines<N, N>(from, span, target, point, span, [](const V(&d)[N], V(&p)[N])
                                                                      __attribute__((always_inline)) { to_points(d, p); });
        }
    }

    // The inputs of the strip to points [N x N][inputs][tiles][16].
    void take(const View& in, int64_t b, int64_t group) {
        const int64_t begin = first(), end = last(in.columns);
        for (int64_t c = 0; c < s.inputs; ++c)
            for (int64_t r = 0; r < down; ++r) {
                const float* from[N];
                float* to[N];
                for (int k = 0; k < N; ++k) {
                    const int64_t y = (q + r) * s.advance - s.before[0] + k;
                    from[k] = y >= 0 && y < in.rows ? in.at(b, group * s.inputs + c, y) + (left() + begin) * kBlock : zeros;
                    float* line = lines + k * z.line;
                    for (int64_t i = 0; i < begin * kBlock; i += kWidth) store(line + i, V{});
                    for (int64_t i = end * kBlock; i < columns() * kBlock; i += kWidth) store(line + i, V{});
                    to[k] = line + begin * kBlock;
                }
                each_line(from, to, (end - begin) * kBlock,
                          [](const V(&d)[N], V(&p)[N]) __attribute__((always_inline)) { to_points(d, p); });
                points_of_inputs(inputs + c * row(), z.in_point, r, kBlock, z.line);
            }
    }

    // Points of output o, tiles of row r, to M rows of outputs, `to`.
    PELLUCID_INLINE void give(int64_t o, int64_t r, float* const (&to)[M], V bias) {
        const int64_t tiles = across, point = z.out_point;
        for (int i = 0; i < N; ++i) {
            const float* from = outputs + i * N * point + o * row() + r * tiles * kBlock;
            float* target = lines + i * z.line;
            for (int64_t tile = 0; tile < tiles; ++tile, from += kBlock, target += M * kBlock)
                even_lines<N, M>(from, point, target, kBlock, kBlock,
                                 [](const V(&p)[N], V(&y)[M]) __attribute__((always_inline)) { to_outputs(p, y); });
        }
        const float* from[N];
        for (int k = 0; k < N; ++k) from[k] = lines + k * z.line;
        each_line(from, to, wide() * kBlock, [=](const V(&p)[N], V(&y)[M]) __attribute__((always_inline)) {
            to_outputs(p, y);
            PELLUCID_UNROLL
            for (int k = 0; k < M; ++k) y[k] += bias;
        });
    }

    // M rows of slopes of output o to points, tiles of row r.
    PELLUCID_INLINE void take_slopes(int64_t o, int64_t r, const float* const (&from)[M]) {
        float* to[N];
        for (int k = 0; k < N; ++k) {
            to[k] = lines + k * z.line;
            for (int64_t i = wide() * kBlock; i < across * M * kBlock; i += kWidth) store(to[k] + i, V{});
        }
        each_line(from, to, wide() * kBlock, [](const V(&g)[M], V(&p)[N]) __attribute__((always_inline)) { from_slopes(g, p); });
        const int64_t tiles = across, point = z.out_point;
        for (int i = 0; i < N; ++i) {
            const float* at = to[i];
            float* target = outputs + i * N * point + o * row() + r * tiles * kBlock;
            for (int64_t tile = 0; tile < tiles; ++tile, at += M * kBlock, target += kBlock)
                even_lines<M, N>(at, kBlock, target, point, kBlock,
                                 [](const V(&g)[M], V(&p)[N]) __attribute__((always_inline)) { from_slopes(g, p); });
        }
    }

    // The same from the slopes of the largest of each 2x2, where a tile is no more.
    void take_pooled(const Slopes& slopes, int64_t b, int64_t c, int64_t o, int64_t r) {
        if constexpr (M == 2) {
            const View& g = slopes.view;
            const float* from = g.at(b, c, q + r) + t * kBlock;
            const uint8_t* winner = slopes.winners + (((b * g.channels + c) * g.rows + q + r) * g.columns + t) * kBlock;
            float* to = outputs + o * row() + r * across * kBlock;
            const int64_t count = across * kBlock, point = z.out_point;
            for (int64_t i = 0; i < count; i += kWidth) {
                V places[4], left[N], right[N];
                to_places(winner + i, load(from + i), places);
                from_slopes({places[0], places[2]}, left);
                from_slopes({places[1], places[3]}, right);
                float* target = to + i;
                PELLUCID_UNROLL
                for (int k = 0; k < N; ++k) {
                    V line[N];
                    from_slopes({left[k], right[k]}, line);
                    PELLUCID_UNROLL
                    for (int j = 0; j < N; ++j) {
                        store(target, line[j]);
                        target += point;
                        PELLUCID_AFRESH(target);
                    }
                }
            }
        }
    }

    // Points of the inputs' slopes are added to `to`.
    void give_slopes(const View& to, int64_t b, int64_t group) {
        const int64_t begin = first(), end = last(to.columns), whole = columns() * kBlock, advance = s.advance * kBlock;
        const int64_t tiles = across, point = z.in_point;
        for (int64_t c = 0; c < s.inputs; ++c)
            for (int64_t r = 0; r < down; ++r) {
                for (int i = 0; i < N; ++i) {
                    float* line = lines + i * z.line;
                    for (int64_t j = 0; j < whole; j += kWidth) store(line + j, V{});
                    const float* at = inputs + i * N * point + c * row() + r * tiles * kBlock;
                    for (int64_t tile = 0; tile < tiles; ++tile, at += kBlock, line += advance)
                        even_lines<N, N, true>(at, point, line, kBlock, kBlock,
                                               [](const V(&p)[N], V(&d)[N]) __attribute__((always_inline)) { to_inputs(p, d); });
                }
                const float* from[N];
                float* target[N];
                for (int k = 0; k < N; ++k) {
                    const int64_t y = (q + r) * s.advance - s.before[0] + k;
                    from[k] = lines + k * z.line + begin * kBlock;
                    target[k] = y >= 0 && y < to.rows ? to.at(b, group * s.inputs + c, y) + (left() + begin) * kBlock : beyond;
                }
                each_line<N, N, true>(from, target, (end - begin) * kBlock,
                                      [](const V(&p)[N], V(&d)[N]) __attribute__((always_inline)) { to_inputs(p, d); });
            }
    }
};

template <int M, int N, int R>
void winograd_forward(const Winograd& s, const View& in, const View& out, int64_t blocks, bool relu, uint8_t* winners,
                      float* scratch) {
    Tiles<M, N, R> tiles(s, in.columns, scratch);
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t group = 0; group < s.groups; ++group)
            tiles.each_strip([&] {
                tiles.take(in, b, group);
                products(N * N, s.weights + group * N * N * s.weights_point, s.weights_point, s.inputs, s.outputs, tiles.inputs, tiles.z.in_point,
                         tiles.outputs, tiles.z.out_point, tiles.row());
                for (int64_t o = 0; o < s.outputs; ++o)
                    for (int64_t r = 0; r < tiles.down; ++r) {
                        const int64_t c = group * s.outputs + o, y = (tiles.q + r) * M, x = tiles.t * M;
                        float* to[M];
                        for (int k = 0; k < M; ++k)
                            to[k] = winners           ? tiles.rows + k * tiles.z.row
                                    : y + k < s.rows ? out.at(b, c, y + k) + x * kBlock
                                                     : tiles.beyond;
                        tiles.give(o, r, to, all(s.bias ? s.bias[c] : 0.0f));
                        if (!winners) continue;
                        for (int64_t row = y / 2; row < least((y + M) / 2, out.rows); ++row)
                            pool_rows(to[2 * row - y], tiles.z.row, out.at(b, c, row) + x / 2 * kBlock,
                                      winners + (((b * out.channels + c) * out.rows + row) * out.columns + x / 2) * kBlock,
                                      tiles.wide() / 2, relu, [](V value) __attribute__((always_inline)) { return value; });
                    }
            });
}

template <int M, int N, int R>
void winograd_back(const Winograd& s, const View& in, const Slopes& slopes, const View& to, int64_t blocks, bool add,
                   float* scratch, float* sums, float* bias) {
    const int64_t widest = most(in.columns, s.columns), ring = (s.down - 1) * s.advance + N;
    const int64_t columns = (s.tiles_across - 1) * s.advance + N, row = spread(columns * s.padded) * kBlock;
    Tiles<M, N, R> tiles(s, widest, scratch);
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t group = 0; group < s.groups; ++group) {
            float* turned = tiles.all_turned(widest);
            // Rows of the inputs, turned, and of their gradients, cleared, are there when the first strip comes to them.
            int64_t known = 0, cleared = 0;
            tiles.each_strip([&] {
                const int64_t reached = (tiles.q + tiles.down - 1) * s.advance + N;
                for (; sums && known < reached; ++known)
                    turn_row(s, in, b, group, known - s.before[0], turned + known % ring * row, columns);
                if (to.data && !add) {
                    const int64_t last = most(cleared, least(to.rows, reached - s.before[0]));
                    clear_rows(s, to, b, group, cleared, last);
                    cleared = last;
                }
                for (int64_t o = 0; o < s.outputs; ++o) {
                    const int64_t c = group * s.outputs + o, x = tiles.t * M;
                    for (int64_t r = 0; r < tiles.down; ++r) {
                        const int64_t y = (tiles.q + r) * M;
                        if (M == 2 && slopes.winners) {
                            tiles.take_pooled(slopes, b, c, o, r);
                            continue;
                        }
                        if (slopes.winners)
                            expand_rows(slopes, b, c, y / 2, least((y + M) / 2, slopes.view.rows), x / 2,
                                        (x + tiles.wide()) / 2, tiles.rows, tiles.z.row);
                        const float* from[M];
                        for (int k = 0; k < M; ++k)
                            from[k] = y + k >= s.rows ? tiles.zeros
                                      : slopes.winners ? tiles.rows + k * tiles.z.row
                                                       : slopes.view.at(b, c, y + k) + x * kBlock;
                        tiles.take_slopes(o, r, from);
                    }
                    if (!bias) continue;
                    V total = {};
                    for (int i = 0; i < kSums<N> * kSums<N>; ++i) {
                        const int point = sum_point<N>(i / kSums<N>) * N + sum_point<N>(i % kSums<N>);
                        const float* each = tiles.outputs + point * tiles.z.out_point + o * tiles.row();
                        for (int64_t j = 0; j < tiles.row(); j += kWidth) total += load(each + j);
                    }
                    bias[c] += sum(total);
                }
                if (sums) {
                    for (int64_t r = 0; r < tiles.down; ++r) {
                        const float* from[N];
                        float* line[N];
                        for (int k = 0; k < N; ++k) {
                            from[k] = turned + ((tiles.q + r) * s.advance + k) % ring * row + tiles.t * s.advance * kBlock * s.padded;
                            line[k] = tiles.lines + k * tiles.z.turned_line;
                        }
                        each_line(from, line, tiles.columns() * kBlock * s.padded,
                                  [](const V(&d)[N], V(&p)[N]) __attribute__((always_inline)) { to_points(d, p); });
                        tiles.points_of_inputs(tiles.turned, tiles.z.turned_point, r, kBlock * s.padded,
                                               tiles.z.turned_line);
                    }
                    slope_products(N * N, tiles.outputs, tiles.z.out_point, s.outputs, tiles.turned,
                                   tiles.z.turned_point, s.padded, sums + group * N * N * s.sums_point, s.sums_point,
                                   tiles.row());
                }
                if (!to.data) return;
                products(N * N, s.weights + group * N * N * s.weights_point, s.weights_point, s.outputs, s.inputs,
                         tiles.outputs, tiles.z.out_point, tiles.inputs, tiles.z.in_point, tiles.row());
                tiles.give_slopes(to, b, group);
            });
            if (to.data && !add) clear_rows(s, to, b, group, cleared, to.rows);
        }
}

// Weights [outputs of all groups][inputs][R][R] to points, packed as `products` reads them.
template <int M, int N, int R>
void pack_points(const Winograd& s, const float* weights, float* packed, bool back) {
    const int64_t rows = back ? s.inputs : s.outputs, others = back ? s.outputs : s.inputs, point = s.weights_point;
    for (int64_t group = 0; group < s.groups; ++group, packed += N * N * point)
        for (int64_t o = 0; o < s.outputs; ++o)
            for (int64_t c = 0; c < s.inputs; c += kWidth) {
                const int64_t live = least(kWidth, s.inputs - c);
                const float* from = weights + ((group * s.outputs + o) * s.inputs + c) * R * R;
                alignas(64) float lanes[R * R][kWidth] = {};
                for (int64_t lane = 0; lane < live; ++lane)
                    for (int i = 0; i < R * R; ++i) lanes[i][lane] = from[lane * R * R + i];
                V half[R][N];
                for (int i = 0; i < R; ++i) {
                    V row[R];
                    for (int j = 0; j < R; ++j) row[j] = load(lanes[i * R + j]);
                    weights_to(row, half[i]);
                }
                alignas(64) float points[N * N][kWidth];
                for (int j = 0; j < N; ++j) {
                    V column[R], whole[N];
                    for (int i = 0; i < R; ++i) column[i] = half[i][j];
                    weights_to(column, whole);
                    for (int i = 0; i < N; ++i) store(points[i * N + j], whole[i]);
                }
                for (int64_t lane = 0; lane < live; ++lane) {
                    const int64_t mine = back ? c + lane : o, other = back ? o : c + lane, first = mine / kOutputs * kOutputs;
                    float* to = packed + first * others + other * least(kOutputs, rows - first) + mine - first;
                    for (int i = 0; i < N * N; ++i) to[i * point] = points[i][lane];
                }
            }
}

// `weights` [outputs of all groups][inputs][R][R] += the gradient, from its sums at the points.
template <int M, int N, int R>
void sums_to_weights(const Winograd& s, const float* sums, float* weights) {
    const int64_t point = s.sums_point;
    for (int64_t group = 0; group < s.groups; ++group, sums += N * N * point)
        for (int64_t o = 0; o < s.outputs; ++o)
            for (int64_t c = 0; c < s.inputs; c += kWidth) {
                V half[N][R];
                for (int i = 0; i < N; ++i) {
                    V row[N];
                    for (int j = 0; j < N; ++j) row[j] = load(sums + (i * N + j) * point + o * s.padded + c);
                    weights_from(row, half[i]);
                }
                alignas(64) float lanes[R * R][kWidth];
                for (int j = 0; j < R; ++j) {
                    V column[N], whole[R];
                    for (int i = 0; i < N; ++i) column[i] = half[i][j];
                    weights_from(column, whole);
                    for (int i = 0; i < R; ++i) store(lanes[i * R + j], whole[i]);
                }
                float* to = weights + ((group * s.outputs + o) * s.inputs + c) * R * R;
                for (int64_t lane = 0; lane < least(kWidth, s.inputs - c); ++lane)
                    for (int i = 0; i < R * R; ++i) to[lane * R * R + i] += lanes[i][lane];
            }
}

// Tiles of 2x2 or 4x4 outputs for 3x3, also with stride 2, of 2x2 for 5x5, of 1 for 1x1.
template <typename Call>
PELLUCID_INLINE void with_form(const Winograd& s, Call call) {
    if (s.points == 1) call(Number<1>{}, Number<1>{}, Number<1>{});
    else if (s.points == 4) call(Number<2>{}, Number<4>{}, Number<3>{});
    else if (s.points == 5) call(Number<2>{}, Number<5>{}, Number<3>{});
    else if (s.points == 9) call(Number<4>{}, Number<9>{}, Number<3>{});
    else if (s.side == 4) call(Number<4>{}, Number<6>{}, Number<3>{});
    else call(Number<2>{}, Number<6>{}, Number<5>{});
}

void winograd(const Winograd& s, const View& in, const View& out, int64_t blocks, bool relu, uint8_t* winners,
              float* scratch) {
    with_form(s, [&](auto side, auto points, auto taps) {
        winograd_forward<side.value, points.value, taps.value>(s, in, out, blocks, relu, winners, scratch);
    });
}

void winograd_slopes(const Winograd& s, const View& in, const Slopes& slopes, const View& to, int64_t blocks, bool add,
                     float* scratch, float* sums, float* bias) {
    with_form(s, [&](auto side, auto points, auto taps) {
        winograd_back<side.value, points.value, taps.value>(s, in, slopes, to, blocks, add, scratch, sums, bias);
    });
}

void winograd_pack(const Winograd& s, const float* weights, float* packed, bool back) {
    with_form(s, [&](auto side, auto points, auto taps) { pack_points<side.value, points.value, taps.value>(s, weights, packed, back); });
}

void winograd_weights(const Winograd& s, const float* sums, float* weights) {
    with_form(s, [&](auto side, auto points, auto taps) { sums_to_weights<side.value, points.value, taps.value>(s, sums, weights); });
}
