// Training: dense layers. Forward and back a block at a time; the weights' gradient over the whole batch at once.
#pragma once

constexpr int kDense = PELLUCID_WIDTH == 16 ? 12 : PELLUCID_WIDTH == 8 ? 6 : 3;  // 12 accumulators
constexpr int kPanelInputs = 3 * PELLUCID_WIDTH;
constexpr int kPanelOutputs = PELLUCID_WIDTH == 16 ? 8 : 4;

// out [outputs][16] = (out if add else bias) + weights x in [inputs][16]; weights [outputs / kDense][inputs][kDense],
// the last tile filled up with zeros.
void dense(const float* weights, const float* bias, int64_t inputs, int64_t outputs, const float* in, float* out,
           bool add) {
    for (int64_t first = 0; first < outputs; first += kDense) {
        V sums[kDense][kParts] = {};
        const float* w = weights + first * inputs;
        for (int64_t i = 0; i < inputs; ++i, w += kDense) {
            V value[kParts];
            PELLUCID_UNROLL
            for (int p = 0; p < kParts; ++p) value[p] = load(in + i * kBlock + p * kWidth);
            PELLUCID_UNROLL
            for (int o = 0; o < kDense; ++o)
                PELLUCID_UNROLL
                for (int p = 0; p < kParts; ++p) sums[o][p] += w[o] * value[p];
        }
        const int64_t n = least(kDense, outputs - first);
        V results[kDense][kParts];
        __builtin_memcpy(results, sums, sizeof sums);  // by number below: the sums themselves stay in registers
        for (int64_t o = 0; o < n; ++o)
            for (int p = 0; p < kParts; ++p) {
                float* to = out + (first + o) * kBlock + p * kWidth;
                const V start = add ? load(to) : all(bias ? bias[first + o] : 0.0f);
                store(to, start + results[o][p]);
            }
    }
}

// values [count][16] of block `block` into panels [ceil(count / width)][blocks * 16][width], the rest of which is 0.
void panels(const float* values, int64_t count, int64_t width, float* panels, int64_t block, int64_t blocks) {
    for (int64_t first = 0; first < count; first += width) {
        float* to = panels + first * blocks * kBlock + block * kBlock * width;
        const int64_t n = least(width, count - first);
        int64_t i = 0;
        for (; i + kWidth <= n; i += kWidth)
            for (int64_t part = 0; part < kBlock; part += kWidth) {
                V rows[kWidth];
                PELLUCID_UNROLL
                for (int j = 0; j < kWidth; ++j) rows[j] = load(values + (first + i + j) * kBlock + part);
                transpose(rows);
                PELLUCID_UNROLL
                for (int j = 0; j < kWidth; ++j) __builtin_memcpy(to + (part + j) * width + i, &rows[j], sizeof(V));
            }
        for (int64_t lane = 0; lane < kBlock; ++lane)
            for (int64_t j = i; j < n; ++j) to[lane * width + j] = values[(first + j) * kBlock + lane];
    }
}

// weights [outputs][inputs] = gradient^T x in for the panels of outputs `first` to below `last`; bias likewise.
void dense_weights(const float* in, const float* gradient, int64_t inputs, int64_t outputs, int64_t first, int64_t last,
                   int64_t blocks, float* weights, float* bias) {
    const int64_t batch = blocks * kBlock;
    for (int64_t i = 0; i < inputs; i += kPanelInputs)
        for (int64_t o = first; o < last; o += kPanelOutputs) {
            V sums[kPanelOutputs][3] = {};
            const float *value = in + i * batch, *slope = gradient + o * batch;
            for (int64_t k = 0; k < batch; ++k, value += kPanelInputs, slope += kPanelOutputs) {
                V row[3];
                PELLUCID_UNROLL
                for (int t = 0; t < 3; ++t) row[t] = load(value + t * kWidth);
                PELLUCID_UNROLL
                for (int j = 0; j < kPanelOutputs; ++j)
                    PELLUCID_UNROLL
                    for (int t = 0; t < 3; ++t) sums[j][t] += slope[j] * row[t];
            }
            float results[kPanelOutputs][kPanelInputs];
            __builtin_memcpy(results, sums, sizeof sums);
            const int64_t n = least(kPanelOutputs, outputs - o), width = least(kPanelInputs, inputs - i);
            for (int64_t j = 0; j < n; ++j)
                __builtin_memcpy(weights + (o + j) * inputs + i, results[j], static_cast<size_t>(width) * sizeof(float));
        }
    if (!bias) return;
    for (int64_t o = first; o < last; o += kPanelOutputs) {
        float sums[kPanelOutputs] = {};
        const float* slope = gradient + o * batch;
        for (int64_t k = 0; k < batch; ++k)
            for (int64_t j = 0; j < kPanelOutputs; ++j) sums[j] += slope[k * kPanelOutputs + j];
        for (int64_t j = 0; j < least(kPanelOutputs, outputs - o); ++j) bias[o + j] = sums[j];
    }
}
