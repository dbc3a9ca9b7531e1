// Training: the gradient of a convolution's weights.
#pragma once

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
            const V total = expand_rows(slopes, b, output + i, q / 2, last / 2, 0, slopes.view.columns, scratch + i * strip.plane, strip.row);
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
