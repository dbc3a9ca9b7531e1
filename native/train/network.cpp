#include "network.h"

#include <algorithm>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>

namespace pellucid::train {
namespace {

void must(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

}  // namespace

int Network::tensor(int64_t channels, int64_t rows, int64_t columns, int64_t halo, int64_t gradient_halo) {
    constexpr int64_t kLargest = 1 << 24;
    for (const int64_t size : {channels, rows, columns})
        must(size >= 1 && size <= kLargest, "a tensor's sizes are from 1 to 16,777,216");
    constexpr int64_t kMost = int64_t{1} << 31;  // values of a picture, so that all products fit 64 bits
    if (channels > kMost / rows || channels * rows > kMost / columns) throw std::bad_alloc();
    must(halo >= 0 && halo <= kLargest && gradient_halo >= 0 && gradient_halo <= kLargest, "a halo is at least 0");
    tensors.push_back({channels, rows, columns, halo, gradient_halo});
    return static_cast<int>(tensors.size()) - 1;
}

void Network::check(const Step& s) const {
    const auto known = [&](int t) { return t >= 0 && t < static_cast<int>(tensors.size()); };
    must(known(s.out) && !s.in.empty(), "a step needs tensors");
    for (const int t : s.in) must(known(t), "there is no such tensor");
    const Tensor &in = tensors[s.in[0]], &out = tensors[s.out];
    const auto parameter = [&](int64_t offset, int64_t count, bool optional) {
        must((optional && offset == -1) || (offset >= 0 && offset + count <= weights), "a parameter is out of range");
    };
    const auto values = [](const Tensor& t) { return t.channels * t.rows * t.columns; };
    const bool alike = in.channels == out.channels && in.rows == out.rows && in.columns == out.columns;
    switch (s.kind) {
        case Kind::conv: {
            must(s.groups >= 1 && in.channels % s.groups == 0 && out.channels % s.groups == 0, "groups don't divide");
            for (int axis = 0; axis < 2; ++axis)
                must(s.kernel[axis] >= 1 && s.stride[axis] >= 1 && s.before[axis] >= 0 && s.dilation[axis] >= 1,
                     "a convolution's sizes are at least 1");
            const int64_t reach = (out.columns - 1) * s.stride[1] + (s.kernel[1] - 1) * s.dilation[1] - s.before[1];
            must(in.halo >= std::max({s.before[1], reach - (in.columns - 1), 2 * s.stride[1]}), "the halo is narrow");
            parameter(s.weight, out.channels * (in.channels / s.groups) * s.kernel[0] * s.kernel[1], false);
            parameter(s.bias, out.channels, true);
            break;
        }
        case Kind::dense:
            must(in.halo == 0 && out.halo == 0 && in.gradient_halo == 0 && out.gradient_halo == 0 &&
                 values(out) == out.channels, "dense layers have no halo");
            parameter(s.weight, values(in) * out.channels, false);
            parameter(s.bias, out.channels, true);
            break;
        case Kind::norm:
            must(alike && s.in[0] != s.out, "normalisation keeps the shape, in another place");
            parameter(s.weight, in.channels, false);
            parameter(s.bias, in.channels, false);
            for (const int64_t offset : {s.mean, s.variance})
                must(offset >= weights && offset + in.channels <= weights + statistics, "a statistic is out of range");
            break;
        case Kind::max_pool:
        case Kind::mean_pool: {
            must(in.channels == out.channels && static_cast<int64_t>(s.windows.y.size()) == out.rows &&
                 static_cast<int64_t>(s.windows.x.size()) == out.columns, "there is a window for each output");
            for (const auto& span : s.windows.y) must(0 <= span.begin && span.begin < span.end && span.end <= in.rows, "a window lies outside");
            for (const auto& span : s.windows.x) must(0 <= span.begin && span.begin < span.end && span.end <= in.columns, "a window lies outside");
            break;
        }
        case Kind::curve:
        case Kind::dropout: must(alike, "a curve keeps the shape"); break;
        case Kind::copy:
            must(values(in) == values(out) && (alike || (in.halo == 0 && in.gradient_halo == 0) ||
                                               (out.halo == 0 && out.gradient_halo == 0)), "a copy has as many values");
            break;
        case Kind::add:
            for (const int t : s.in)
                must(tensors[t].channels == out.channels && tensors[t].rows == out.rows &&
                     tensors[t].columns == out.columns && t != s.out, "a sum is of one shape");
            break;
        case Kind::concat: {
            int64_t channels = 0;
            for (const int t : s.in) {
                must(tensors[t].rows == out.rows && tensors[t].columns == out.columns && t != s.out, "planes differ");
                channels += tensors[t].channels;
            }
            must(channels == out.channels, "the channels don't add up");
            break;
        }
        case Kind::pad:
            must(in.channels == out.channels && static_cast<int64_t>(s.from_rows.size()) == out.rows &&
                 static_cast<int64_t>(s.from_columns.size()) == out.columns, "there is a place for each output");
            for (const int32_t y : s.from_rows) must(y >= -1 && y < in.rows, "a place lies outside");
            for (const int32_t x : s.from_columns) must(x >= -1 && x < in.columns, "a place lies outside");
            break;
    }
}

// Takes together what needn't go through memory: a convolution or a normalisation, the pooling of each 2x2 behind it, or
// of a normalisation the sum with another tensor, and a ReLU.
void Network::fuse() {
    std::vector<int> users(tensors.size(), 0);
    for (const Step& s : steps)
        for (const int t : s.in)
            if (t != s.out) ++users[t];
    const auto halves = [](const std::vector<Span>& spans) {
        for (size_t i = 0; i < spans.size(); ++i)
            if (spans[i].begin != static_cast<int64_t>(2 * i) || spans[i].end != spans[i].begin + 2) return false;
        return true;
    };
    std::vector<Step> kept;
    for (size_t i = 0; i < steps.size(); ++i) {
        kept.push_back(std::move(steps[i]));
        Step& s = kept.back();
        if (s.kind != Kind::conv && s.kind != Kind::norm) continue;
        const auto next = [&](Kind kind) {
            return i + 1 < steps.size() && steps[i + 1].kind == kind && steps[i + 1].in[0] == s.out;
        };
        // One user, so nothing stands between them that changes the values in place.
        if (next(Kind::max_pool) && users[s.out] == 1) {
            const Step& pool = steps[i + 1];
            const Tensor& own = tensors[s.out];
            // What normalisation leaves out of the windows has a gradient still, by way of the statistics.
            const bool even = own.rows % 2 == 0 && own.columns % 2 == 0;
            if (halves(pool.windows.y) && halves(pool.windows.x) && (s.kind == Kind::conv || even)) {
                s.pooled = true;
                s.layers.insert(s.layers.end(), pool.layers.begin(), pool.layers.end());
                s.full = s.out;
                s.out = pool.out;
                ++i;
            }
        }
        if (s.kind == Kind::norm && !s.pooled && users[s.out] == 1 && i + 1 < steps.size() &&
            steps[i + 1].kind == Kind::add && steps[i + 1].in.size() == 2) {
            const Step& sum = steps[i + 1];
            const bool first = sum.in[0] == s.out;
            if (first != (sum.in[1] == s.out)) {
                s.in.push_back(sum.in[first]);
                s.layers.insert(s.layers.end(), sum.layers.begin(), sum.layers.end());
                s.full = s.out;
                s.out = sum.out;
                ++i;
            }
        }
        if ((s.pooled || s.kind == Kind::norm) && next(Kind::curve) && steps[i + 1].curve == Curve::relu &&
            steps[i + 1].out == s.out) {
            s.relu = true;
            s.layers.insert(s.layers.end(), steps[i + 1].layers.begin(), steps[i + 1].layers.end());
            ++i;
        }
    }
    steps = std::move(kept);
}

// Borders are for convolutions that slide over rows; others would only fill memory with them.
void Network::narrow() {
    std::vector<int64_t> halo(tensors.size(), 0), gradient_halo(tensors.size(), 0);
    for (const Step& s : steps) {
        if (s.kind != Kind::conv || s.winograd.side) continue;
        const int in = s.in[0], full = s.full >= 0 ? s.full : s.out;
        const int64_t reach = (tensors[full].columns - 1) * s.stride[1] + (s.kernel[1] - 1) * s.dilation[1] - s.before[1];
        halo[in] = std::max({halo[in], s.before[1], reach - (tensors[in].columns - 1), 2 * s.stride[1]});
        gradient_halo[full] = tensors[full].gradient_halo;
    }
    for (size_t t = 0; t < tensors.size(); ++t) {
        tensors[t].halo = std::min(tensors[t].halo, halo[t]);
        tensors[t].gradient_halo = std::min(tensors[t].gradient_halo, gradient_halo[t]);
    }
}

// Whether single values are normalised in a network so small that sums of float64 cost little.
bool Network::wants_precision() const {
    constexpr int64_t kMostProducts = 1 << 17;  // a picture
    int64_t products = 0;
    bool single = false;
    for (const Step& s : steps) {
        const Tensor &in = tensors[s.in[0]], &out = tensors[s.out];
        if (s.kind == Kind::conv) products += in.channels / s.groups * s.kernel[0] * s.kernel[1] * out.values();
        if (s.kind == Kind::dense) products += in.values() * out.channels;
        single = single || (s.kind == Kind::norm && in.rows * in.columns == 1);
    }
    return single && products <= kMostProducts;
}

void Network::finish(const Kernels& kernels) {
    must(!tensors.empty() && !steps.empty(), "a network has at least one layer");
    for (const Step& s : steps) check(s);
    precise = wants_precision();
    if (!precise) fuse();
    needs.assign(tensors.size(), 0);
    for (const Step& s : steps) {
        bool learns = s.weight >= 0 && !s.frozen;
        for (const int t : s.in) learns = learns || needs.at(static_cast<size_t>(t));
        if (learns) needs.at(static_cast<size_t>(s.out)) = 1;
    }
    for (Tensor& t : tensors) t.tight = t.rows * t.columns < kBlock;
    for (const Step& s : steps) {
        const Tensor &in = tensors[s.in[0]], &out = tensors[s.out];
        const bool alike = in.channels == out.channels && in.rows == out.rows && in.columns == out.columns;
        if (s.kind == Kind::dense || (s.kind == Kind::copy && !alike))
            tensors[s.in[0]].tight = tensors[s.out].tight = true;
    }
    tensors[steps.back().out].tight = true;
    hidden.assign(tensors.size(), 0);
    scratch = kBlock * (tensors[0].columns + kBlock);
    for (Step& s : steps) {
        const Tensor &in = tensors[s.in[0]], &out = tensors[s.out];
        for (const int t : s.in) s.wanted.push_back(needs[t]);
        if (s.full >= 0) hidden[s.full] = 1;
        const auto up = [](int64_t n, int64_t by) { return (n + by - 1) / by * by; };
        if (s.kind == Kind::conv) {
            finish_conv(s, kernels);
            if (!precise) finish_winograd(s, kernels);
            const Winograd& w = s.winograd;
            const int64_t size = w.side ? w.points * w.points * w.weights_point * w.groups
                                        : up(out.channels * (in.channels / s.groups) * s.kernel[0] * s.kernel[1], kBlock);
            s.packed = packed;
            packed += size;
            if (s.wanted[0]) {
                s.packed_back = packed;
                packed += size;
            }
            if (s.pooled) needs[s.full] = s.wanted[0] && !s.winograd.side;
        } else if (s.kind == Kind::dense) {
            const int64_t inputs = in.channels * in.rows * in.columns;
            s.packed = packed;
            packed += up(up(out.channels, kernels.dense_outputs) * inputs, kBlock);
            if (s.wanted[0]) {
                s.packed_back = packed;
                packed += up(up(inputs, kernels.dense_outputs) * out.channels, kBlock);
            }
        } else if (s.kind == Kind::norm) {
            if (s.full >= 0) needs[s.full] = 0;
            s.place = static_cast<int>(moments);
            moments += in.channels;
        }
    }
    narrow();
    std::vector<char> written(tensors.size(), 0);
    for (auto s = steps.rbegin(); s != steps.rend(); ++s)
        for (const int t : s->in) {
            s->adds.push_back(written[t]);
            if (t != s->out) written[t] = 1;
        }
    output = steps.back().out;
    const Tensor& last = tensors[output];
    must(last.halo == 0 && last.gradient_halo == 0, "the last layer has no halo");
}

}  // namespace pellucid::train
