// Training: memory that begins as zeros, aligned for every set of instructions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <utility>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace pellucid::train {

// Throws std::bad_alloc where there is none. Pages are fetched when they are first written.
class Floats {
   public:
    Floats() = default;
    explicit Floats(int64_t count) : count_(count) {
        constexpr size_t kHuge = size_t{1} << 21;
        if (count <= 0) return;
        const auto bytes = static_cast<size_t>(count) * sizeof(float);
        const size_t align = bytes >= kHuge / 8 ? kHuge : 64;
        if (static_cast<uint64_t>(count) > (uint64_t{1} << 46)) throw std::bad_alloc();
        block_ = std::calloc(bytes + 2 * align, 1);
        if (!block_) throw std::bad_alloc();
        data_ = reinterpret_cast<float*>((reinterpret_cast<uintptr_t>(block_) + align - 1) / align * align);
#ifdef __linux__
        // Fewer misses of the page table, and pages whose places in the second cache aren't left to chance.
        if (align == kHuge) madvise(data_, (bytes + kHuge - 1) / kHuge * kHuge, MADV_HUGEPAGE);
#endif
    }
    ~Floats() { std::free(block_); }
    Floats(Floats&& other) noexcept { *this = std::move(other); }
    Floats& operator=(Floats&& other) noexcept {
        std::swap(block_, other.block_);
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }
    Floats(const Floats&) = delete;
    Floats& operator=(const Floats&) = delete;

    float* data() const { return data_; }
    int64_t count() const { return count_; }

   private:
    void* block_ = nullptr;
    float* data_ = nullptr;
    int64_t count_ = 0;
};

}  // namespace pellucid::train
