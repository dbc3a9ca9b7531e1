// What this machine can do at most: its arithmetic and its memory, measured by loops that do nothing else.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pellucid {

struct MeasuringLoops {
    const char* name;  // of the set of instructions, as the training engine calls it
    // `rounds` rounds of products with sums in registers; how many floating-point operations that were.
    // What they come to is given out, so that no compiler leaves them out.
    double (*multiply_add)(int64_t rounds, float* out);
    // a[i] = b[i] + factor * c[i] (McCalpin's STREAM triad).
    void (*triad)(float* a, const float* b, const float* c, float factor, int64_t count);
};

// What is compiled in and runs here, the best last.
std::vector<const MeasuringLoops*> usable_measuring_loops();

// Floating-point operations a second of all threads together, for about `seconds`.
double multiply_add_rate(const MeasuringLoops& loops, int threads, double seconds);

// Bytes a second that a triad reads and writes, all threads together, each over three arrays of its own whose sizes
// add up to `bytes`. Throws std::bad_alloc.
double triad_rate(const MeasuringLoops& loops, int threads, int64_t bytes, double seconds);

}  // namespace pellucid
