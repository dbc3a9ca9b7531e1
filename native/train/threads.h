// Training: threads of its own. Which of them does what never changes a result: parts are independent.
#pragma once
#include <chrono>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pellucid::train {

// Adds the seconds of its own life to `to`, if that is any place.
class Watch {
   public:
    explicit Watch(double* to) : to_(to) {
        if (to_) begin_ = std::chrono::steady_clock::now();
    }
    ~Watch() {
        if (to_) *to_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    double* to_;
    std::chrono::steady_clock::time_point begin_;
};


class Threads {
   public:
    explicit Threads(int count);  // the caller's included
    ~Threads();
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

    int count() const { return static_cast<int>(others_.size()) + 1; }

    // part(number, thread) for every number below `parts`; whoever is free takes the next. Returns when all are done;
    // what a part throws is thrown here, and the parts that nobody had begun are left out.
    void share(int64_t parts, const std::function<void(int64_t, int)>& part);

   private:
    void wait_for_work(int thread);
    void take(int thread);

    std::vector<std::thread> others_;
    std::mutex mutex_;
    std::condition_variable begin_, end_;
    const std::function<void(int64_t, int)>* part_ = nullptr;
    std::atomic<int64_t> next_{0};
    int64_t parts_ = 0;
    uint64_t round_ = 0;
    int busy_ = 0;
    bool over_ = false;
    std::exception_ptr failure_;
};

}  // namespace pellucid::train
