// Training: a convolution with the largest values of 2x2, and ReLU, behind it. Its own outputs, four times as many, never
// leave the nearest cache.
#pragma once

// The largest of each 2x2 of two rows, each value changed before, and which it is; the first of several.
template <typename Change>
PELLUCID_INLINE void pool_rows(const float* from, int64_t row, float* to, uint8_t* winner, int64_t columns, bool relu,
                               Change change) {
    for (int64_t x = 0; x < columns; ++x, from += 2 * kBlock, to += kBlock, winner += kBlock)
        PELLUCID_UNROLL
        for (int p = 0; p < kParts; ++p) {
            const float* at = from + p * kWidth;
            V best = change(load(at));
            M place = {};
            const auto next = [&](const float* other, int number) __attribute__((always_inline)) {
                const V value = change(load(other));
                const M larger = value > best;
                best = larger ? value : best;
                place = larger ? M{} + number : place;
            };
            next(at + kBlock, 1);
            next(at + row, 2);
            next(at + row + kBlock, 3);
            if (relu) {
                const M positive = best > 0;
                best = where(positive, best);
                place = positive ? place : M{} + kNowhere;
            }
            store(to + p * kWidth, best);
            const B bytes = __builtin_convertvector(place, B);
            __builtin_memcpy(winner + p * kWidth, &bytes, sizeof bytes);
        }
}

// `out` [channels][rows][columns][16] = the largest of each 2x2 of the convolution, above 0 where `relu`; `winners`
// uint8 of the same shape; `scratch` two rows of a group's outputs.
void convolve_pool(const Sweep& s, const View& in, const View& out, int64_t blocks, bool relu, uint8_t* winners,
                   float* scratch) {
    View rows;
    rows.row = s.x.count * kBlock;
    rows.plane = spread(2 * s.x.count) * kBlock;
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t group = 0; group < s.groups; ++group)
            for (int64_t q = 0; q < out.rows; ++q) {
                conv_rows(s, in, rows, b, group, 2 * q, 2 * q + 2, scratch);
                for (int64_t o = 0; o < s.outputs; ++o) {
                    const int64_t c = group * s.outputs + o;
                    pool_rows(scratch + o * rows.plane, rows.row, out.at(b, c, q),
                              winners + ((b * out.channels + c) * out.rows + q) * out.columns * kBlock, out.columns, relu,
                              [](V value) __attribute__((always_inline)) { return value; });
                }
            }
}
