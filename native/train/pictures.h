// Training: bytes into lanes, moved, turned, brightened and blanked on the way.
#pragma once

PELLUCID_INLINE float clipped(float value, float low, float high) {
    return value < low ? low : value > high ? high : value;
}

// Whether an axis is only shifted by whole pixels or mirrored: then pixels are moved, and not mixed.
PELLUCID_INLINE bool whole(const float* affine) {
    const auto is_whole = [](float value) { return value == __builtin_floorf(value); };
    return affine[1] == 0 && affine[3] == 0 && __builtin_fabsf(affine[0]) == 1 && __builtin_fabsf(affine[4]) == 1 &&
           is_whole(affine[2]) && is_whole(affine[5]);
}

// Row y of channel c of picture `row`, scaled, to `to`: [columns].
PELLUCID_INLINE void picture_row(const Pictures& p, int64_t row, const Variation& v, int64_t c, int64_t y, float* to) {
    const int64_t h = p.rows, w = p.columns, n = p.channels;
    const uint8_t* from = p.pixels + row * h * w * n + c;
    const float scale = p.scale[c], shift = p.shift[c], gain = v.gain, offset = v.offset;
    const bool plain = gain == 1 && offset == 0;
    const auto finish = [=](float value) __attribute__((always_inline)) {
        return (plain ? value : clipped(gain * value + offset, 0.0f, 255.0f)) * scale + shift;
    };
    if (!v.affine) {
        from += y * w * n;
        if (n == 1) {
            PELLUCID_EACH
            for (int64_t x = 0; x < w; ++x) to[x] = finish(from[x]);
        } else {
            for (int64_t x = 0; x < w; ++x) to[x] = finish(from[x * n]);
        }
        return;
    }
    constexpr int64_t kPiece = 64;
    const float* a = v.affine;
    const float middle_y = static_cast<float>(h - 1) * 0.5f, middle_x = static_cast<float>(w - 1) * 0.5f;
    const auto last_y = static_cast<float>(h - 1), last_x = static_cast<float>(w - 1);
    const float down = static_cast<float>(y) - middle_y;
    const float base_y = a[0] * down + a[2] + middle_y, base_x = a[3] * down + a[5] + middle_x;
    const bool moved = whole(a);
    for (int64_t first = 0; first < w; first += kPiece) {
        const int64_t count = least(kPiece, w - first);
        int32_t top[kPiece], left[kPiece];
        float fy[kPiece], fx[kPiece];
        PELLUCID_EACH
        for (int64_t i = 0; i < count; ++i) {
            const float across = static_cast<float>(static_cast<int32_t>(first + i)) - middle_x;
            const float at_y = clipped(base_y + a[1] * across, 0.0f, last_y);
            const float at_x = clipped(base_x + a[4] * across, 0.0f, last_x);
            top[i] = static_cast<int32_t>(at_y);
            left[i] = static_cast<int32_t>(at_x);
            fy[i] = at_y - static_cast<float>(top[i]);
            fx[i] = at_x - static_cast<float>(left[i]);
        }
        if (moved) {
            for (int64_t i = 0; i < count; ++i) to[first + i] = finish(from[(top[i] * w + left[i]) * n]);
            continue;
        }
        float corners[4][kPiece];
        for (int64_t i = 0; i < count; ++i) {
            const int64_t right = left[i] + 1 < w ? n : 0, below = top[i] + 1 < h ? w * n : 0;
            const uint8_t* pixel = from + (top[i] * w + left[i]) * n;
            corners[0][i] = pixel[0];
            corners[1][i] = pixel[right];
            corners[2][i] = pixel[below];
            corners[3][i] = pixel[below + right];
        }
        PELLUCID_EACH
        for (int64_t i = 0; i < count; ++i) {
            const float above = corners[0][i] + fx[i] * (corners[1][i] - corners[0][i]);
            const float below = corners[2][i] + fx[i] * (corners[3][i] - corners[2][i]);
            to[first + i] = finish(above + fy[i] * (below - above));
        }
    }
}

// `live` pictures into the lanes of `out`, a block of [channels][rows][columns][16]; lanes behind them are 0. `scratch`
// has 16 rows, each filled up to whole registers.
void load_pictures(const Pictures& p, const int64_t* rows, const Variation* variations, int64_t live, const View& out,
                   float* scratch) {
    const int64_t row = (p.columns + kWidth - 1) / kWidth * kWidth;
    __builtin_memset(scratch, 0, static_cast<size_t>(kBlock * row) * sizeof(float));
    for (int64_t c = 0; c < p.channels; ++c)
        for (int64_t y = 0; y < p.rows; ++y) {
            for (int64_t lane = 0; lane < live; ++lane) {
                const Variation& v = variations[lane];
                float* to = scratch + lane * row;
                picture_row(p, rows[lane], v, c, y, to);
                if (v.erase && y >= v.erase[0] && y < v.erase[2])
                    for (int64_t x = v.erase[1]; x < v.erase[3]; ++x) to[x] = 0;
            }
            float* to = out.at(0, c, y);
            for (int64_t x = 0; x < p.columns; x += kWidth)
                for (int64_t part = 0; part < kBlock; part += kWidth) {
                    V values[kWidth];
                    PELLUCID_UNROLL
                    for (int i = 0; i < kWidth; ++i) values[i] = load(scratch + (part + i) * row + x);
                    transpose(values);
                    const int64_t count = least(kWidth, p.columns - x);
                    for (int64_t i = 0; i < count; ++i) store(to + (x + i) * kBlock + part, values[i]);
                }
        }
}
