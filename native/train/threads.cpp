#include "threads.h"

#include <system_error>
#include <utility>

namespace pellucid::train {

Threads::Threads(int count) {
    if (count > 1) others_.reserve(static_cast<size_t>(count) - 1);
    try {
        for (int thread = 1; thread < count; ++thread) others_.emplace_back([this, thread] { wait_for_work(thread); });
    } catch (const std::system_error&) {
        // The system gives no more of them: fewer do the same work, with the same results.
    }
}

Threads::~Threads() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    begin_.notify_all();
    for (auto& other : others_) other.join();
}

void Threads::take(int thread) {
    try {
        for (int64_t number = next_++; number < parts_; number = next_++) (*part_)(number, thread);
    } catch (...) {  // no memory, most likely: the caller is told when all have ended
        next_ = parts_;
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
    }
}

void Threads::share(int64_t parts, const std::function<void(int64_t, int)>& part) {
    if (others_.empty() || parts < 2) {
        for (int64_t number = 0; number < parts; ++number) part(number, 0);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        part_ = &part;
        parts_ = parts;
        next_ = 0;
        busy_ = static_cast<int>(others_.size());
        ++round_;
    }
    begin_.notify_all();
    take(0);
    std::unique_lock lock(mutex_);
    end_.wait(lock, [this] { return busy_ == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Threads::wait_for_work(int thread) {
    uint64_t seen = 0;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            begin_.wait(lock, [&] { return over_ || round_ != seen; });
            if (over_) return;
            seen = round_;
        }
        take(thread);
        const std::lock_guard lock(mutex_);
        if (--busy_ == 0) end_.notify_one();
    }
}

}  // namespace pellucid::train
