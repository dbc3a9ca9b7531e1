// The measuring loops for one set of instructions. The including file defines PELLUCID_SET, PELLUCID_WIDTH,
// PELLUCID_NAME and PELLUCID_SUMS, as many sums as its registers hold beside the two factors.
#include <cstdint>

#include "measure.h"

namespace pellucid {
namespace PELLUCID_SET {
namespace {

typedef float V __attribute__((vector_size(PELLUCID_WIDTH * 4), may_alias));

double multiply_add(int64_t rounds, float* out) {
    V sums[PELLUCID_SUMS];
    for (int i = 0; i < PELLUCID_SUMS; ++i) sums[i] = static_cast<float>(i) - V{};
    // The factor's size keeps every sum between 0 and PELLUCID_SUMS: neither overflow nor slow tiny numbers.
    V factor = 0.75f - V{}, term = 0.25f - V{};
    for (int64_t round = 0; round < rounds; ++round) {
#ifdef __x86_64__
        asm volatile("" : "+x"(factor), "+x"(term));  // not known to the compiler: nothing is worked out beforehand
#else
        asm volatile("" : "+w"(factor), "+w"(term));
#endif
#pragma GCC unroll 32
        for (int i = 0; i < PELLUCID_SUMS; ++i) sums[i] = sums[i] * factor + term;
    }
    V total{};
    for (const V& each : sums) total += each;
    for (int i = 0; i < PELLUCID_WIDTH; ++i) *out += total[i];
    return 2.0 * PELLUCID_SUMS * PELLUCID_WIDTH * static_cast<double>(rounds);
}

void triad(float* a, const float* b, const float* c, float factor, int64_t count) {
    const V all = factor - V{};
    for (int64_t i = 0; i + PELLUCID_WIDTH <= count; i += PELLUCID_WIDTH)
        *reinterpret_cast<V*>(a + i) =
            *reinterpret_cast<const V*>(b + i) + all * *reinterpret_cast<const V*>(c + i);
}

}  // namespace

extern const MeasuringLoops loops;
const MeasuringLoops loops{PELLUCID_NAME, multiply_add, triad};

}  // namespace PELLUCID_SET
}  // namespace pellucid
