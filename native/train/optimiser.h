// Training: from gradients to weights.
#pragma once

// total = the groups' gradients, added in their order.
void sum_groups(const float* const* groups, int64_t count, int64_t n, float* total) {
    __builtin_memcpy(total, groups[0], static_cast<size_t>(n) * sizeof(float));
    for (int64_t g = 1; g < count; ++g) {
        const float* from = groups[g];
        PELLUCID_EACH
        for (int64_t i = 0; i < n; ++i) total[i] += from[i];
    }
}

double squares(const float* values, int64_t n) {
    double sums[8] = {};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t j = 0; j < 8; ++j) sums[j] += static_cast<double>(values[i + j]) * static_cast<double>(values[i + j]);
    for (; i < n; ++i) sums[0] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    double total = 0;
    for (const double each : sums) total += each;
    return total;
}

void follow(float part, int64_t n, const float* values, float* average) {
    PELLUCID_EACH
    for (int64_t i = 0; i < n; ++i) average[i] += part * (values[i] - average[i]);
}

// Adam (Kingma and Ba 2015), AdamW (Loshchilov and Hutter 2019), or SGD with Nesterov's momentum, as PyTorch has them.
void optimise(const StepSize& s, int64_t n, float* weights, const float* gradient, float* moment1, float* moment2,
              float* average) {
    const float rate = s.rate / s.correction1, kept = s.kind == 1 ? 1.0f - s.rate * s.decay : 1.0f;
    const float decay = s.kind == 1 ? 0.0f : s.decay, b1 = s.momentum, b2 = s.beta2, clip = s.clip;
    if (s.kind == 2) {
        PELLUCID_EACH
        for (int64_t i = 0; i < n; ++i) {
            const float g = gradient[i] * clip + decay * weights[i], m = b1 * moment1[i] + g;
            moment1[i] = m;
            weights[i] -= s.rate * (g + b1 * m);
        }
    } else {
        const float epsilon = s.epsilon, root = 1.0f / s.correction2;
        PELLUCID_EACH
        for (int64_t i = 0; i < n; ++i) {
            const float w = weights[i] * kept, g = gradient[i] * clip + decay * w;
            const float m = moment1[i] + (1.0f - b1) * (g - moment1[i]), v = b2 * moment2[i] + (1.0f - b2) * g * g;
            moment1[i] = m;
            moment2[i] = v;
            weights[i] = w - rate * m / (__builtin_sqrtf(v) * root + epsilon);
        }
    }
    if (s.follow > 0) follow(s.follow, n, weights, average);
}
