// Training: where a convolution's sums go, forward and back, and how its outputs are cut into tiles.
#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "network.h"

namespace pellucid::train {
namespace {

// The values of one axis of the input that outputs of a convolution reach, for one phase of its stride.
Axis backward_axis(int64_t size, int64_t outputs, int64_t kernel, int64_t stride, int64_t before, int64_t dilation,
                   int64_t phase) {
    Axis a;
    const int64_t first = ((phase - before) % stride + stride) % stride, common = std::gcd(dilation, stride);
    a.count = first < size ? (size - first + stride - 1) / stride : 0;
    a.out0 = first;
    a.out_step = stride;
    a.size = outputs;
    a.tap_step = stride / common;
    a.in_tap = -(dilation / common);
    for (int64_t k = 0; k < std::min(kernel, a.tap_step); ++k)
        if (k * dilation % stride == phase) {
            a.tap0 = k;
            a.taps = (kernel - k + a.tap_step - 1) / a.tap_step;
            a.in0 = (first + before - k * dilation) / stride;
            break;
        }
    return a;
}

// The taps that any of outputs q to q + n - 1 has inside the input.
Tile tile_of(const Axis& a, int64_t q, int64_t n) {
    const auto inside = [&](int64_t tap) {
        for (int64_t i = q; i < q + n; ++i) {
            const int64_t at = a.in0 + i * a.in_step + tap * a.in_tap;
            if (at >= 0 && at < a.size) return true;
        }
        return false;
    };
    int64_t first = 0, last = a.taps;
    while (first < last && !inside(first)) ++first;
    while (last > first && !inside(last - 1)) --last;
    return {static_cast<int32_t>(q), static_cast<int32_t>(n), static_cast<int32_t>(first), static_cast<int32_t>(last)};
}

// A row cut into tiles of up to `widest` columns so that the least is computed: at the edges narrower ones have fewer
// taps. In half cycles of two fused products each; a product's result is waited for four cycles.
std::vector<Tile> tiles_of(const Axis& a, int64_t widest, int64_t outputs, int64_t other_taps) {
    constexpr int64_t kBesides = 40;
    std::vector<int64_t> cost(static_cast<size_t>(a.count) + 1, 0);
    std::vector<Tile> best(static_cast<size_t>(a.count) + 1);
    for (int64_t end = 1; end <= a.count; ++end) {
        cost[end] = -1;
        for (int64_t n = std::min(widest, end); n >= 1; --n) {
            const Tile tile = tile_of(a, end - n, n);
            const int64_t here = cost[end - n] + kBesides +
                                 (tile.last - tile.first) * other_taps * std::max<int64_t>(n * outputs, 8);
            if (cost[end] < 0 || here < cost[end]) {
                cost[end] = here;
                best[end] = tile;
            }
        }
    }
    std::vector<Tile> tiles;
    for (int64_t end = a.count; end > 0; end -= best[end].count) tiles.push_back(best[end]);
    std::reverse(tiles.begin(), tiles.end());
    return tiles;
}

}  // namespace

void Network::finish_conv(Step& s, const Kernels& kernels) {
    const Tensor &in = tensors[s.in[0]], &out = tensors[s.full >= 0 ? s.full : s.out];
    Sweep& f = s.forward;
    f.inputs = in.channels / s.groups;
    f.outputs = out.channels / s.groups;
    f.groups = s.groups;
    f.kernel_rows = s.kernel[0];
    f.kernel_columns = s.kernel[1];
    if (s.wanted[0] && out.gradient_halo < 2) throw std::invalid_argument("the gradient's halo is narrow");
    const int64_t sizes[2] = {in.rows, in.columns}, outputs[2] = {out.rows, out.columns};
    Axis* const axes[2] = {&f.y, &f.x};
    for (int axis = 0; axis < 2; ++axis)
        *axes[axis] = {outputs[axis], 0, 1, -s.before[axis], s.stride[axis], s.dilation[axis], 0, 1, s.kernel[axis],
                       sizes[axis]};
    if (s.pooled) {  // a last odd row or column goes nowhere
        f.y.count = 2 * tensors[s.out].rows;
        f.x.count = 2 * tensors[s.out].columns;
    }
    constexpr int64_t kNear = 16 << 10;  // bytes
    const int64_t at_once = kernels.conv_outputs, taps = f.inputs * f.kernel_rows * f.kernel_columns;
    f.strip = std::clamp<int64_t>(kNear / (at_once * f.x.count * kBlock * 4) / 2 * 2, 2,
                                  std::max<int64_t>(f.y.count + f.y.count % 2, 2));
    constexpr int64_t kNext = 128 << 10;
    f.panel = std::clamp<int64_t>(kNext / (at_once * taps * kernels.width * 4), 1, (f.outputs - 1) / at_once + 1);
    scratch = std::max({scratch, at_once * (spread(f.strip * f.x.count) * kBlock + f.panel * taps * kernels.width),
                        f.outputs * spread(2 * f.x.count) * kBlock});
    for (int64_t y = 0; y < s.stride[0]; ++y)
        for (int64_t x = 0; x < s.stride[1]; ++x) {
            Sweep b = f;
            std::swap(b.inputs, b.outputs);
            b.y = backward_axis(in.rows, out.rows, s.kernel[0], s.stride[0], s.before[0], s.dilation[0], y);
            b.x = backward_axis(in.columns, out.columns, s.kernel[1], s.stride[1], s.before[1], s.dilation[1], x);
            if (b.y.count && b.x.count) s.back.push_back(b);
        }
    std::vector<Sweep*> sweeps{&f};
    for (Sweep& b : s.back) sweeps.push_back(&b);
    for (Sweep* sweep : sweeps) {
        s.tiles.push_back(tiles_of(sweep->x, kernels.conv_columns, std::min(at_once, sweep->outputs),
                                   sweep->inputs * sweep->y.taps));
        sweep->tiles = s.tiles.back().data();
        sweep->tile_count = static_cast<int64_t>(s.tiles.back().size());
    }
}

// Whether tiles take less than sliding sums, and which: the fewest products of a block, all passes together. A way to the
// points counts as 9 products a value, a way back as 7.5, and a third more where registers of 16 make products cheap; sliding
// sums whose rows aren't unrolled take longer in the others. Measured, with networks of 1 to 64 channels.
void Network::finish_winograd(Step& s, const Kernels& kernels) {
    const Sweep& f = s.forward;
    const int64_t taps = s.kernel[0], stride = s.stride[0];
    for (int axis = 0; axis < 2; ++axis)
        if (s.kernel[axis] != taps || s.stride[axis] != stride || (s.dilation[axis] != 1 && taps > 1)) return;
    struct Form {
        int64_t side, points;
    };
    std::vector<Form> forms;
    if (taps == 1 && stride <= 2 && !s.pooled) forms = {{1, 1}};
    if (taps == 3 && stride == 1) forms = {{2, 4}, {4, 6}};
    if (taps == 3 && stride == 2) forms = {{2, 5}, {4, 9}};
    if (taps == 5 && stride == 1) forms = {{2, 6}};
    const int64_t width = kernels.width, beside = 4 * f.inputs <= width ? 4 : 2 * f.inputs <= width ? 2 : 1;
    const int64_t padded = beside > 1 ? width / beside : (f.inputs + width - 1) / width * width;
    const auto up_to = [](int64_t floats) { return (floats - 1) / kBlock + 1; };  // whole lines
    const int64_t passes = 2 + s.wanted[0];
    const int64_t plain = passes * f.inputs * f.outputs * taps * taps * f.y.count * f.x.count;
    const double slower = width == 16 ? 1 : taps == 1 ? 1.8 : stride > 1 ? 1.5 : 1, dearer = width == 16 ? 4.0 / 3 : 1;
    double best = slower * static_cast<double>(plain);
    for (const auto& [side, points] : forms) {
        const int64_t down = (f.y.count + side - 1) / side, across = (f.x.count + side - 1) / side;
        const int64_t products = f.outputs * (f.inputs * (passes - 1) + padded);
        const auto ways = 9 * static_cast<double>(f.inputs * passes) + 7.5 * static_cast<double>(2 * f.outputs);
        const auto tiles = static_cast<double>(points * points * down * across);
        const double cost = tiles * (static_cast<double>(products) + dearer * ways);
        if (cost >= best) continue;
        best = cost;
        Winograd& w = s.winograd;
        w = {side, points, side * stride, f.inputs, f.outputs, f.groups, padded, beside,
             spread(up_to(f.inputs * f.outputs)) * kBlock, spread(up_to(f.outputs * padded * beside)) * kBlock, f.y.count,
             f.x.count, {s.before[0], s.before[1]}, down, across, 1, across, nullptr, nullptr};
        constexpr int64_t kNear = 400 << 10;  // bytes
        const int64_t tile = points * points * (f.inputs + f.outputs + padded) * kBlock * 4;
        const int64_t at_once = std::max<int64_t>(kNear / tile, 3);
        w.across = (across - 1) / ((across - 1) / at_once + 1) + 1;
        w.down = w.across < across ? 1 : std::min(down, std::max<int64_t>(at_once / across, 1));
    }
    if (!s.winograd.side) return;
    const Tensor& in = tensors[s.in[0]];
    scratch = std::max(scratch, WinogradPlaces::scratch(s.winograd, in.columns));
    if (s.frozen) return;
    s.sums = sums;
    sums += s.winograd.points * s.winograd.points * s.winograd.sums_point * f.groups;
}

int64_t WinogradPlaces::scratch(const Winograd& s, int64_t in_columns) {
    const WinogradPlaces z(s);
    const int64_t widest = std::max(in_columns, s.columns), rows = (s.down - 1) * s.advance + s.points;
    const int64_t columns = (s.tiles_across - 1) * s.advance + s.points;
    return s.points * s.points * (z.in_point + z.out_point + z.turned_point) +
           s.points * std::max(z.line, z.turned_line) + s.side * z.row + std::max(z.row, z.line) + widest * kBlock +
           rows * spread(columns * s.padded) * kBlock;
}

}  // namespace pellucid::train
