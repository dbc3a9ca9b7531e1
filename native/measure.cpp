#include "measure.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <new>
#include <thread>

#include "train/memory.h"

namespace pellucid {
#ifdef PELLUCID_X86
namespace measure_sse4 { extern const MeasuringLoops loops; }
namespace measure_avx2 { extern const MeasuringLoops loops; }
namespace measure_avx512 { extern const MeasuringLoops loops; }
#elif defined(PELLUCID_NEON)
namespace measure_neon { extern const MeasuringLoops loops; }
#endif
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// What `work(thread)` does on each of so many threads, called again and again for about `seconds`: the sum of their
// rates. Each thread divides by its own time, and begins when all are there.
double rate_of(int threads, double seconds, const std::function<double(int)>& work) {
    std::atomic<int> waiting{threads};
    std::vector<double> rates(static_cast<size_t>(threads));
    const auto run = [&](int thread) {
        work(thread);  // fetches pages and wakes the processor's wide units
        --waiting;
        while (waiting.load() > 0) std::this_thread::yield();
        double done = 0, spent = 0;
        const auto begin = Clock::now();
        do {
            done += work(thread);
            spent = since(begin);
        } while (spent < seconds);
        rates[static_cast<size_t>(thread)] = done / spent;
    };
    std::vector<std::thread> others;
    for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
    run(0);
    for (auto& other : others) other.join();
    double sum = 0;
    for (const double rate : rates) sum += rate;
    return sum;
}

}  // namespace

std::vector<const MeasuringLoops*> usable_measuring_loops() {
    std::vector<const MeasuringLoops*> sets;
#ifdef PELLUCID_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2")) sets.push_back(&measure_sse4::loops);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(&measure_avx2::loops);
    if (__builtin_cpu_supports("avx512f")) sets.push_back(&measure_avx512::loops);
#elif defined(PELLUCID_NEON)
    sets.push_back(&measure_neon::loops);
#endif
    return sets;
}

double multiply_add_rate(const MeasuringLoops& loops, int threads, double seconds) {
    std::vector<float> out(static_cast<size_t>(threads) * 16);  // a cache line each
    return rate_of(threads, seconds, [&](int thread) {
        return loops.multiply_add(100'000, &out[static_cast<size_t>(thread) * 16]);
    });
}

double triad_rate(const MeasuringLoops& loops, int threads, int64_t bytes, double seconds) {
    const int64_t count = std::max<int64_t>(bytes / 3 / 4 / 16 * 16, 16);  // floats of each array
    std::vector<train::Floats> arrays;
    for (int thread = 0; thread < threads; ++thread) arrays.emplace_back(3 * count);
    const int64_t times = std::max<int64_t>(1, (int64_t{1} << 20) / count);  // of small arrays, between two looks at the clock
    return rate_of(threads, seconds, [&](int thread) {
        float* a = arrays[static_cast<size_t>(thread)].data();
        for (int64_t time = 0; time < times; ++time) {
            loops.triad(a, a + count, a + 2 * count, 0.5f, count);
            std::swap(a[0], a[count]);  // the next pass depends on this one: none is left out
        }
        return 12.0 * static_cast<double>(count * times);
    });
}

}  // namespace pellucid
