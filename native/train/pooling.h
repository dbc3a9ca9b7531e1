// Training: the largest or the mean value of windows.
#pragma once

void max_pool(const Windows& windows, const View& in, const View& out, int64_t blocks) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < in.channels; ++c)
            for (int64_t y = 0; y < out.rows; ++y) {
                const Span rows = windows.y.data()[y];
                float* to = out.at(b, c, y);
                for (int64_t x = 0; x < out.columns; ++x, to += kBlock) {
                    const Span columns = windows.x.data()[x];
                    const float* first = in.at(b, c, rows.begin) + columns.begin * kBlock;
                    V best[kParts];
                    PELLUCID_UNROLL
                    for (int p = 0; p < kParts; ++p) best[p] = load(first + p * kWidth);
                    for (int64_t i = rows.begin; i < rows.end; ++i) {
                        const float* row = in.at(b, c, i);
                        for (int64_t j = columns.begin; j < columns.end; ++j)
                            PELLUCID_UNROLL
                            for (int p = 0; p < kParts; ++p) best[p] = larger(best[p], load(row + j * kBlock + p * kWidth));
                    }
                    PELLUCID_UNROLL
                    for (int p = 0; p < kParts; ++p) store(to + p * kWidth, best[p]);
                }
            }
}

PELLUCID_INLINE void clear(const View& view, int64_t b, int64_t c) {
    for (int64_t y = 0; y < view.rows; ++y)
        __builtin_memset(view.at(b, c, y), 0, static_cast<size_t>(view.columns * kBlock) * sizeof(float));
}

// Whether the windows stand side by side without a gap, so that every place of the input is met exactly once.
inline bool tiled(const std::vector<Span>& spans, int64_t size) {
    int64_t place = 0;
    for (size_t i = 0; i < spans.size(); ++i) {
        if (spans.data()[i].begin != place) return false;
        place = spans.data()[i].end;
    }
    return place == size;
}

// The gradient goes to the first of the largest values of a window.
void max_pool_back(const Windows& windows, const View& in, const View& out, const View& out_gradient,
                   const View& in_gradient, int64_t blocks, bool add) {
    const bool once = !add && tiled(windows.y, in.rows) && tiled(windows.x, in.columns);
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < in.channels; ++c) {
            if (!add && !once) clear(in_gradient, b, c);
            for (int64_t y = 0; y < out.rows; ++y) {
                const Span rows = windows.y.data()[y];
                for (int64_t x = 0; x < out.columns; ++x) {
                    const Span columns = windows.x.data()[x];
                    V best[kParts], slope[kParts];
                    PELLUCID_UNROLL
                    for (int p = 0; p < kParts; ++p) {
                        best[p] = load(out.at(b, c, y) + x * kBlock + p * kWidth);
                        slope[p] = load(out_gradient.at(b, c, y) + x * kBlock + p * kWidth);
                    }
                    for (int64_t i = rows.begin; i < rows.end; ++i) {
                        const float* from = in.at(b, c, i) + columns.begin * kBlock;
                        float* to = in_gradient.at(b, c, i) + columns.begin * kBlock;
                        for (int64_t j = columns.begin; j < columns.end; ++j, from += kBlock, to += kBlock)
                            PELLUCID_UNROLL
                            for (int p = 0; p < kParts; ++p) {
                                const M found = load(from + p * kWidth) == best[p];
                                const V part = where(found, slope[p]);
                                slope[p] = where(~found, slope[p]);
                                store(to + p * kWidth, once ? part : load(to + p * kWidth) + part);
                            }
                    }
                }
            }
        }
}

PELLUCID_INLINE float share_of(const Windows& windows, Span rows, Span columns) {
    const auto count = static_cast<float>((rows.end - rows.begin) * (columns.end - columns.begin));
    return 1.0f / (windows.divisor > 0 ? windows.divisor : count);
}

void mean_pool(const Windows& windows, const View& in, const View& out, int64_t blocks) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < in.channels; ++c)
            for (int64_t y = 0; y < out.rows; ++y)
                for (int64_t x = 0; x < out.columns; ++x) {
                    const Span rows = windows.y.data()[y], columns = windows.x.data()[x];
                    V sums[kParts] = {};
                    for (int64_t i = rows.begin; i < rows.end; ++i)
                        for (int64_t j = columns.begin; j < columns.end; ++j)
                            PELLUCID_UNROLL
                            for (int p = 0; p < kParts; ++p) sums[p] += load(in.at(b, c, i) + j * kBlock + p * kWidth);
                    const float share = share_of(windows, rows, columns);
                    for (int p = 0; p < kParts; ++p) store(out.at(b, c, y) + x * kBlock + p * kWidth, sums[p] * share);
                }
}

void mean_pool_back(const Windows& windows, const View& out_gradient, const View& in_gradient, int64_t blocks,
                    bool add) {
    for (int64_t b = 0; b < blocks; ++b)
        for (int64_t c = 0; c < in_gradient.channels; ++c) {
            if (!add) clear(in_gradient, b, c);
            for (int64_t y = 0; y < out_gradient.rows; ++y)
                for (int64_t x = 0; x < out_gradient.columns; ++x) {
                    const Span rows = windows.y.data()[y], columns = windows.x.data()[x];
                    const float share = share_of(windows, rows, columns);
                    for (int p = 0; p < kParts; ++p) {
                        const V part = load(out_gradient.at(b, c, y) + x * kBlock + p * kWidth) * share;
                        for (int64_t i = rows.begin; i < rows.end; ++i)
                            for (int64_t j = columns.begin; j < columns.end; ++j) {
                                float* to = in_gradient.at(b, c, i) + j * kBlock + p * kWidth;
                                store(to, load(to) + part);
                            }
                    }
                }
        }
}
