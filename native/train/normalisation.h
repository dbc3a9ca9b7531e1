// Training: batch normalisation by the statistics of the blocks that go through it together, empty lanes left out.
#pragma once

// The sums over a channel's values, less `centre`, and over their squares.
void moments(const View& in, int64_t blocks, const int* live, int64_t channel, float centre, float sums[2]) {
    sums[0] = sums[1] = 0;
    for (int64_t b = 0; b < blocks; ++b) {
        V values[kParts] = {}, squares[kParts] = {};
        for (int64_t y = 0; y < in.rows; ++y) {
            const float* from = in.at(b, channel, y);
            for (int64_t x = 0; x < in.columns; ++x)
                PELLUCID_UNROLL
                for (int p = 0; p < kParts; ++p) {
                    const V value = load(from + x * kBlock + p * kWidth) - centre;
                    values[p] += value;
                    squares[p] += value * value;
                }
        }
        float lanes[2][kBlock];
        for (int p = 0; p < kParts; ++p) {
            __builtin_memcpy(lanes[0] + p * kWidth, &values[p], sizeof(V));
            __builtin_memcpy(lanes[1] + p * kWidth, &squares[p], sizeof(V));
        }
        for (int64_t lane = 0; lane < live[b]; ++lane) {
            sums[0] += lanes[0][lane];
            sums[1] += lanes[1][lane];
        }
    }
}

// out = (in - centre) * factor + term + what `other` has there, if it is any, of one channel; with `relu` only what is above
// 0. The centre goes first: where values hardly differ, `factor` is large, and centre * factor would take the digits that
// tell them apart.
void affine(const View& in, const View& other, const View& out, int64_t blocks, int64_t channel, float centre,
            float factor, float term, bool relu) {
    const float low = relu ? 0.0f : -__builtin_inff();
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t y = 0; y < in.rows; ++y) {
            const float* from = in.at(b, channel, y);
            float* to = out.at(b, channel, y);
            if (other.data) {
                const float* beside = other.at(b, channel, y);
                PELLUCID_EACH
                for (int64_t i = 0; i < in.columns * kBlock; ++i) {
                    const float value = (from[i] - centre) * factor + term + beside[i];
                    to[i] = value > low ? value : low;
                }
                continue;
            }
            PELLUCID_EACH
            for (int64_t i = 0; i < in.columns * kBlock; ++i) {
                const float value = (from[i] - centre) * factor + term;
                to[i] = value > low ? value : low;
            }
        }
}

// The same, of which only the largest of each 2x2 goes on: see pool_rows.
void affine_pool(const View& in, const View& out, int64_t blocks, int64_t channel, float centre, float factor,
                 float term, bool relu, uint8_t* winners) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t q = 0; q < out.rows; ++q)
            pool_rows(in.at(b, channel, 2 * q), in.row, out.at(b, channel, q),
                      winners + ((b * out.channels + channel) * out.rows + q) * out.columns * kBlock, out.columns, relu,
                      [=](V value) __attribute__((always_inline)) { return (value - centre) * factor + term; });
}

// Calls meet(row, place in it, lane, slope) for each value of `in` and the slope that comes back to it.
template <typename Meet>
PELLUCID_INLINE void each_slope(const View& in, const View& out, const Slopes& slopes, bool relu, int64_t b,
                                int64_t channel, Meet meet) {
    const View& g = slopes.view;
    if (!slopes.winners) {
        for (int64_t y = 0; y < in.rows; ++y) {
            const float *slope = g.at(b, channel, y), *kept = out.at(b, channel, y);
            for (int64_t i = 0; i < in.columns * kBlock; i += kWidth) {
                const V value = load(slope + i);
                meet(y, i, i % kBlock, relu ? where(load(kept + i) > 0, value) : value);
            }
        }
        return;
    }
    const uint8_t* winner = slopes.winners + (b * g.channels + channel) * g.rows * g.columns * kBlock;
    for (int64_t q = 0; q < g.rows; ++q) {
        const float* slope = g.at(b, channel, q);
        for (int64_t x = 0; x < g.columns; ++x, winner += kBlock)
            PELLUCID_UNROLL
            for (int64_t p = 0; p < kBlock; p += kWidth) {
                V places[4];
                to_places(winner + p, load(slope + x * kBlock + p), places);
                const int64_t at = 2 * x * kBlock + p;
                meet(2 * q, at, p, places[0]);
                meet(2 * q, at + kBlock, p, places[1]);
                meet(2 * q + 1, at, p, places[2]);
                meet(2 * q + 1, at + kBlock, p, places[3]);
            }
    }
}

// With `count` values behind the statistics; 0: they were the running ones, which don't depend on the values. `relu`, and
// slopes with winners: of what stands fused behind it.
// `other_gradient`: of what was added to the outputs, if that is wanted; `other_add`: it is added to what is there.
void norm_back(const View& in, const View& out, const Slopes& slopes, bool relu, const View& in_gradient,
               const View& other_gradient, bool other_add, int64_t blocks, const int* live, int64_t channel,
               Moments moments, float weight, float count, bool add, float* weight_sum, float* bias_sum) {
    V sums[kParts] = {}, products[kParts] = {};
    for (int64_t b = 0; b < blocks; ++b) {
        each_slope(in, out, slopes, relu, b, channel, [&](int64_t y, int64_t at, int64_t lane, V slope)
                                                          __attribute__((always_inline)) {
            sums[lane / kWidth] += slope;
            products[lane / kWidth] += slope * (load(in.at(b, channel, y) + at) - moments.mean - moments.rest);
        });
    }
    float total = 0, product = 0;
    for (int p = 0; p < kParts; ++p) {
        total += sum(sums[p]);
        product += sum(products[p]);
    }
    product *= moments.inverse;
    *weight_sum += product;
    *bias_sum += total;
    if (!in_gradient.data && !other_gradient.data) return;
    const float factor = weight * moments.inverse, share = count > 0 ? 1 / count : 0.0f;
    const float mean_slope = total * share, mean_product = product * share * moments.inverse;
    for (int64_t b = 0; b < blocks; ++b) {
        alignas(64) float mask[kBlock];
        for (int lane = 0; lane < kBlock; ++lane) mask[lane] = lane < live[b] ? factor : 0.0f;
        each_slope(in, out, slopes, relu, b, channel, [&](int64_t y, int64_t at, int64_t lane, V slope)
                                                          __attribute__((always_inline)) {
            if (in_gradient.data) {
                const V centred = load(in.at(b, channel, y) + at) - moments.mean - moments.rest;
                const V step = load(mask + lane) * (slope - mean_slope - centred * mean_product);
                float* to = in_gradient.at(b, channel, y) + at;
                store(to, add ? load(to) + step : step);
            }
            if (other_gradient.data) {
                float* to = other_gradient.at(b, channel, y) + at;
                store(to, other_add ? load(to) + slope : slope);
            }
        });
    }
}
