// Training: softmax and cross-entropy of one block.
#pragma once

// logits [classes][16] -> gradient [classes][16] of scale * class weight * smoothed cross-entropy, 0 in empty lanes.
// The loss counted is the plain one.
void cross_entropy(const float* logits, int64_t classes, const int64_t* labels, int64_t live, float scale, Loss& loss,
                   float* gradient) {
    float highest[kBlock], total[kBlock] = {}, factor[kBlock];
    int64_t best[kBlock] = {};
    __builtin_memcpy(highest, logits, sizeof highest);
    for (int64_t c = 1; c < classes; ++c)
        for (int64_t lane = 0; lane < kBlock; ++lane) {
            const float value = logits[c * kBlock + lane];
            if (value > highest[lane]) {
                highest[lane] = value;
                best[lane] = c;
            }
        }
    for (int64_t c = 0; c < classes; ++c)
        for (int64_t lane = 0; lane < kBlock; ++lane) {
            const float e = exp_of(logits[c * kBlock + lane] - highest[lane]);
            gradient[c * kBlock + lane] = e;
            total[lane] += e;
        }
    for (int64_t lane = 0; lane < kBlock; ++lane) {
        factor[lane] = 0;
        if (lane >= live) continue;
        const int64_t label = labels[lane];
        const double difference = static_cast<double>(highest[lane]) - static_cast<double>(logits[label * kBlock + lane]);
        loss.total += __builtin_log(static_cast<double>(total[lane])) + difference;
        loss.correct += best[lane] == label;
        factor[lane] = scale * (loss.class_weights ? loss.class_weights[label] : 1.0f);
    }
    const float everywhere = loss.smoothing / static_cast<float>(classes);
    for (int64_t c = 0; c < classes; ++c)
        for (int64_t lane = 0; lane < kBlock; ++lane) {
            const float wanted = everywhere + (lane < live && labels[lane] == c ? 1.0f - loss.smoothing : 0.0f);
            const float off = gradient[c * kBlock + lane] / total[lane] - wanted;
            gradient[c * kBlock + lane] = lane < live ? factor[lane] * off : 0.0f;
        }
}
