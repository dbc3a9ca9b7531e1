// Training: Muon's step of a matrix (Jordan 2024, "Muon: An optimizer for hidden layers in neural networks").
#pragma once

// `to` [columns][rows] = from [rows][columns], both of multiples of kWidth.
void exchange_axes(int64_t rows, int64_t columns, const float* from, float* to) {
    for (int64_t r = 0; r < rows; r += kWidth)
        for (int64_t c = 0; c < columns; c += kWidth) {
            V lines[kWidth];
            for (int64_t i = 0; i < kWidth; ++i) lines[i] = load(from + (r + i) * columns + c);
            transpose(lines);
            for (int64_t i = 0; i < kWidth; ++i) store(to + (c + i) * rows + r, lines[i]);
        }
}

// The matrix nearest to `matrix` whose singular values are all about 1, by five of Jordan's polynomials in X Xᵀ. It is
// [short_axis][long_axis], the shorter axis of the weights' matrix first, each up to a multiple of 16, zeros beyond. Scratch: see
// muon_scratch. Returns where in the scratch, or `matrix`, the result lies.
float* orthogonal(int64_t short_axis, int64_t long_axis, float* matrix, float* scratch) {
    constexpr float kLinear = 3.4445f, kCubic = -4.7750f, kQuintic = 2.0315f;
    constexpr int kTimes = 5;
    const int64_t count = short_axis * long_axis, square = short_axis * short_axis;
    float *now = matrix, *next = scratch, *turned = next + count, *once = turned + count, *twice = once + square;
    const float size = 1.0f / (static_cast<float>(__builtin_sqrt(squares(now, count))) + 1e-7f);
    PELLUCID_EACH
    for (int64_t i = 0; i < count; ++i) now[i] *= size;
    for (int time = 0; time < kTimes; ++time) {
        exchange_axes(short_axis, long_axis, now, turned);
        for (int64_t i = 0; i < square; ++i) once[i] = 0;
        slope_product(now, short_axis, turned, short_axis, 1, once, long_axis);
        for (int64_t i = 0; i < square; ++i) twice[i] = 0;
        slope_product(once, short_axis, once, short_axis, 1, twice, short_axis);
        PELLUCID_EACH
        for (int64_t i = 0; i < square; ++i) twice[i] = kCubic * once[i] + kQuintic * twice[i];
        PELLUCID_EACH
        for (int64_t i = 0; i < count; ++i) next[i] = kLinear * now[i];
        slope_product(twice, short_axis, now, long_axis, 1, next, short_axis);
        float* const before = now;
        now = next;
        next = before;
    }
    return now;
}

// Weights [rows][columns] from their gradient: momentum as Nesterov's, made orthogonal, and as much larger as the matrix
// is higher than wide.
void muon(const StepSize& s, int64_t rows, int64_t columns, float* weights, const float* gradient, float* moment,
          float* average, float* scratch) {
    const bool high = rows > columns;
    const auto up = [](int64_t n) { return (n + kBlock - 1) / kBlock * kBlock; };
    const int64_t short_axis = up(high ? columns : rows), long_axis = up(high ? rows : columns);
    float* matrix = scratch;
    for (int64_t i = 0; i < short_axis * long_axis; ++i) matrix[i] = 0;
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c) {
            const int64_t i = r * columns + c;
            const float g = gradient[i] * s.clip;
            moment[i] = s.momentum * moment[i] + g;
            matrix[high ? c * long_axis + r : r * long_axis + c] = g + s.momentum * moment[i];
        }
    const float* way = orthogonal(short_axis, long_axis, matrix, scratch + short_axis * long_axis);
    const float kept = 1.0f - s.rate * s.decay;
    const float rate =
        kMuonRate * s.rate * (high ? __builtin_sqrtf(static_cast<float>(rows) / static_cast<float>(columns)) : 1.0f);
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c) {
            float& weight = weights[r * columns + c];
            weight = weight * kept - rate * way[high ? c * long_axis + r : r * long_axis + c];
        }
    if (s.follow > 0) follow(s.follow, rows * columns, weights, average);
}
