// Training: slopes of what only the largest values of 2x2 went on from: a byte tells where each belongs.
#pragma once

typedef uint8_t B __attribute__((vector_size(PELLUCID_WIDTH), may_alias));

constexpr int kNowhere = 4;  // the winner of a window whose value an activation set to 0

// Slopes of windows of 2x2: of the four places of each, those of the one that won.
PELLUCID_INLINE void to_places(const uint8_t* winner, V slope, V (&places)[4]) {
    B bytes;
    __builtin_memcpy(&bytes, winner, sizeof bytes);
    const M place = __builtin_convertvector(bytes, M);
    PELLUCID_UNROLL
    for (int k = 0; k < 4; ++k) places[k] = where(place == k, slope);
}

// Rows q to below `last`, columns `begin` to below `end`, of a pooled channel's slopes, each at the one of its four places
// that won; their sum.
PELLUCID_INLINE V expand_rows(const Slopes& s, int64_t b, int64_t channel, int64_t q, int64_t last, int64_t begin,
                              int64_t end, float* to, int64_t row) {
    V total = {};
    for (; q < last; ++q, to += 2 * row) {
        const float* from = s.view.at(b, channel, q) + begin * kBlock;
        const uint8_t* winner =
            s.winners + (((b * s.view.channels + channel) * s.view.rows + q) * s.view.columns + begin) * kBlock;
        for (int64_t x = 0; x < end - begin; ++x, winner += kBlock)
            PELLUCID_UNROLL
            for (int p = 0; p < kParts; ++p) {
                V places[4];
                to_places(winner + p * kWidth, load(from + x * kBlock + p * kWidth), places);
                float* at = to + 2 * x * kBlock + p * kWidth;
                total += (places[0] + places[1]) + (places[2] + places[3]);  // three of them are 0
                store(at, places[0]);
                store(at + kBlock, places[1]);
                store(at + row, places[2]);
                store(at + row + kBlock, places[3]);
            }
    }
    return total;
}

// All of them, into the convolution's gradient; `bias` [channels], if any, += each channel's sum.
void expand(const Slopes& s, const View& out, int64_t blocks, float* bias) {
    for (int64_t c = 0; c < out.channels; ++c) {
        V total = {};
        for (int64_t b = 0; b < blocks; ++b)
            total += expand_rows(s, b, c, 0, s.view.rows, 0, s.view.columns, out.at(b, c, 0), out.row);
        if (bias) bias[c] += sum(total);
    }
}
