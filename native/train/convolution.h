// Training: convolution, its data gradient (the same sum with other steps) and its weight gradient.
#pragma once

#if PELLUCID_WIDTH == 16
constexpr int kOutputs = 8;  // 24 accumulators of 32 registers
#else
constexpr int kOutputs = 4;  // 12 of 16
#endif
constexpr int kColumns = 3;

struct Range {
    int64_t first, last;  // last is exclusive
};

// The taps that any of outputs q to q + n - 1 has inside the input.
PELLUCID_INLINE Range taps_inside(const Axis& a, int64_t q, int64_t n) {
    const int64_t low = a.in0 + q * a.in_step, high = low + (n - 1) * a.in_step;
    const int64_t reach = (a.taps - 1) * a.in_tap;
    if (least(low, low + reach) >= 0 && most(high, high + reach) < a.size) return {0, a.taps};
    if (a.in_tap > 0)
        return {most(0, -floor_of(high, a.in_tap)), least(a.taps, floor_of(a.size - 1 - low, a.in_tap) + 1)};
    return {most(0, -floor_of(a.size - 1 - low, -a.in_tap)), least(a.taps, floor_of(high, -a.in_tap) + 1)};
}

// N outputs by T columns, in registers. `Whole` is the number of taps of a row where it is known; 0: as `x` says.
template <int N, int T, int Whole>
PELLUCID_INLINE void conv_tile(const Sweep& s, const float* in, int64_t in_plane, int64_t in_row, const float* weights,
                               const float* bias, float* out, int64_t out_plane, Range y, Range x) {
    V sums[N][T];
    const int64_t across = s.x.in_step * kBlock, apart = s.x.out_step * kBlock, along = s.x.in_tap * kBlock;
    if (s.start == Start::add) {
        PELLUCID_UNROLL
        for (int o = 0; o < N; ++o)
            PELLUCID_UNROLL
            for (int t = 0; t < T; ++t) sums[o][t] = load(out + o * out_plane + t * apart);
    } else {
        PELLUCID_UNROLL
        for (int o = 0; o < N; ++o)
            PELLUCID_UNROLL
            for (int t = 0; t < T; ++t) sums[o][t] = all(bias ? bias[o] : 0.0f);
    }
    const int64_t taps = Whole ? Whole : x.last - x.first;
    for (int64_t c = 0; c < s.inputs; ++c)
        for (int64_t j = y.first; j < y.last; ++j) {
            const float* from = in + c * in_plane + j * s.y.in_tap * in_row + x.first * along;
            const float* w = weights + ((c * s.kernel_rows + s.y.tap0 + j * s.y.tap_step) * s.kernel_columns +
                                        s.x.tap0 + x.first * s.x.tap_step) * N;
            const int64_t next = s.x.tap_step * N;
            const auto tap = [&]() __attribute__((always_inline)) {
                V value[T];
                PELLUCID_UNROLL
                for (int t = 0; t < T; ++t) value[t] = load(from + t * across);
                PELLUCID_UNROLL
                for (int o = 0; o < N; ++o)
                    PELLUCID_UNROLL
                    for (int t = 0; t < T; ++t) sums[o][t] += w[o] * value[t];
                from += along;
                w += next;
                PELLUCID_UNROLL
                for (int o = 0; o < N; ++o)
                    PELLUCID_UNROLL
                    for (int t = 0; t < T; ++t) PELLUCID_IN_REGISTER(sums[o][t]);
            };
            if constexpr (Whole > 0) {
                PELLUCID_UNROLL
                for (int k = 0; k < Whole; ++k) tap();
            } else {
                for (int64_t k = 0; k < taps; ++k) tap();
            }
        }
    PELLUCID_UNROLL
    for (int o = 0; o < N; ++o)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) store(out + o * out_plane + t * apart, sums[o][t]);
}

// One row of N outputs.
template <int N>
void conv_row(const Sweep& s, const View& in, const float* from, const float* weights, const float* bias,
              const View& out, float* to, Range y) {
    for (int64_t tile = 0; tile < s.tile_count; ++tile) {
        const int64_t q = s.tiles[tile].column, n = s.tiles[tile].count;
        const Range x = {s.tiles[tile].first, s.tiles[tile].last};
        const int64_t whole = x.first == 0 && x.last == s.x.taps && s.x.tap_step == 1 ? s.x.taps : 0;
        const float* base = from + (s.x.in0 + q * s.x.in_step) * kBlock;
        float* target = to + (s.x.out0 + q * s.x.out_step) * kBlock;
        for (int64_t part = 0; part < kBlock; part += kWidth) {
            const auto run = [&](auto columns, auto known) __attribute__((always_inline)) {
                conv_tile<N, decltype(columns)::value, decltype(known)::value>(
                    s, base + part, in.plane, in.row, weights, bias, target + part, out.plane, y, x);
            };
            if (n == 3) {
                if (N == kOutputs && whole == 3) run(Number<3>{}, Number<3>{});
                else if (N == kOutputs && whole == 5) run(Number<3>{}, Number<5>{});
                else run(Number<3>{}, Number<0>{});
            } else if (n == 2) {
                if (N == kOutputs && whole == 3) run(Number<2>{}, Number<3>{});
                else if (N == kOutputs && whole == 5) run(Number<2>{}, Number<5>{});
                else run(Number<2>{}, Number<0>{});
            } else {
                run(Number<1>{}, Number<0>{});
            }
        }
    }
}

using RowOf = void (*)(const Sweep&, const View&, const float*, const float*, const float*, const View&, float*, Range);

template <int... N>
PELLUCID_INLINE RowOf row_of(int64_t n, Numbers<N...>) {
    static constexpr RowOf rows[] = {conv_row<N + 1>...};
    return rows[n - 1];
}

// Rows of outputs `q` to below `last` of one group, `to` being where row q goes. Input channels are taken so many at a
// time that their rows stay in the nearest cache while all outputs are made of them.
void conv_rows(const Sweep& s, const View& in, const View& out, int64_t b, int64_t group, int64_t q, int64_t last,
               float* to) {
    constexpr int64_t kNear = 16 << 10, kFewestTaps = 48;  // bytes; fewer taps aren't worth fetching the sums again
    const int64_t reach = (last - 1 - q) * s.y.in_step + (s.y.taps - 1) * most(s.y.in_tap, -s.y.in_tap) + 1;
    const int64_t near = kNear / (reach * in.row * static_cast<int64_t>(sizeof(float)));
    const int64_t fewest = kFewestTaps / most(1, s.y.taps * s.x.taps) + 1;
    const int64_t chunks = (s.inputs - 1) / most(near, fewest) + 1;
    const int64_t kernel = s.kernel_rows * s.kernel_columns;
    Sweep part = s;
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const int64_t first = s.inputs * chunk / chunks;
        part.inputs = s.inputs * (chunk + 1) / chunks - first;
        if (chunk) part.start = Start::add;
        for (int64_t row = q; row < last; ++row) {
            const Range y = taps_inside(s.y, row, 1);
            const float* from = in.at(b, group * s.inputs + first, s.y.in0 + row * s.y.in_step);
            float* target = to + (row - q) * s.y.out_step * out.row;
            for (int64_t o = 0; o < s.outputs; o += kOutputs) {
                const int64_t n = least(kOutputs, s.outputs - o), number = group * s.outputs + o;
                row_of(n, Counted<kOutputs>{})(part, in, from, s.weights + (number * s.inputs + first * n) * kernel,
                                               s.bias ? s.bias + number : nullptr, out, target + o * out.plane, y);
            }
        }
    }
}

void convolve(const Sweep& s, const View& in, const View& out, int64_t blocks) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t group = 0; group < s.groups; ++group)
            for (int64_t q = 0; q < s.y.count; q += 2)
                conv_rows(s, in, out, b, group, q, least(q + 2, s.y.count),
                          out.at(b, group * s.outputs, s.y.out0 + q * s.y.out_step));
}

// One tile of weights of one kernel row, in registers: products summed over the outputs' rows q to below `last`.
template <int N, int T>
void weight_tile(const Sweep& s, const View& in, const View& slopes, int64_t b, int64_t q, int64_t last,
                 int64_t channel, int64_t row, const int64_t* offsets, V* kept) {
    V sums[N][T];
    PELLUCID_UNROLL
    for (int o = 0; o < N; ++o)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) sums[o][t] = kept[o * T + t];
    const int64_t across = s.x.in_step * kBlock;
    for (; q < last; ++q) {
        const int64_t y = s.y.in0 + q * s.y.in_step + row * s.y.in_tap;
        if (y < 0 || y >= s.y.size) continue;
        for (int64_t part = 0; part < kBlock; part += kWidth) {
            const float* from = in.at(b, channel, y) + s.x.in0 * kBlock + part;
            const float* slope = slopes.at(0, 0, q) + part;
            for (int64_t x = 0; x < s.x.count; ++x) {
                V value[T];
                PELLUCID_UNROLL
                for (int t = 0; t < T; ++t) value[t] = load(from + offsets[t]);
                PELLUCID_UNROLL
                for (int o = 0; o < N; ++o) {
                    const V g = load(slope + o * slopes.plane);
                    PELLUCID_UNROLL
                    for (int t = 0; t < T; ++t) sums[o][t] += g * value[t];
                }
                from += across;
                slope += kBlock;
            }
        }
    }
    PELLUCID_UNROLL
    for (int o = 0; o < N; ++o)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) kept[o * T + t] = sums[o][t];
}

using WeightTile = void (*)(const Sweep&, const View&, const View&, int64_t, int64_t, int64_t, int64_t, int64_t,
                            const int64_t*, V*);

template <int... NT>
PELLUCID_INLINE WeightTile weight_tile_of(int64_t n, int64_t t, Numbers<NT...>) {
    static constexpr WeightTile tiles[] = {weight_tile<NT / kColumns + 1, NT % kColumns + 1>...};
    return tiles[(n - 1) * kColumns + t - 1];
}

// Calls tile(channel, row, offsets, t, places) for every kernel weight of one output, up to kColumns at a time: those
// of a kernel's row, or, where that is short, side by side through the channels. `places` are theirs among the weights.
template <typename Tile>
PELLUCID_INLINE void each_weight(const Sweep& s, const View& in, Tile tile) {
    const bool through = s.kernel_columns < kColumns;
    const int64_t taps = s.kernel_columns * (through ? s.inputs : 1), tiles = (taps - 1) / kColumns + 1;
    for (int64_t channel = 0; channel < (through ? 1 : s.inputs); ++channel)
        for (int64_t row = 0; row < s.kernel_rows; ++row)
            for (int64_t number = 0; number < tiles; ++number) {
                const int64_t first = taps * number / tiles, t = taps * (number + 1) / tiles - first;
                int64_t offsets[kColumns], places[kColumns];
                for (int64_t i = 0; i < t; ++i) {
                    const int64_t c = (first + i) / s.kernel_columns, k = (first + i) % s.kernel_columns;
                    offsets[i] = c * in.plane + k * s.x.in_tap * kBlock;
                    places[i] = ((channel + c) * s.kernel_rows + row) * s.kernel_columns + k;
                }
                tile(channel, row, offsets, t, places);
            }
}

// `weights` [outputs of all groups][inputs][rows][columns] += the gradient. Reads the input's halo: as wide as the
// padding. Some rows of a few outputs' slopes, expanded into `scratch` where they were pooled, stay in the nearest cache
// while all weights are met; each weight's sum stays a vector until the end.
void convolve_weights(const Sweep& s, const View& in, const Slopes& slopes, int64_t blocks, float* scratch,
                      float* weights) {
    const int64_t kernel = s.inputs * s.kernel_rows * s.kernel_columns;
    V* const sums = reinterpret_cast<V*>(scratch + s.strip * kOutputs * s.x.count * kBlock);
    for (int64_t group = 0; group < s.groups; ++group)
        for (int64_t o = 0; o < s.outputs; o += kOutputs) {
            const int64_t n = least(kOutputs, s.outputs - o), output = group * s.outputs + o;
            for (int64_t i = 0; i < n * kernel; ++i) sums[i] = V{};
            for (int64_t b = 0; b < blocks; ++b)
                for (int64_t q = 0; q < s.y.count; q += s.strip) {
                    const int64_t last = least(q + s.strip, s.y.count);
                    View strip = slopes.view;
                    if (slopes.winners) {
                        strip.row = s.x.count * kBlock;
                        strip.plane = s.strip * strip.row;
                        strip.data = scratch - q * strip.row;
                        for (int64_t i = 0; i < n; ++i)
                            expand_rows(slopes, b, output + i, q / 2, last / 2, scratch + i * strip.plane, strip.row);
                    } else {
                        strip.data = strip.at(b, output, 0);
                    }
                    V* kept = sums;
                    each_weight(s, in, [&](int64_t channel, int64_t row, const int64_t* offsets, int64_t t,
                                           const int64_t*) __attribute__((always_inline)) {
                        weight_tile_of(n, t, Counted<kOutputs * kColumns>{})(
                            s, in, strip, b, q, last, group * s.inputs + channel, row, offsets, kept);
                        kept += n * t;
                    });
                }
            const V* kept = sums;
            each_weight(s, in, [&](int64_t, int64_t, const int64_t*, int64_t t, const int64_t* places)
                                   __attribute__((always_inline)) {
                for (int64_t i = 0; i < n; ++i)
                    for (int64_t k = 0; k < t; ++k) weights[(output + i) * kernel + places[k]] += sum(*kept++);
            });
        }
}

// `bias` [channels] += the sum of each channel's values.
void sum_planes(const View& values, int64_t blocks, float* bias) {
    for (int64_t c = 0; c < values.channels; ++c) {
        V sums[kParts] = {};
        for (int64_t b = 0; b < blocks; ++b)
            for (int64_t y = 0; y < values.rows; ++y) {
                const float* from = values.at(b, c, y);
                for (int64_t x = 0; x < values.columns; ++x)
                    PELLUCID_UNROLL
                    for (int part = 0; part < kParts; ++part) sums[part] += load(from + x * kBlock + part * kWidth);
            }
        for (const V& each : sums) bias[c] += sum(each);
    }
}
