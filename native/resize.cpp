#include "resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pellucid {

namespace {

// The weights of one output pixel, as onnxruntime's upsample_antialias.h has them (which has them from Pillow's
// Resample.c): every step in float32, in this order.
struct Window {
    int64_t first, count;
};

Window window_of(int64_t place, int64_t size, float factor, float scale, float support, int64_t most,
                 std::vector<float>& weight) {
    const float centre = 0.5f + (scale == 1.0f ? static_cast<float>(place)
                                               : (static_cast<float>(place) + 0.5f) / factor - 0.5f);
    const float inverse = scale >= 1.0f ? 1.0f / scale : 1.0f;
    const auto begin = static_cast<int64_t>(std::floor(centre - support + 0.5f));
    auto end = static_cast<int64_t>(std::floor(centre + support + 0.5f));
    end = begin + std::clamp<int64_t>(end - begin, 0, most);
    const int64_t first = std::clamp<int64_t>(begin, 0, size);
    const int64_t count = std::clamp<int64_t>(end, 0, size) - first;
    float total = 0.0f;
    for (int64_t i = 0; i < count; ++i) {
        const float distance = std::fabs((static_cast<float>(i + first) - centre + 0.5f) * inverse);
        weight[i] = distance < 1.0f ? 1.0f - distance : 0.0f;
        total += weight[i];
    }
    const float normalise = total == 0.0f ? 1.0f : 1.0f / total;
    for (int64_t i = 0; i < count; ++i) weight[i] *= normalise;
    return {first, count};
}

// Scratch that threads keep between pictures: fresh memory of this size costs as much as the arithmetic.
std::vector<uint8_t>& scratch(int which, size_t bytes) {
    thread_local std::vector<uint8_t> kept[2];
    if (kept[which].size() < bytes) kept[which].resize(bytes);
    return kept[which];
}

}  // namespace

Axis make_axis(int64_t size, int64_t resized, int64_t offset, int64_t length) {
    const float factor = static_cast<float>(resized) / static_cast<float>(size);
    const float scale = 1.0f / factor;
    const float support = scale >= 1.0f ? scale : 1.0f;
    const int64_t most = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
    Axis axis;
    axis.taps = static_cast<int>(std::min(most, size));
    axis.first.resize(length);
    axis.count.resize(length);
    axis.weight.assign(static_cast<size_t>(length) * axis.taps, 0);
    std::vector<float> weight(most);
    int64_t last = -1;
    for (int64_t i = 0; i < length; ++i) {
        const int64_t place = std::clamp<int64_t>(i + offset, 0, resized - 1);
        int32_t* row = &axis.weight[static_cast<size_t>(i) * axis.taps];
        if (i > 0 && place == last) {
            axis.first[i] = axis.first[i - 1];
            axis.count[i] = axis.count[i - 1];
            std::copy_n(row - axis.taps, axis.taps, row);
            continue;
        }
        last = place;
        if (size == resized) {  // nothing to compute: this pixel alone
            axis.first[i] = static_cast<int>(place);
            axis.count[i] = 1;
            row[0] = 1 << kBits;
            continue;
        }
        const Window window = window_of(place, size, factor, scale, support, most, weight);
        axis.first[i] = static_cast<int>(window.first);
        axis.count[i] = static_cast<int>(window.count);
        for (int64_t t = 0; t < window.count; ++t)
            row[t] = static_cast<int32_t>(std::round(weight[t] * static_cast<float>(1 << kBits)));
    }
    return axis;
}

std::vector<const Kernels*> usable_kernels() {
    std::vector<const Kernels*> found{&generic_kernels()};
#ifdef PELLUCID_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) found.push_back(&avx2_kernels());
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        found.push_back(&avx512_kernels());
#endif
    return found;
}

void resize(const Picture& picture, int64_t resized_height, int64_t resized_width, int64_t top, int64_t left,
            int64_t height, int64_t width, uint8_t* target, const Kernels& kernels) {
    const int channels = picture.channels;
    const size_t source_row = static_cast<size_t>(picture.width) * channels;
    const size_t target_row = static_cast<size_t>(width) * channels;
    const Axis columns = make_axis(picture.width, resized_width, left, width);
    const Axis rows = make_axis(picture.height, resized_height, top, height);

    // Only the rows that are asked for.
    int64_t begin = picture.height, end = 0;
    for (int64_t y = 0; y < height; ++y) {
        begin = std::min<int64_t>(begin, rows.first[y]);
        end = std::max<int64_t>(end, rows.first[y] + rows.count[y]);
    }
    const int64_t needed = end - begin;
    const size_t stride = (target_row + 2 * kSlack - 1) / kSlack * kSlack;
    const Taps taps{columns.first.size(), columns.taps, columns.first.data(), columns.count.data(),
                    columns.weight.data()};
    const size_t words = channels == 3 ? static_cast<size_t>(kernels.packed_words) : 0;
    std::vector<int32_t> packed(taps.length * ((columns.taps + 3) / 4) * words, 0);
    if (words) kernels.pack(taps, packed.data());
    uint8_t* narrow = scratch(0, static_cast<size_t>(needed) * stride + kSlack).data();

    // The last rows are copied first, so that what is read behind them is ours.
    const size_t behind = (columns.taps + 16) * static_cast<size_t>(channels) + kSlack;
    const int64_t rows_behind = std::min<int64_t>(needed, behind / source_row + 4);
    const int64_t direct = (needed - rows_behind) / 4 * 4;
    const uint8_t* source = picture.pixels + static_cast<size_t>(begin) * source_row;
    kernels.across(source, source_row, narrow, stride, direct, taps, packed.data(), channels);
    const size_t rest = static_cast<size_t>(needed - direct) * source_row;
    uint8_t* copy = scratch(1, rest + behind).data();
    std::memcpy(copy, source + static_cast<size_t>(direct) * source_row, rest);
    kernels.across(copy, source_row, narrow + static_cast<size_t>(direct) * stride, stride, needed - direct, taps,
                   packed.data(), channels);

    for (int64_t y = 0; y < height; ++y) {
        const uint8_t* from = narrow + static_cast<size_t>(rows.first[y] - begin) * stride;
        uint8_t* to = target + static_cast<size_t>(y) * target_row;
        if (picture.height == resized_height)
            std::memcpy(to, from, target_row);
        else
            kernels.down(from, stride, to, target_row, &rows.weight[static_cast<size_t>(y) * rows.taps],
                         rows.count[y]);
    }
}

}  // namespace pellucid
