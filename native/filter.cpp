// A picture is never padded: a few of its rows at a time are, as float32 in a ring, just wide enough for the kernel.
// In such a row the columns are sorted by their remainder modulo the stride, so that whatever the stride, dilation and
// channels, each number of the kernel meets neighbours in memory and the inner loop is one for all.
#include "filter.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <system_error>
#include <thread>

namespace pellucid {

namespace {

constexpr int64_t kLeastRows = 64;  // of the answer, that a thread takes at a time

// Which of `size` places stands at `place`, that may lie outside; -1: none, a zero.
inline int64_t inside(int64_t place, int64_t size, Border border) {
    if (place >= 0 && place < size) return place;
    if (border == Border::zero) return -1;
    if (border == Border::reflect) place = place < 0 ? -place : 2 * (size - 1) - place;
    return std::clamp<int64_t>(place, 0, size - 1);
}

struct Tap {
    int64_t row, offset;
    float weight;
};

// What all threads know: where things stand in a ring's row.
struct Layout {
    explicit Layout(const Slide& s, const float* weights) {
        const int64_t step = s.stride[1], wide = s.dilation[1];
        each = s.volume ? 1 : s.channels;
        width = (s.columns - 1) * step + (s.kernel_width - 1) * wide + 1;
        phase = (width + step - 1) / step * each;
        plane = phase * step;
        const int64_t planes = s.volume ? s.channels : 1;
        row = static_cast<size_t>(plane * planes) + kFilterSlack;
        column.resize(static_cast<size_t>(width));
        for (int64_t x = 0; x < width; ++x) column[x] = inside(x - s.before[1], s.width, s.border);
        for (int64_t y = 0; y < s.kernel_height; ++y)
            for (int64_t p = 0; p < planes; ++p)
                for (int64_t x = 0; x < s.kernel_width; ++x) {
                    const float weight = weights[(p * s.kernel_height + y) * s.kernel_width + x];
                    const int64_t away = x * wide;
                    if (weight != 0.0f)
                        taps.push_back({y, p * plane + away % step * phase + away / step * each, weight});
                }
        for (const Tap& tap : taps) values.push_back(tap.weight);
    }
    int64_t each, width, phase, plane;
    size_t row;
    std::vector<int64_t> column;
    std::vector<Tap> taps;
    std::vector<float> values;
};

// What a thread has of its own.
struct Ring {
    Ring(const Slide& s, const Layout& layout)
        : rows(static_cast<size_t>(s.kernel_height) * layout.row, 0.0f),
          holds(static_cast<size_t>(s.kernel_height), -1),
          taps(layout.taps.size()) {}
    std::vector<float> rows;
    std::vector<int64_t> holds;  // which row of the padded picture
    std::vector<const float*> taps;
};

inline void widen(const uint8_t* from, float* to, size_t count, const FilterKernels& kernels) {
    kernels.widen(from, to, count);
}

inline void widen(const float* from, float* to, size_t count, const FilterKernels&) {
    std::memcpy(to, from, count * sizeof(float));
}

// Row `place` of the padded picture.
template <typename T>
void fill(const T* pixels, const Slide& s, const Layout& layout, int64_t place, float* row,
          const FilterKernels& kernels) {
    const int64_t from = inside(place - s.before[0], s.height, s.border);
    if (from < 0) {
        std::fill_n(row, layout.row, 0.0f);
        return;
    }
    const T* source = pixels + from * s.width * s.channels;
    int64_t begin = 0, end = 0;  // columns that are copied at once
    if (s.stride[1] == 1 && !s.volume) {
        begin = std::min(s.before[1], layout.width);
        end = std::min(s.before[1] + s.width, layout.width);
        widen(source, row + begin * s.channels, static_cast<size_t>((end - begin) * s.channels), kernels);
    }
    const int64_t next = s.volume ? layout.plane : 1;
    for (int64_t x = 0; x < layout.width; ++x) {
        if (x == begin) x = end;
        if (x >= layout.width) break;
        float* to = row + x % s.stride[1] * layout.phase + x / s.stride[1] * layout.each;
        const int64_t column = layout.column[static_cast<size_t>(x)];
        for (int64_t c = 0; c < s.channels; ++c)
            to[c * next] = column < 0 ? 0.0f : static_cast<float>(source[column * s.channels + c]);
    }
}

// Rows `begin` to `end` of the answer. Rows whose windows share their rows of the picture are taken together, so that
// a ring as high as the kernel will do.
template <typename T>
void band(const T* pixels, const Slide& s, const Layout& layout, Ring& ring, int64_t begin, int64_t end, float* target,
          const FilterKernels& kernels) {
    const int64_t step = s.stride[0], high = s.dilation[0];
    const size_t length = static_cast<size_t>(s.columns * layout.each);
    for (int64_t remainder = 0; remainder < high; ++remainder)
        for (int64_t y = begin; y < end; ++y) {
            if (y * step % high != remainder) continue;
            for (int64_t k = 0; k < s.kernel_height; ++k) {
                const int64_t place = y * step + k * high;
                const auto slot = static_cast<size_t>(place / high % s.kernel_height);
                if (ring.holds[slot] != place) {
                    fill(pixels, s, layout, place, &ring.rows[slot * layout.row], kernels);
                    ring.holds[slot] = place;
                }
            }
            for (size_t t = 0; t < layout.taps.size(); ++t) {
                const int64_t place = y * step + layout.taps[t].row * high;
                const auto slot = static_cast<size_t>(place / high % s.kernel_height);
                ring.taps[t] = &ring.rows[slot * layout.row] + layout.taps[t].offset;
            }
            kernels.accumulate(ring.taps.data(), layout.values.data(), layout.taps.size(),
                               target + static_cast<size_t>(y) * length, length);
        }
}

template <typename T>
void slide_over(const T* pixels, const Slide& s, const float* weights, float* target, const FilterKernels& kernels) {
    const Layout layout(s, weights);
    const int64_t share = std::max(kLeastRows, 4 * s.kernel_height * s.dilation[0]);
    const int64_t shares = (s.rows + share - 1) / share;
    const auto workers = static_cast<size_t>(std::clamp<int64_t>(s.threads, 1, shares));
    std::vector<Ring> rings;  // all memory is asked for here, where lacking it can be said
    rings.reserve(workers);
    for (size_t i = 0; i < workers; ++i) rings.emplace_back(s, layout);
    std::vector<std::thread> threads;
    threads.reserve(workers);
    std::atomic<int64_t> next{0};
    const auto work = [&](size_t worker) {
        for (int64_t n = next++; n < shares; n = next++)
            band(pixels, s, layout, rings[worker], n * share, std::min((n + 1) * share, s.rows), target, kernels);
    };
    for (size_t i = 1; i < workers; ++i) {
        try {
            threads.emplace_back(work, i);
        } catch (const std::system_error&) {
            break;  // no more threads to be had: those that are here do it
        }
    }
    work(0);
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

std::vector<const FilterKernels*> usable_filter_kernels() {
    std::vector<const FilterKernels*> found{&generic_filter_kernels()};
#ifdef PELLUCID_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2_filter_kernels());
    if (__builtin_cpu_supports("avx512f")) found.push_back(&avx512_filter_kernels());
#endif
    return found;
}

void correlate(const uint8_t* pixels, const Slide& slide, const float* weights, float* target,
               const FilterKernels& kernels) {
    slide_over(pixels, slide, weights, target, kernels);
}

void correlate(const float* pixels, const Slide& slide, const float* weights, float* target,
               const FilterKernels& kernels) {
    slide_over(pixels, slide, weights, target, kernels);
}

}  // namespace pellucid
