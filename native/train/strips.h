// Training: a strip of tiles of a convolution (winograd.h) on its ways between values and points (points.h).
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

// `to` [columns][16 / Beside][padded channels][Beside]: a row of a group's channels, with zeros around them.
template <int Beside>
void turned_row(const Winograd& s, const View& in, int64_t b, int64_t group, int64_t y, float* to, int64_t columns) {
    const int64_t padded = s.padded, column = kBlock * padded, left = s.before[1];
    const int64_t wide = y >= 0 && y < in.rows ? least(in.columns, columns - left) : 0;
    for (int64_t i = 0; i < left * column; i += kWidth) store(to + i, V{});
    for (int64_t i = (left + wide) * column; i < columns * column; i += kWidth) store(to + i, V{});
    constexpr int kLines = kWidth / Beside;
    for (int64_t c = 0; wide > 0 && c < s.inputs; c += kLines) {
        const float* from[kLines];
        const int64_t live = least(kLines, s.inputs - c);
        for (int64_t i = 0; i < kLines; ++i) from[i] = in.at(b, group * s.inputs + c + least(i, live - 1), y);
        float* target = to + left * column + c;
        for (int64_t i = 0; i < wide * kBlock; i += kWidth) {
            V lines[kLines];
            PELLUCID_UNROLL
            for (int k = 0; k < kLines; ++k) lines[k] = k < live ? load(from[k] + i) : V{};
            transpose<Beside>(lines);
            PELLUCID_UNROLL
            for (int k = 0; k < kLines; ++k, target += padded * Beside) store(target, lines[k]);
        }
    }
}

inline void turn_row(const Winograd& s, const View& in, int64_t b, int64_t group, int64_t y, float* to, int64_t columns) {
    if (s.beside == 2) turned_row<2>(s, in, b, group, y, to, columns);
    else if (s.beside == 4) turned_row<4>(s, in, b, group, y, to, columns);
    else turned_row<1>(s, in, b, group, y, to, columns);
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

// What a strip of tiles of M outputs and N points a side goes through.
template <int M, int N>
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
