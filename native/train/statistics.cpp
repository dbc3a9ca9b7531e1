// Training: batch normalisation of a piece's blocks, channel by channel: whose statistics, and what is kept of them.
#include <algorithm>
#include <cmath>

#include "trainer.h"

namespace pellucid::train {

void Trainer::normalise(const Step& s, Worker& worker, int64_t n, bool training) {
    const View in = value(worker, s.in[0]), out = value(worker, s.out);
    const View other = s.in.size() > 1 ? value(worker, s.in[1]) : View{};
    int64_t pictures = 0;
    for (int64_t b = 0; b < n; ++b) pictures += worker.live[b];
    const int64_t count = pictures * in.rows * in.columns;
    // A single value a channel has no spread to learn from: it is normalised as in the finished model.
    const bool own = training && count > 1;
    for (int64_t c = 0; c < in.channels; ++c) {
        float mean = now_[s.mean + c], rest = 0, variance = now_[s.variance + c], whole = variance;
        float* kept = nullptr;
        if (training) kept = piece_statistics_.data() + (worker.piece * network_.moments + s.place + c) * 2;
        if (own) {
            const auto values = static_cast<float>(count);
            float sums[2];
            k_.moments(in, n, worker.live.data(), c, 0.0f, sums);
            mean = sums[0] / values;
            k_.moments(in, n, worker.live.data(), c, mean, sums);
            rest = sums[0] / values;
            const float squares = std::max(sums[1] - rest * sums[0], 0.0f);
            whole = squares / static_cast<float>(count - 1);
            variance = squares / values;
        }
        if (kept) {
            kept[0] = mean;
            kept[1] = whole;
        }
        const float inverse = 1.0f / std::sqrt(variance + s.number), factor = now_[s.weight + c] * inverse;
        worker.moments[s.place + c] = {mean, rest, inverse};
        worker.counts[s.place + c] = own ? static_cast<float>(count) : 0.0f;
        const float term = now_[s.bias + c] - rest * factor;
        if (s.pooled)
            k_.affine_pool(in, out, n, c, mean, factor, term, s.relu, winners(worker, s));
        else
            k_.affine(in, other, out, n, c, mean, factor, term, s.relu);
    }
}

void Trainer::normalise_precise(const Step& s, Worker& worker, int64_t n, bool training) {
    const View in = value(worker, s.in[0]), out = value(worker, s.out);
    double count = 0;
    for (int64_t b = 0; b < n; ++b) count += static_cast<double>(worker.live[b] * in.rows * in.columns);
    const bool own = training && count > 1;
    for (int64_t c = 0; c < in.channels; ++c) {
        double mean = now_[s.mean + c], variance = now_[s.variance + c], whole = variance;
        if (own) {
            double found[2];
            k_.moments_precise(in, n, worker.live.data(), c, count, found);
            mean = found[0];
            variance = found[1] / count;
            whole = found[1] / (count - 1);
        }
        if (training) {
            float* kept = piece_statistics_.data() + (worker.piece * network_.moments + s.place + c) * 2;
            kept[0] = static_cast<float>(mean);
            kept[1] = static_cast<float>(whole);
        }
        Precise& precise = worker.precise[s.place + c];
        precise = {mean, 1 / std::sqrt(variance + static_cast<double>(s.number)), own ? count : 0};
        k_.norm_precise(in, out, n, c, precise, now_[s.weight + c], now_[s.bias + c]);
    }
}

void Trainer::normalise_back(const Step& s, Worker& worker, int64_t n, float* gradients) {
    const View in = value(worker, s.in[0]), out = value(worker, s.out);
    const View g = gradient(worker, s.out), to = gradient(worker, s.in[0]);
    const Slopes slopes{g, s.pooled ? winners(worker, s) : nullptr};
    const bool also = s.in.size() > 1 && s.wanted[1];
    const View other = also ? gradient(worker, s.in[1]) : View{};
    float unused[2] = {};
    for (int64_t c = 0; c < in.channels; ++c) {
        float* const weight = s.frozen ? unused : gradients + s.weight + c;
        float* const bias = s.frozen ? unused + 1 : gradients + s.bias + c;
        if (network_.precise)
            k_.norm_back_precise(in, g, to, n, worker.live.data(), c, worker.precise[s.place + c], now_[s.weight + c],
                                 s.adds[0], weight, bias);
        else
            k_.norm_back(in, out, slopes, s.relu && !s.pooled, to, other, also && s.adds[1], n, worker.live.data(), c,
                         worker.moments[s.place + c], now_[s.weight + c], worker.counts[s.place + c], s.adds[0], weight,
                         bias);
    }
}

}  // namespace pellucid::train
