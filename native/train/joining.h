// Training: what moves values: copies and sums, borders, dropout.
#pragma once

void copy(const View& in, const View& out, int64_t blocks, bool add) {
    // A flattened tensor has as many values in another form: row by row of the one that still has rows.
    const View& form = in.channels == out.channels ? out : in.rows * in.columns > 1 ? in : out;
    const int64_t n = form.columns * kBlock;
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < form.channels; ++c)
            for (int64_t y = 0; y < form.rows; ++y) {
                const int64_t flat = (c * form.rows + y) * n;
                const float* from = &form == &in || in.channels == out.channels ? in.at(b, c, y)
                                                                                 : in.data + b * in.block + flat;
                float* to = &form == &out || in.channels == out.channels ? out.at(b, c, y)
                                                                          : out.data + b * out.block + flat;
                if (add) {
                    PELLUCID_EACH
                    for (int64_t i = 0; i < n; ++i) to[i] += from[i];
                } else if (to != from) {
                    __builtin_memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
                }
            }
}

// out[y][x] = in[rows[y]][columns[x]], 0 where either is -1.
void pad(const int32_t* rows, const int32_t* columns, const View& in, const View& out, int64_t blocks) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < out.channels; ++c)
            for (int64_t y = 0; y < out.rows; ++y) {
                float* to = out.at(b, c, y);
                for (int64_t x = 0; x < out.columns; ++x, to += kBlock) {
                    if (rows[y] < 0 || columns[x] < 0)
                        __builtin_memset(to, 0, kBlock * sizeof(float));
                    else
                        __builtin_memcpy(to, in.at(b, c, rows[y]) + columns[x] * kBlock, kBlock * sizeof(float));
                }
            }
}

void pad_back(const int32_t* rows, const int32_t* columns, const View& out, const View& in, int64_t blocks, bool add) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < out.channels; ++c) {
            if (!add) clear(in, b, c);
            for (int64_t y = 0; y < out.rows; ++y)
                for (int64_t x = 0; x < out.columns; ++x) {
                    if (rows[y] < 0 || columns[x] < 0) continue;
                    const float* from = out.at(b, c, y) + x * kBlock;
                    float* to = in.at(b, c, rows[y]) + columns[x] * kBlock;
                    for (int64_t i = 0; i < kBlock; ++i) to[i] += from[i];
                }
        }
}

PELLUCID_INLINE uint32_t mixed(uint32_t x) {  // lowbias32 (Wellons 2018, "Prospecting for hash functions")
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    return x ^ (x >> 16);
}

// One block: values are kept and divided by 1 - rate, or 0: a pure function of the key, the picture's place in the
// batch and the value's. Its gradient is the same with gradients for values.
void dropout(uint64_t key, float rate, const int64_t* places, const View& in, const View& out, bool add) {
    uint32_t keys[kBlock];
    for (int64_t lane = 0; lane < kBlock; ++lane)
        keys[lane] = mixed(static_cast<uint32_t>(places[lane]) * 0x9e3779b9U + static_cast<uint32_t>(key >> 32));
    const auto limit = static_cast<uint32_t>(static_cast<double>(rate) * 16777216.0);  // of 24 bits
    const float factor = 1.0f / (1.0f - rate);
    for (int64_t c = 0; c < in.channels; ++c)
        for (int64_t y = 0; y < in.rows; ++y)
            for (int64_t x = 0; x < in.columns; ++x) {
                const float* from = in.at(0, c, y) + x * kBlock;
                float* to = out.at(0, c, y) + x * kBlock;
                const auto place = static_cast<uint32_t>((c * in.rows + y) * in.columns + x);
                const uint32_t own = place * 0x85ebca6bU + static_cast<uint32_t>(key);
                float kept[kBlock];
                for (int64_t lane = 0; lane < kBlock; ++lane)
                    kept[lane] = (mixed(keys[lane] ^ mixed(own)) >> 8) >= limit ? from[lane] * factor : 0.0f;
                for (int64_t lane = 0; lane < kBlock; ++lane) to[lane] = add ? to[lane] + kept[lane] : kept[lane];
            }
}
