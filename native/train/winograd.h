// Training: convolutions of 3x3 and 5x5 with fewer products, see points.h. Tiles of M x M outputs of a strip are taken to
// N x N points each, whatever the stride; there a convolution is a product of matrices for each point; and what comes of
// it is taken back.
#pragma once

template <int M, int N>
void winograd_forward(const Winograd& s, const View& in, const View& out, int64_t blocks, bool relu, uint8_t* winners,
                      float* scratch) {
    Tiles<M, N> tiles(s, in.columns, scratch);
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t group = 0; group < s.groups; ++group)
            tiles.each_strip([&] {
                tiles.take(in, b, group);
                for (int64_t point = 0; point < N * N; ++point)
                    product(s.weights + (group * N * N + point) * s.weights_point, s.inputs, s.outputs,
                            tiles.inputs + point * tiles.z.in_point, tiles.outputs + point * tiles.z.out_point, tiles.row());
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

template <int M, int N>
void winograd_back(const Winograd& s, const View& in, const Slopes& slopes, const View& to, int64_t blocks, bool add,
                   float* scratch, float* sums, float* bias) {
    const int64_t widest = most(in.columns, s.columns), ring = (s.down - 1) * s.advance + N;
    const int64_t columns = (s.tiles_across - 1) * s.advance + N, row = spread(columns * s.padded) * kBlock;
    Tiles<M, N> tiles(s, widest, scratch);
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
                            from[k] = turned + ((tiles.q + r) * s.advance + k) % ring * row +
                                      tiles.t * s.advance * kBlock * s.padded;
                            line[k] = tiles.lines + k * tiles.z.turned_line;
                        }
                        each_line(from, line, tiles.columns() * kBlock * s.padded,
                                  [](const V(&d)[N], V(&p)[N]) __attribute__((always_inline)) { to_points(d, p); });
                        tiles.points_of_inputs(tiles.turned, tiles.z.turned_point, r, kBlock * s.padded,
                                               tiles.z.turned_line);
                    }
                }
                for (int64_t point = 0; point < N * N; ++point) {
                    const float* each = tiles.outputs + point * tiles.z.out_point;
                    const int64_t number = group * N * N + point;
                    if (sums)
                        slope_product(each, s.outputs, tiles.turned + point * tiles.z.turned_point, s.padded, s.beside,
                                      sums + number * s.sums_point, tiles.row());
                    if (to.data)
                        product(s.weights + number * s.weights_point, s.outputs, s.inputs, each,
                                tiles.inputs + point * tiles.z.in_point, tiles.row());
                }
                if (to.data) tiles.give_slopes(to, b, group);
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

// Sums of a register of inputs, those of pictures side by side added.
inline V sums_of(const Winograd& s, const float* from) {
    if (s.beside == 1) return load(from);
    float total[kWidth] = {};
    for (int64_t c = 0; c < s.padded; ++c)
        for (int64_t k = 0; k < s.beside; ++k) total[c] += from[c * s.beside + k];
    V sums;
    __builtin_memcpy(&sums, total, sizeof sums);
    return sums;
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
                    for (int j = 0; j < N; ++j) row[j] = sums_of(s, sums + (i * N + j) * point + o * s.padded * s.beside + c);
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
    with_form(s, [&](auto side, auto points, auto) {
        winograd_forward<side.value, points.value>(s, in, out, blocks, relu, winners, scratch);
    });
}

void winograd_slopes(const Winograd& s, const View& in, const Slopes& slopes, const View& to, int64_t blocks, bool add,
                     float* scratch, float* sums, float* bias) {
    with_form(s, [&](auto side, auto points, auto) {
        winograd_back<side.value, points.value>(s, in, slopes, to, blocks, add, scratch, sums, bias);
    });
}

void winograd_pack(const Winograd& s, const float* weights, float* packed, bool back) {
    with_form(s, [&](auto side, auto points, auto taps) { pack_points<side.value, points.value, taps.value>(s, weights, packed, back); });
}

void winograd_weights(const Winograd& s, const float* sums, float* weights) {
    with_form(s, [&](auto side, auto points, auto taps) { sums_to_weights<side.value, points.value, taps.value>(s, sums, weights); });
}
