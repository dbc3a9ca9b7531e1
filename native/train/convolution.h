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

// What a tile sums over, counted in floats from its first input and weight.
struct Taps {
    int64_t channels, rows, columns;
    int64_t row, row_weights;            // from one kernel row to the next
    int64_t channel, channel_weights;    // and on to the next channel from behind the last row
    int64_t across, along, column_weights;  // from one output to the next; from one tap to the next
};

// N outputs by T columns, in registers. `Whole` is the number of taps of a row where it is known, and these then lie side
// by side, in the direction of `Along`; 0: as `taps` says.
template <int N, int T, int Whole, int Along>
PELLUCID_INLINE void conv_tile(const Taps& taps, Start start, const float* from, const float* w, const float* bias,
                               float* out, int64_t out_plane, int64_t apart) {
    V sums[N][T];
    if (start == Start::add) {
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
    const int64_t across = Along ? kBlock : taps.across;
    const auto tap = [&](const float* at, const float* weight) __attribute__((always_inline)) {
        V value[T];
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) value[t] = load(at + t * across);
        PELLUCID_UNROLL
        for (int o = 0; o < N; ++o)
            PELLUCID_UNROLL
            for (int t = 0; t < T; ++t) sums[o][t] = with_product(sums[o][t], all(weight[o]), value[t]);
    };
    for (int64_t c = taps.channels; c > 0; --c, from += taps.channel, w += taps.channel_weights)
        for (int64_t j = taps.rows; j > 0; --j, from += taps.row, w += taps.row_weights) {
            if constexpr (Whole > 0) {
                PELLUCID_UNROLL
                for (int k = 0; k < Whole; ++k) {
                    tap(from + k * Along * kBlock, w + k * N);
                    PELLUCID_AFRESH(from);
                }
            } else {
                const float *at = from, *weight = w;
                for (int64_t k = taps.columns; k > 0; --k, at += taps.along, weight += taps.column_weights)
                    tap(at, weight);
            }
        }
    PELLUCID_UNROLL
    for (int o = 0; o < N; ++o)
        PELLUCID_UNROLL
        for (int t = 0; t < T; ++t) store(out + o * out_plane + t * apart, sums[o][t]);
}

// Some tiles of a row of N outputs, of the sum over some input channels.
template <int N>
void conv_row(const Sweep& s, Range tiles, int64_t channels, Start start, const View& in, const float* from, const float* weights,
              const float* bias, const View& out, float* to, Range y) {
    Taps taps;
    taps.channels = channels;
    taps.rows = y.last - y.first;
    taps.row = s.y.in_tap * in.row;
    taps.row_weights = s.y.tap_step * s.kernel_columns * N;
    taps.channel = in.plane - taps.rows * taps.row;
    taps.channel_weights = s.kernel_rows * s.kernel_columns * N - taps.rows * taps.row_weights;
    taps.across = s.x.in_step * kBlock;
    taps.along = s.x.in_tap * kBlock;
    taps.column_weights = s.x.tap_step * N;
    from += y.first * taps.row;
    weights += ((s.y.tap0 + y.first * s.y.tap_step) * s.kernel_columns + s.x.tap0) * N;
    const int64_t apart = s.x.out_step * kBlock;
    const bool beside = s.x.tap_step == 1 && s.x.in_step == 1;
    const int64_t known = beside && (s.x.in_tap == 1 || s.x.in_tap == -1) && (s.x.taps == 3 || s.x.taps == 5)
                              ? s.x.taps * s.x.in_tap
                              : 0;
    for (int64_t number = tiles.first; number < tiles.last; ++number) {
        const Tile tile = s.tiles[number];
        taps.columns = tile.last - tile.first;
        const float* at = from + (s.x.in0 + tile.column * s.x.in_step) * kBlock + tile.first * taps.along;
        const float* w = weights + tile.first * taps.column_weights;
        float* target = to + (s.x.out0 + tile.column * s.x.out_step) * kBlock;
        const int64_t whole = taps.columns == s.x.taps ? known : 0;
        for (int64_t part = 0; part < kBlock; part += kWidth) {
            const auto run = [&](auto columns, auto row, auto along) __attribute__((always_inline)) {
                conv_tile<N, decltype(columns)::value, decltype(row)::value, decltype(along)::value>(
                    taps, start, at + part, w, bias, target + part, out.plane, apart);
            };
            const auto of = [&](auto columns) __attribute__((always_inline)) {
                if (N == kOutputs && whole == 3) run(columns, Number<3>{}, Number<1>{});
                else if (N == kOutputs && whole == -3) run(columns, Number<3>{}, Number<-1>{});
                else if (N == kOutputs && whole == 5) run(columns, Number<5>{}, Number<1>{});
                else if (N == kOutputs && whole == -5) run(columns, Number<5>{}, Number<-1>{});
                else run(columns, Number<0>{}, Number<0>{});
            };
            if (tile.count == 3) of(Number<3>{});
            else if (tile.count == 2) of(Number<2>{});
            else run(Number<1>{}, Number<0>{}, Number<0>{});
        }
    }
}

using RowOf = void (*)(const Sweep&, Range, int64_t, Start, const View&, const float*, const float*, const float*, const View&, float*, Range);

template <int... N>
PELLUCID_INLINE RowOf row_of(int64_t n, Numbers<N...>) {
    static constexpr RowOf rows[] = {conv_row<N + 1>...};
    return rows[n - 1];
}

// Rows of outputs `q` to below `last` of one group, `to` being where row q goes. So many columns and input channels are
// taken at a time that what is read stays in the nearest cache while all outputs are made of it.
void conv_rows(const Sweep& s, const View& in, const View& out, int64_t b, int64_t group, int64_t q, int64_t last,
               float* to) {
    constexpr int64_t kNear = 20 << 10, kFewestTaps = 48;  // bytes; fewer taps aren't worth fetching the sums again
    const int64_t reach = (last - 1 - q) * s.y.in_step + (s.y.taps - 1) * most(s.y.in_tap, -s.y.in_tap) + 1;
    const int64_t column = reach * kBlock * static_cast<int64_t>(sizeof(float));
    const int64_t fewest = least(s.inputs, kFewestTaps / most(1, s.y.taps * s.x.taps) + 1);
    const int64_t at_once = least(s.inputs, most(fewest, kNear / (column * in.columns)));
    const int64_t chunks = (s.inputs - 1) / at_once + 1, kernel = s.kernel_rows * s.kernel_columns;
    const int64_t columns = kNear / (column * at_once) - (s.x.taps - 1) * most(s.x.in_tap, -s.x.in_tap);
    const int64_t tiles = most(2, columns / (kColumns * s.x.in_step));
    for (Range part{0, 0}; part.first < s.tile_count; part.first = part.last) {
        part.last = least(part.first + tiles, s.tile_count);
        for (int64_t chunk = 0; chunk < chunks; ++chunk) {
            const int64_t first = s.inputs * chunk / chunks;
            const int64_t channels = s.inputs * (chunk + 1) / chunks - first;
            const Start start = chunk ? Start::add : s.start;
            for (int64_t row = q; row < last; ++row) {
                const Range y = taps_inside(s.y, row, 1);
                const float* from = in.at(b, group * s.inputs + first, s.y.in0 + row * s.y.in_step);
                float* target = to + (row - q) * s.y.out_step * out.row;
                for (int64_t o = 0; o < s.outputs; o += kOutputs) {
                    const int64_t n = least(kOutputs, s.outputs - o), number = group * s.outputs + o;
                    row_of(n, Counted<kOutputs>{})(s, part, channels, start, in, from,
                                                   s.weights + (number * s.inputs + first * n) * kernel,
                                                   s.bias ? s.bias + number : nullptr, out, target + o * out.plane, y);
                }
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
                    for (int t = 0; t < T; ++t) sums[o][t] = with_product(sums[o][t], g, value[t]);
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

constexpr int kTaps = 5;  // weights of a tile at most; of more than three, with half the outputs

template <int... NT>
PELLUCID_INLINE WeightTile weight_tile_of(int64_t n, int64_t t, Numbers<NT...>) {
    static constexpr WeightTile tiles[] = {
        weight_tile<NT % kTaps < 3 || NT / kTaps < kOutputs / 2 ? NT / kTaps + 1 : 1, NT % kTaps + 1>...};
    return tiles[(n - 1) * kTaps + t - 1];
}

// Calls tile(channel, row, offsets, t, places) for every kernel weight of one output, up to kTaps at a time: those
// of a kernel's row, or, where that is short, side by side through the channels. `places` are theirs among the weights.
template <typename Tile>
PELLUCID_INLINE void each_weight(const Sweep& s, const View& in, Tile tile) {
    const bool through = s.kernel_columns < 3;
    const int64_t taps = s.kernel_columns * (through ? s.inputs : 1), widest = !through && taps % 5 == 0 ? 5 : 3;
    const int64_t tiles = (taps - 1) / widest + 1;
    for (int64_t channel = 0; channel < (through ? 1 : s.inputs); ++channel)
        for (int64_t row = 0; row < s.kernel_rows; ++row)
            for (int64_t number = 0; number < tiles; ++number) {
                const int64_t first = taps * number / tiles, t = taps * (number + 1) / tiles - first;
                int64_t offsets[kTaps], places[kTaps];
                for (int64_t i = 0; i < t; ++i) {
                    const int64_t c = (first + i) / s.kernel_columns, k = (first + i) % s.kernel_columns;
                    offsets[i] = c * in.plane + k * s.x.in_tap * kBlock;
                    places[i] = ((channel + c) * s.kernel_rows + row) * s.kernel_columns + k;
                }
                tile(channel, row, offsets, t, places);
            }
}

// Products of a strip of rows from q on and up to kOutputs outputs from o on, for all their weights.
void weight_strip(const Sweep& s, const View& in, const Slopes& slopes, int64_t b, int64_t group, int64_t o, int64_t q,
                  float* scratch, V* kept, float* bias) {
    const int64_t n = least(kOutputs, s.outputs - o), output = group * s.outputs + o;
    const int64_t last = least(q + s.strip, s.y.count);
    View strip = slopes.view;
    if (slopes.winners) {
        strip.row = s.x.count * kBlock;
        strip.plane = spread(s.strip * s.x.count) * kBlock;
        strip.data = scratch - q * strip.row;
        for (int64_t i = 0; i < n; ++i) {
            const V total = expand_rows(slopes, b, output + i, q / 2, last / 2, scratch + i * strip.plane, strip.row);
            if (bias) bias[output + i] += sum(total);
        }
    } else {
        strip.data = strip.at(b, output, 0);
    }
    each_weight(s, in, [&](int64_t channel, int64_t row, const int64_t* offsets, int64_t t, const int64_t*)
                           __attribute__((always_inline)) {
        const int64_t at_once = t > 3 ? kOutputs / 2 : kOutputs;
        for (int64_t i = 0; i < n; i += at_once) {
            const int64_t outputs = least(at_once, n - i);
            View part = strip;
            part.data += i * strip.plane;
            weight_tile_of(outputs, t, Counted<kOutputs * kTaps>{})(s, in, part, b, q, last, group * s.inputs + channel,
                                                                   row, offsets, kept);
            kept += outputs * t;
        }
    });
}

// `weights` [outputs of all groups][inputs][rows][columns] += the gradient. Reads the input's halo: as wide as the
// padding. Some rows of a few outputs' slopes, expanded into `scratch` where they were pooled, stay in the nearest cache
// while all weights are met, and the rows of the input in the next one while some tiles of outputs are; each weight's sum
// stays a vector until the end. `bias`, if any, of pooled slopes alone.
void convolve_weights(const Sweep& s, const View& in, const Slopes& slopes, int64_t blocks, float* scratch,
                      float* weights, float* bias) {
    const int64_t kernel = s.inputs * s.kernel_rows * s.kernel_columns;
    V* const sums = reinterpret_cast<V*>(scratch + kOutputs * spread(s.strip * s.x.count) * kBlock);
    for (int64_t group = 0; group < s.groups; ++group)
        for (int64_t begin = 0; begin < s.outputs; begin += s.panel * kOutputs) {
            const int64_t end = least(begin + s.panel * kOutputs, s.outputs);
            for (int64_t i = 0; i < (end - begin) * kernel; ++i) sums[i] = V{};
            for (int64_t b = 0; b < blocks; ++b)
                for (int64_t q = 0; q < s.y.count; q += s.strip)
                    for (int64_t o = begin; o < end; o += kOutputs)
                        weight_strip(s, in, slopes, b, group, o, q, scratch, sums + (o - begin) * kernel, bias);
            float* kept = reinterpret_cast<float*>(sums);
            sum_each(sums, (end - begin) * kernel, kept);
            for (int64_t o = begin; o < end; o += kOutputs) {
                const int64_t n = least(kOutputs, end - o), output = group * s.outputs + o;
                each_weight(s, in, [&](int64_t, int64_t, const int64_t*, int64_t t, const int64_t* places)
                                       __attribute__((always_inline)) {
                    for (int64_t i = 0; i < n; ++i)
                        for (int64_t k = 0; k < t; ++k) weights[(output + i) * kernel + places[k]] += *kept++;
                });
            }
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
