#include "trainer.h"

#include <algorithm>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace pellucid::train {
namespace {

constexpr int64_t kChunk = 1 << 14;  // floats that one thread takes to the optimiser at a time

int64_t blocks_for(int64_t pictures) { return (pictures + kBlock - 1) / kBlock; }

// Part `number` of `parts` nearly equal ones of `count`: its first.
int64_t share(int64_t count, int64_t number, int64_t parts) { return count * number / parts; }

}  // namespace

Trainer::Trainer(Network network, const Kernels& kernels, Pictures pictures, const int64_t* labels,
                 Settings settings)
    : network_(std::move(network)), k_(kernels), pictures_(pictures), labels_(labels),
      settings_(std::move(settings)) {
    settings_.threads = static_cast<int>(std::clamp<int64_t>(settings_.threads, 1, 1024));
    blocks_ = blocks_for(settings_.batch);
    settings_.piece = std::clamp<int64_t>(settings_.piece, 1, blocks_);
    settings_.groups = std::clamp<int64_t>(settings_.groups, 1, (blocks_ + settings_.piece - 1) / settings_.piece);
    values_ = network_.place(settings_.piece);
    const int64_t all = network_.weights + network_.statistics;
    weights_ = Floats(all);
    if (settings_.averaging > 0) average_ = Floats(all);
    moment1_ = Floats(network_.weights);
    if (settings_.optimiser != 2) moment2_ = Floats(network_.weights);
    packed_ = Floats(network_.packed);
    gradients_ = Floats(network_.weights * settings_.groups);
    total_ = Floats(network_.weights);
    std::vector<char> direct(settings_.offsets.size(), 0);
    int64_t panels = 0;
    for (Step& s : network_.steps) {
        if (s.kind == Kind::conv || s.kind == Kind::dense) {
            packs_.push_back({&s, false});
            if (s.wanted[0]) packs_.push_back({&s, true});
        }
        if (s.kind != Kind::dense) continue;
        for (size_t p = 0; p < direct.size(); ++p)
            if (settings_.offsets[p] == s.weight || settings_.offsets[p] == s.bias) direct[p] = 1;
        const Tensor& in = network_.tensors[s.in[0]];
        const auto up = [](int64_t n, int64_t by) { return (n + by - 1) / by * by; };
        s.panels_in = panels;
        panels += up(in.channels * in.rows * in.columns, k_.panel_inputs) * blocks_ * kBlock;
        s.panels_out = panels;
        panels += up(network_.tensors[s.out].channels, std::max<int64_t>(k_.panel_outputs, kBlock)) * blocks_ * kBlock;
    }
    panels_ = Floats(panels);
    int64_t scratch = 0;
    for (size_t p = 0; p < settings_.offsets.size(); ++p) {
        if (settings_.frozen[p]) continue;
        const int64_t end = settings_.offsets[p] + settings_.counts[p];
        const bool matrix = settings_.optimiser == 3 && settings_.rows[p] > 0;
        for (int64_t at = settings_.offsets[p]; at < end; at += kChunk)
            chunks_.push_back({at, std::min(kChunk, end - at), settings_.decays[p] != 0, direct[p] != 0, matrix});
        if (!matrix) continue;
        matrices_.push_back({settings_.offsets[p], settings_.rows[p], settings_.counts[p] / settings_.rows[p],
                             settings_.decays[p] != 0});
        scratch = std::max(scratch, muon_scratch(matrices_.back().rows, matrices_.back().columns));
    }
    workers_.resize(static_cast<size_t>(settings_.threads));
    for (Worker& worker : workers_) {
        worker.memory = Floats(values_);
        worker.scratch = Floats(network_.scratch);
        worker.sums = Floats(network_.sums);
        worker.muon = Floats(scratch);
#ifdef __SANITIZE_ADDRESS__
        for (const int64_t gap : network_.gaps)
            ASAN_POISON_MEMORY_REGION(worker.memory.data() + gap, kGap * sizeof(float));
#endif
        worker.moments.resize(static_cast<size_t>(network_.moments));
        worker.counts.resize(static_cast<size_t>(network_.moments));
        if (network_.precise) worker.precise.resize(static_cast<size_t>(network_.moments));
        worker.live.resize(static_cast<size_t>(settings_.piece));
    }
    threads_ = std::make_unique<Threads>(settings_.threads);
}

void Trainer::measure() {
    for (Worker& worker : workers_) worker.seconds.assign(2 * network_.steps.size() + 2, 0.0);
    between_.assign(2, 0.0);
}

std::vector<double> Trainer::seconds() const {
    std::vector<double> all(workers_[0].seconds);
    for (size_t w = 1; w < workers_.size(); ++w)
        for (size_t i = 0; i < all.size(); ++i) all[i] += workers_[w].seconds[i];
    all.insert(all.end(), between_.begin(), between_.end());
    return all;
}

int64_t Trainer::bytes() const {
    int64_t floats = (values_ + network_.scratch + network_.sums + workers_[0].muon.count()) * settings_.threads;
    for (const Floats* each : {&weights_, &average_, &moment1_, &moment2_, &packed_, &panels_, &total_})
        floats += each->count();
    for (const Chunk& chunk : chunks_)
        if (!chunk.direct) floats += chunk.count * settings_.groups;  // dense layers leave their place in the sets empty
    return floats * static_cast<int64_t>(sizeof(float));
}

View Trainer::value(const Worker& worker, int tensor) const {
    const Tensor& t = network_.tensors[tensor];
    return {worker.memory.data() + t.value + t.halo * kBlock, t.channels, t.rows, t.columns, t.row(t.halo),
            t.plane(t.halo), t.floats(t.halo)};
}

View Trainer::gradient(const Worker& worker, int tensor) const {
    const Tensor& t = network_.tensors[tensor];
    if (!network_.needs[tensor]) return {nullptr, t.channels, t.rows, t.columns, 0, 0, 0};
    return {worker.memory.data() + t.gradient + t.gradient_halo * kBlock, t.channels, t.rows, t.columns,
            t.row(t.gradient_halo), t.plane(t.gradient_halo), t.floats(t.gradient_halo)};
}

uint8_t* Trainer::winners(const Worker& worker, const Step& step) const {
    return reinterpret_cast<uint8_t*>(worker.memory.data() + step.winners);
}

void Trainer::pack_all(const float* weights, bool back) {
    now_ = weights;
    threads_->share(static_cast<int64_t>(packs_.size()), [&](int64_t number, int) {
        const PackTask& task = packs_[number];
        if (task.back && !back) return;
        pack(network_, *task.step, k_, weights, packed_.data(), task.back);
    });
}

Report Trainer::steps(const Steps& steps) {
    Report report;
    for (int64_t index = 0; index < steps.steps; ++index) step(steps, index, report);
    return report;
}

void Trainer::step(const Steps& steps, int64_t index, Report& report) {
    // Empty places are left out, so that they leave no trace.
    std::vector<int64_t> rows, places;
    for (int64_t place = 0; place < steps.batch; ++place)
        if (const int64_t row = steps.rows[index * steps.batch + place]; row >= 0) {
            rows.push_back(row);
            places.push_back(place);
        }
    const auto count = static_cast<int64_t>(rows.size());
    if (!count) return;
    const int64_t n = blocks_for(count), pieces = (n + settings_.piece - 1) / settings_.piece;
    const int64_t groups = std::min(settings_.groups, pieces), number = steps.first + index;
    batch_blocks_ = n;
    piece_statistics_.assign(static_cast<size_t>(pieces * network_.moments * 2), 0.0f);
    piece_pictures_.assign(static_cast<size_t>(pieces), 0);
    {
        const Watch watch(between_.empty() ? nullptr : &between_[0]);
        pack_all(weights_.data(), true);
    }

    std::vector<Loss> losses(static_cast<size_t>(groups));
    const float* class_weights = settings_.class_weights.empty() ? nullptr : settings_.class_weights.data();
    threads_->share(groups, [&](int64_t group, int thread) {
        Worker& worker = workers_[thread];
        float* gradients = gradients_.data() + group * network_.weights;
        for (const Chunk& chunk : chunks_)
            if (!chunk.direct) std::fill_n(gradients + chunk.offset, chunk.count, 0.0f);
        Loss& loss = losses[group];
        loss = {class_weights, settings_.smoothing, 0, 0};
        std::fill_n(worker.sums.data(), network_.sums, 0.0f);
        std::vector<Block> blocks;
        for (int64_t piece = share(pieces, group, groups); piece < share(pieces, group + 1, groups); ++piece) {
            const int64_t first = share(n, piece, pieces), last = share(n, piece + 1, pieces);
            blocks.clear();
            for (int64_t b = first; b < last; ++b) {
                const int64_t begin = share(count, b, n);
                blocks.push_back({begin, share(count, b + 1, n) - begin});
                const Watch watch(worker.clock(2 * network_.steps.size()));
                load(worker, rows.data(), places.data(), blocks.back(), b - first, &steps, index);
                piece_pictures_[piece] += blocks.back().live;
            }
            fetch_soon(rows.data(), share(count, last, n), count);
            worker.piece = piece;
            forward(worker, blocks.data(), last - first, first, number, true);
            const View logits = value(worker, network_.output), slopes = gradient(worker, network_.output);
            const int64_t classes = logits.channels * logits.rows * logits.columns;
            for (int64_t b = 0; b < last - first; ++b) {
                const Watch watch(worker.clock(2 * network_.steps.size() + 1));
                int64_t labels[kBlock] = {};
                for (int64_t lane = 0; lane < blocks[b].live; ++lane) labels[lane] = labels_[rows[blocks[b].first + lane]];
                k_.cross_entropy(logits.data + b * logits.block, classes, labels, blocks[b].live,
                                 1.0f / static_cast<float>(count), loss, slopes.data + b * slopes.block);
            }
            backward(worker, blocks.data(), last - first, first, number, gradients);
        }
        for (const Step& s : network_.steps)
            if (s.sums >= 0) k_.winograd_weights(s.winograd, worker.sums.data() + s.sums, gradients + s.weight);
    });
    double total = 0;
    for (const Loss& loss : losses) {
        total += loss.total;
        report.correct += loss.correct;
    }
    report.loss += static_cast<float>(total);  // sums of floats are exact here, however many steps are told at a time
    report.count += count;
    const Watch watch(between_.empty() ? nullptr : &between_[1]);
    optimise(number, steps.rates[index], groups);
}

void Trainer::logits(const int64_t* rows, int64_t count, bool averaged, float* out) {
    pack_all(averaged && average_.data() ? average_.data() : weights_.data(), false);
    const int64_t n = blocks_for(count), pieces = (n + settings_.piece - 1) / settings_.piece;
    threads_->share(pieces, [&](int64_t piece, int thread) {
        Worker& worker = workers_[thread];
        std::vector<Block> blocks;
        for (int64_t b = piece * settings_.piece; b < std::min(n, (piece + 1) * settings_.piece); ++b) {
            blocks.push_back({b * kBlock, std::min(kBlock, count - b * kBlock)});
            load(worker, rows, nullptr, blocks.back(), b - piece * settings_.piece, nullptr, 0);
        }
        const auto size = static_cast<int64_t>(blocks.size());
        forward(worker, blocks.data(), size, 0, 0, false);
        const View logits = value(worker, network_.output);
        const int64_t classes = logits.channels * logits.rows * logits.columns;
        for (int64_t b = 0; b < size; ++b)
            for (int64_t lane = 0; lane < blocks[b].live; ++lane)
                for (int64_t c = 0; c < classes; ++c)
                    out[(blocks[b].first + lane) * classes + c] = logits.data[b * logits.block + c * kBlock + lane];
    });
}

}  // namespace pellucid::train
