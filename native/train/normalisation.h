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

// out = (in - centre) * factor + term, of one channel. The centre goes first: where values hardly differ, `factor` is
// large, and centre * factor would take the digits that tell them apart.
void affine(const View& in, const View& out, int64_t blocks, int64_t channel, float centre, float factor, float term) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t y = 0; y < in.rows; ++y) {
            const float* from = in.at(b, channel, y);
            float* to = out.at(b, channel, y);
            PELLUCID_EACH
            for (int64_t i = 0; i < in.columns * kBlock; ++i) to[i] = (from[i] - centre) * factor + term;
        }
}

// With `count` values behind the statistics; 0: they were the running ones, which don't depend on the values.
void norm_back(const View& in, const View& out_gradient, const View& in_gradient, int64_t blocks, const int* live,
               int64_t channel, Moments moments, float weight, float count, bool add, float* weight_sum,
               float* bias_sum) {
    V slopes[kParts] = {}, products[kParts] = {};
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t y = 0; y < in.rows; ++y) {
            const float *from = in.at(b, channel, y), *g = out_gradient.at(b, channel, y);
            for (int64_t x = 0; x < in.columns; ++x)
                PELLUCID_UNROLL
                for (int p = 0; p < kParts; ++p) {
                    const V slope = load(g + x * kBlock + p * kWidth);
                    slopes[p] += slope;
                    products[p] += slope * (load(from + x * kBlock + p * kWidth) - moments.mean - moments.rest);
                }
        }
    float slope = 0, product = 0;
    for (int p = 0; p < kParts; ++p) {
        slope += sum(slopes[p]);
        product += sum(products[p]);
    }
    product *= moments.inverse;
    *weight_sum += product;
    *bias_sum += slope;
    if (!in_gradient.data) return;
    const float factor = weight * moments.inverse, share = count > 0 ? 1 / count : 0.0f;
    const float mean_slope = slope * share, mean_product = product * share * moments.inverse;
    for (int64_t b = 0; b < blocks; ++b) {
        float mask[kBlock];
        for (int lane = 0; lane < kBlock; ++lane) mask[lane] = lane < live[b] ? factor : 0.0f;
        for (int64_t y = 0; y < in.rows; ++y) {
            const float *from = in.at(b, channel, y), *g = out_gradient.at(b, channel, y);
            float* to = in_gradient.at(b, channel, y);
            for (int64_t x = 0; x < in.columns; ++x)
                PELLUCID_UNROLL
                for (int p = 0; p < kParts; ++p) {
                    const int64_t at = x * kBlock + p * kWidth;
                    V lanes;
                    __builtin_memcpy(&lanes, mask + p * kWidth, sizeof lanes);
                    const V off = load(from + at) - moments.mean - moments.rest;
                    const V part = lanes * (load(g + at) - mean_slope - off * mean_product);
                    store(to + at, add ? load(to + at) + part : part);
                }
        }
    }
}
