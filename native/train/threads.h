// Training: threads of its own. Which of them does what never changes a result: parts are independent.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace pellucid::train {

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
