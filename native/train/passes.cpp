// Training: pictures through the network and gradients back, by one thread, some blocks at a time.
#include <algorithm>

#include "trainer.h"

namespace pellucid::train {
namespace {

uint64_t mix(uint64_t x) {  // splitmix64, as in draws.py
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

}  // namespace

void Trainer::load(const Worker& worker, const int64_t* rows, const int64_t* places, const Block& block, int64_t b,
                   const Steps* steps, int64_t index) const {
    View in = value(worker, 0);
    in.data += b * in.block;
    Variation variations[kBlock];
    for (int64_t lane = 0; lane < block.live; ++lane) {
        variations[lane] = {nullptr, 1, 0, nullptr};
        if (!steps || !steps->affine) continue;
        const int64_t at = index * steps->batch + places[block.first + lane];
        variations[lane] = {steps->affine + at * 6, steps->gain[at], steps->offset[at], steps->erase + at * 4};
    }
    k_.load(pictures_, rows + block.first, variations, block.live, in, worker.scratch.data());
}

// Pictures are anywhere in memory: those of the block that comes next are asked for while this one is computed.
void Trainer::fetch_soon(const int64_t* rows, int64_t first, int64_t count) const {
    constexpr int64_t kMost = 4096, kLine = 64;  // bytes of a picture; larger ones are found as they are read
    const int64_t bytes = pictures_.channels * pictures_.rows * pictures_.columns;
    for (int64_t i = first; i < std::min(first + kBlock, count) && bytes <= kMost; ++i)
        for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(pictures_.pixels + rows[i] * bytes + at, 0, 2);
}

uint64_t Trainer::key(const Step& step, int64_t number) const {
    return mix(mix(mix(settings_.seed) + static_cast<uint64_t>(number)) + static_cast<uint64_t>(step.place));
}

void Trainer::drop(const Step& step, int64_t number, const Block* blocks, int64_t n, View from, View to,
                   bool add) const {
    for (int64_t b = 0; b < n; ++b, from.data += from.block, to.data += to.block) {
        int64_t places[kBlock];
        for (int64_t lane = 0; lane < kBlock; ++lane) places[lane] = blocks[b].first + lane;
        k_.dropout(key(step, number), step.number, places, from, to, add);
    }
}

void Trainer::forward(Worker& worker, const Block* blocks, int64_t n, int64_t first_block, int64_t number,
                      bool training) {
    for (int64_t b = 0; b < n; ++b) worker.live[b] = static_cast<int>(blocks[b].live);
    for (const Step& s : network_.steps) {
        const Watch watch(worker.clock(2 * (&s - network_.steps.data())));
        const View in = value(worker, s.in[0]), out = value(worker, s.out);
        switch (s.kind) {
            case Kind::conv: {
                if (s.winograd.side) {
                    Winograd form = s.winograd;
                    form.weights = packed_.data() + s.packed;
                    form.bias = s.bias >= 0 ? now_ + s.bias : nullptr;
                    k_.winograd(form, in, out, n, s.relu, s.pooled ? winners(worker, s) : nullptr, worker.scratch.data());
                    break;
                }
                Sweep sweep = s.forward;
                sweep.weights = packed_.data() + s.packed;
                sweep.bias = s.bias >= 0 ? now_ + s.bias : nullptr;
                sweep.start = Start::bias;
                if (network_.precise)
                    k_.convolve_precise(sweep, in, out, n);
                else if (s.pooled)
                    k_.convolve_pool(sweep, in, out, n, s.relu, winners(worker, s), worker.scratch.data());
                else
                    k_.convolve(sweep, in, out, n);
                break;
            }
            case Kind::dense: {
                const int64_t inputs = in.channels * in.rows * in.columns;
                for (int64_t b = 0; b < n; ++b) {
                    const float* from = in.data + b * in.block;
                    k_.dense(packed_.data() + s.packed, s.bias >= 0 ? now_ + s.bias : nullptr, inputs, out.channels,
                             from, out.data + b * out.block, false);
                    if (training && !s.frozen)
                        k_.panels(from, inputs, k_.panel_inputs, panels_.data() + s.panels_in, first_block + b,
                                  batch_blocks_);
                }
                break;
            }
            case Kind::curve: k_.curve(s.curve, s.number, in, out, n); break;
            case Kind::max_pool: k_.max_pool(s.windows, in, out, n); break;
            case Kind::mean_pool: k_.mean_pool(s.windows, in, out, n); break;
            case Kind::norm:
                if (network_.precise) normalise_precise(s, worker, n, training);
                else normalise(s, worker, n, training);
                break;
            case Kind::add:
                for (size_t i = 0; i < s.in.size(); ++i) k_.copy(value(worker, s.in[i]), out, n, i > 0);
                break;
            case Kind::concat: {
                View part = out;
                for (const int t : s.in) {
                    const View from = value(worker, t);
                    part.channels = from.channels;
                    k_.copy(from, part, n, false);
                    part.data += from.channels * out.plane;
                }
                break;
            }
            case Kind::dropout:
                if (!training || s.number == 0) {
                    if (s.in[0] != s.out) k_.copy(in, out, n, false);
                    break;
                }
                drop(s, number, blocks, n, in, out, false);
                break;
            case Kind::copy: k_.copy(in, out, n, false); break;
            case Kind::pad: k_.pad(s.from_rows.data(), s.from_columns.data(), in, out, n); break;
        }
    }
}

void Trainer::convolve_back(const Step& s, Worker& worker, int64_t n, float* gradients) {
    const View in = value(worker, s.in[0]), to = gradient(worker, s.in[0]);
    Slopes slopes{gradient(worker, s.out), s.pooled ? winners(worker, s) : nullptr};
    float* bias = !s.frozen && s.bias >= 0 ? gradients + s.bias : nullptr;
    if (s.winograd.side) {
        Winograd form = s.winograd;
        form.weights = packed_.data() + s.packed_back;
        k_.winograd_slopes(form, in, slopes, to, n, s.adds[0], worker.scratch.data(),
                           s.frozen ? nullptr : worker.sums.data() + s.sums, bias);
        return;
    }
    if (s.pooled && s.wanted[0]) {
        const View full = gradient(worker, s.full);
        k_.expand(slopes, full, n, bias);
        slopes = {full};
        bias = nullptr;
    } else if (!s.pooled && bias) {
        k_.sum_planes(slopes.view, n, bias);
        bias = nullptr;
    }
    if (!s.frozen) k_.convolve_weights(s.forward, in, slopes, n, worker.scratch.data(), gradients + s.weight, bias);
    if (!s.wanted[0]) return;
    for (Sweep sweep : s.back) {
        sweep.weights = packed_.data() + s.packed_back;
        sweep.start = s.adds[0] ? Start::add : Start::zero;
        k_.convolve(sweep, slopes.view, to, n);
    }
}

void Trainer::backward(Worker& worker, const Block* blocks, int64_t n, int64_t first_block, int64_t number,
                       float* gradients) {
    for (auto step = network_.steps.rbegin(); step != network_.steps.rend(); ++step) {
        const Step& s = *step;
        if (!network_.needs[s.out]) continue;
        const Watch watch(worker.clock(2 * (&s - network_.steps.data()) + 1));
        const View in = value(worker, s.in[0]), out = value(worker, s.out);
        const View g = gradient(worker, s.out), to = gradient(worker, s.in[0]);
        const bool wanted = s.wanted[0], adds = s.adds[0];
        switch (s.kind) {
            case Kind::conv: convolve_back(s, worker, n, gradients); break;
            case Kind::dense:
                for (int64_t b = 0; b < n; ++b) {
                    const float* from = g.data + b * g.block;
                    if (!s.frozen)
                        k_.panels(from, out.channels, k_.panel_outputs, panels_.data() + s.panels_out, first_block + b,
                                  batch_blocks_);
                    if (wanted)
                        k_.dense(packed_.data() + s.packed_back, nullptr, out.channels,
                                 in.channels * in.rows * in.columns, from, to.data + b * to.block, adds);
                }
                break;
            case Kind::curve:
                if (wanted) k_.curve_back(s.curve, s.number, in, out, g, to, n, adds && s.in[0] != s.out);
                break;
            case Kind::max_pool:
                if (wanted) k_.max_pool_back(s.windows, in, out, g, to, n, adds);
                break;
            case Kind::mean_pool:
                if (wanted) k_.mean_pool_back(s.windows, g, to, n, adds);
                break;
            case Kind::norm: normalise_back(s, worker, n, gradients); break;
            case Kind::add:
                for (size_t i = 0; i < s.in.size(); ++i)
                    if (s.wanted[i]) k_.copy(g, gradient(worker, s.in[i]), n, s.adds[i]);
                break;
            case Kind::concat: {
                View part = g;
                for (size_t i = 0; i < s.in.size(); ++i) {
                    part.channels = network_.tensors[s.in[i]].channels;
                    if (s.wanted[i]) k_.copy(part, gradient(worker, s.in[i]), n, s.adds[i]);
                    part.data += part.channels * g.plane;
                }
                break;
            }
            case Kind::dropout:
                if (!wanted) break;
                if (s.number == 0) {
                    if (s.in[0] != s.out) k_.copy(g, to, n, adds);
                    break;
                }
                drop(s, number, blocks, n, g, to, adds && s.in[0] != s.out);
                break;
            case Kind::copy:
                if (wanted) k_.copy(g, to, n, adds);
                break;
            case Kind::pad:
                if (wanted) k_.pad_back(s.from_rows.data(), s.from_columns.data(), g, to, n, adds);
                break;
        }
    }
}

}  // namespace pellucid::train
