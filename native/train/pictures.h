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

// Picture `row` into one lane of `out`, a block of [channels][rows][columns][16].
void load_picture(const Pictures& p, int64_t row, const Variation& v, const View& out, int64_t lane) {
    const int64_t h = p.rows, w = p.columns, n = p.channels;
    const uint8_t* picture = p.pixels + row * h * w * n;
    const bool plain = v.gain == 1 && v.offset == 0;
    for (int64_t c = 0; c < n; ++c) {
        const float scale = p.scale[c], shift = p.shift[c], gain = v.gain, offset = v.offset;
        const auto final = [=](float value) {
            return (plain ? value : clipped(gain * value + offset, 0.0f, 255.0f)) * scale + shift;
        };
        const uint8_t* from = picture + c;
        const float middle_y = static_cast<float>(h - 1) * 0.5f, middle_x = static_cast<float>(w - 1) * 0.5f;
        const auto last_y = static_cast<float>(h - 1), last_x = static_cast<float>(w - 1);
        const bool moved = v.affine && whole(v.affine);
        for (int64_t y = 0; y < h; ++y) {
            float* to = out.at(0, c, y) + lane;
            if (!v.affine) {
                for (int64_t x = 0; x < w; ++x) to[x * kBlock] = final(from[(y * w + x) * n]);
                continue;
            }
            const float* a = v.affine;
            const float down = static_cast<float>(y) - middle_y;
            const float base_y = a[0] * down + a[2] + middle_y, base_x = a[3] * down + a[5] + middle_x;
            for (int64_t x = 0; x < w; ++x) {
                const float across = static_cast<float>(x) - middle_x;
                const float at_y = clipped(base_y + a[1] * across, 0.0f, last_y);
                const float at_x = clipped(base_x + a[4] * across, 0.0f, last_x);
                const auto top = static_cast<int64_t>(at_y), left = static_cast<int64_t>(at_x);
                if (moved) {
                    to[x * kBlock] = final(from[(top * w + left) * n]);
                    continue;
                }
                const int64_t bottom = least(top + 1, h - 1), right = least(left + 1, w - 1);
                const float fy = at_y - static_cast<float>(top), fx = at_x - static_cast<float>(left);
                const auto pixel = [&](int64_t i, int64_t j) { return static_cast<float>(from[(i * w + j) * n]); };
                const float above = pixel(top, left) + fx * (pixel(top, right) - pixel(top, left));
                const float below = pixel(bottom, left) + fx * (pixel(bottom, right) - pixel(bottom, left));
                to[x * kBlock] = final(above + fy * (below - above));
            }
        }
        if (!v.erase) continue;
        for (int64_t y = v.erase[0]; y < v.erase[2]; ++y)
            for (int64_t x = v.erase[1]; x < v.erase[3]; ++x) out.at(0, c, y)[x * kBlock + lane] = 0;
    }
}
