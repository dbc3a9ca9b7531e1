// Training: convolution, and its data gradient, which is the same sum with other steps.
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

// The taps that output q has inside the input.
PELLUCID_INLINE Range taps_inside(const Axis& a, int64_t q) {
    const int64_t first = a.in0 + q * a.in_step, last = first + (a.taps - 1) * a.in_tap;
    if (least(first, last) >= 0 && most(first, last) < a.size) return {0, a.taps};
    if (a.in_tap > 0)
        return {most(0, -floor_of(first, a.in_tap)), least(a.taps, floor_of(a.size - 1 - first, a.in_tap) + 1)};
    return {most(0, -floor_of(a.size - 1 - first, -a.in_tap)), least(a.taps, floor_of(first, -a.in_tap) + 1)};
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
    if constexpr (Whole > 0) {
        for (int64_t c = taps.channels; c > 0; --c, from += taps.channel, w += taps.channel_weights)
            for (int64_t j = taps.rows; j > 0; --j, from += taps.row, w += taps.row_weights)
                PELLUCID_UNROLL
                for (int k = 0; k < Whole; ++k) {
                    tap(from + k * Along * kBlock, w + k * N);
                    PELLUCID_AFRESH(from);
                }
    } else {
        const int64_t plane = taps.channel + taps.rows * taps.row;
        const int64_t kernel = taps.channel_weights + taps.rows * taps.row_weights;
        for (int64_t j = 0; j < taps.rows; ++j)
            for (int64_t k = 0; k < taps.columns; ++k) {
                const float* at = from + j * taps.row + k * taps.along;
                const float* weight = w + j * taps.row_weights + k * taps.column_weights;
                for (int64_t c = taps.channels; c > 0; --c, at += plane, weight += kernel) {
                    tap(at, weight);
                    PELLUCID_AFRESH(at);
                }
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

using RowOf = void (*)(const Sweep&, Range, int64_t, Start, const View&, const float*, const float*, const float*,
                       const View&, float*, Range);

template <int... N>
PELLUCID_INLINE RowOf row_of(int64_t n, Numbers<N...>) {
    static constexpr RowOf rows[] = {conv_row<N + 1>...};
    return rows[n - 1];
}

// Rows of outputs `q` to below `last` of one group, `to` being where row q goes. So many columns and input channels are
// taken at a time that what is read stays in the nearest cache while all outputs are made of it.
void conv_rows(const Sweep& s, const View& in, const View& out, int64_t b, int64_t group, int64_t q, int64_t last,
               float* to) {
    constexpr int64_t kNear = 28 << 10, kFewestTaps = 96;  // bytes; fewer taps aren't worth fetching the sums again
    // A phase of a stride wider than its kernel has no taps.
    const int64_t reach = (last - 1 - q) * s.y.in_step + most(s.y.taps - 1, 0) * most(s.y.in_tap, -s.y.in_tap) + 1;
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
                const Range y = taps_inside(s.y, row);
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
