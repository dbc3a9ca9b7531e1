// Training: from the blocks' gradients to new weights.
#include <algorithm>
#include <cmath>

#include "trainer.h"

namespace pellucid::train {
namespace {

constexpr float kMomentum = 0.1f;    // of the running statistics, a step

}  // namespace

void Trainer::optimise(int64_t number, float rate, int64_t groups) {
    struct Part {
        const Step* step;
        int64_t first, last;
    };
    std::vector<Part> parts;  // of dense layers' gradients
    for (const Step& s : network_.steps) {
        if (s.kind != Kind::dense || s.frozen) continue;
        const int64_t outputs = network_.tensors[s.out].channels, each = 8 * k_.panel_outputs;
        for (int64_t first = 0; first < outputs; first += each)
            parts.push_back({&s, first, std::min(outputs, first + each)});
    }
    threads_->share(static_cast<int64_t>(parts.size()), [&](int64_t i, int) {
        const Step& s = *parts[i].step;
        const Tensor& in = network_.tensors[s.in[0]];
        k_.dense_weights(panels_.data() + s.panels_in, panels_.data() + s.panels_out,
                         in.channels * in.rows * in.columns, network_.tensors[s.out].channels, parts[i].first,
                         parts[i].last, batch_blocks_, total_.data() + s.weight,
                         s.bias >= 0 ? total_.data() + s.bias : nullptr);
    });
    ++taken;
    const auto gathered = [&](const Chunk& chunk) {
        if (chunk.direct) return;
        std::vector<const float*> sets;
        for (int64_t group = 0; group < groups; ++group)
            sets.push_back(gradients_.data() + group * network_.weights + chunk.offset);
        k_.sum_groups(sets.data(), groups, chunk.count, total_.data() + chunk.offset);
    };
    StepSize size{settings_.optimiser, rate, settings_.momentum, settings_.beta2, settings_.epsilon, 0,
                  static_cast<float>(1 - std::pow(static_cast<double>(settings_.momentum), static_cast<double>(taken))),
                  static_cast<float>(std::sqrt(1 - std::pow(static_cast<double>(settings_.beta2), static_cast<double>(taken)))),
                  1, 0};
    if (settings_.averaging > 0) {
        const auto t = static_cast<double>(number);
        size.follow = static_cast<float>(1 - std::min(static_cast<double>(settings_.averaging), (1 + t) / (10 + t)));
    }
    const auto chunks = static_cast<int64_t>(chunks_.size()), matrices = static_cast<int64_t>(matrices_.size());
    if (settings_.clip > 0) {
        std::vector<double> squares(chunks_.size());
        threads_->share(chunks, [&](int64_t i, int) {
            gathered(chunks_[i]);
            squares[i] = k_.squares(total_.data() + chunks_[i].offset, chunks_[i].count);
        });
        double sum = 0;
        for (const double each : squares) sum += each;
        size.clip = static_cast<float>(std::min(1.0, static_cast<double>(settings_.clip) / (std::sqrt(sum) + 1e-6)));
    }
    if (matrices && settings_.clip <= 0)
        threads_->share(chunks, [&](int64_t i, int) {
            if (chunks_[i].matrix) gathered(chunks_[i]);
        });
    StepSize rest = size;  // of what Muon leaves to AdamW
    if (settings_.optimiser == 3) rest.kind = 1;
    threads_->share(matrices + chunks, [&](int64_t i, int thread) {
        if (i < matrices) {
            const Matrix& m = matrices_[i];
            StepSize own = size;
            own.decay = m.decays ? settings_.decay : 0;
            k_.muon(own, m.rows, m.columns, weights_.data() + m.offset, total_.data() + m.offset,
                    moment1_.data() + m.offset, average_.data() ? average_.data() + m.offset : nullptr,
                    workers_[thread].muon.data());
            return;
        }
        const Chunk& chunk = chunks_[i - matrices];
        if (chunk.matrix) return;
        if (settings_.clip <= 0) gathered(chunk);
        StepSize own = rest;
        own.decay = chunk.decays ? settings_.decay : 0;
        float* second = moment2_.data() ? moment2_.data() + chunk.offset : nullptr;
        float* average = average_.data() ? average_.data() + chunk.offset : nullptr;
        k_.optimise(own, chunk.count, weights_.data() + chunk.offset, total_.data() + chunk.offset,
                    moment1_.data() + chunk.offset, second, average);
    });
    follow_statistics(static_cast<int64_t>(piece_pictures_.size()), size.follow);
}

// The running statistics go a tenth of the way to the pieces' mean.
void Trainer::follow_statistics(int64_t pieces, float part) {
    if (!network_.statistics) return;
    int64_t count = 0;
    for (const int64_t pictures : piece_pictures_) count += pictures;
    for (const Step& s : network_.steps) {
        if (s.kind != Kind::norm || s.frozen) continue;
        for (int64_t c = 0; c < network_.tensors[s.in[0]].channels; ++c)
            for (int which = 0; which < 2; ++which) {
                double mean = 0;
                for (int64_t piece = 0; piece < pieces; ++piece)
                    mean += static_cast<double>(piece_statistics_[(piece * network_.moments + s.place + c) * 2 + which]) *
                            static_cast<double>(piece_pictures_[piece]) / static_cast<double>(count);
                float& running = weights_.data()[(which ? s.variance : s.mean) + c];
                running += kMomentum * (static_cast<float>(mean) - running);
            }
    }
    if (part > 0)
        k_.follow(part, network_.statistics, weights_.data() + network_.weights, average_.data() + network_.weights);
}

}  // namespace pellucid::train
