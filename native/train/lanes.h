// Training: the vector type of one set of instructions. Included by isa.h alone, inside its namespace.
#pragma once

// GCC's and clang's vector extensions: the compiler finds the instructions, so one text serves them all.
typedef float V __attribute__((vector_size(PELLUCID_WIDTH * 4), may_alias));
typedef int32_t M __attribute__((vector_size(PELLUCID_WIDTH * 4), may_alias));

constexpr int64_t kWidth = PELLUCID_WIDTH;
constexpr int64_t kParts = kBlock / kWidth;

#define PELLUCID_INLINE [[gnu::always_inline]] inline
#define PELLUCID_UNROLL _Pragma("GCC unroll 16")
#define PELLUCID_TWICE _Pragma("GCC unroll 2")
// Before loops whose element i needs element i alone, wherever it is read and written.
#ifdef __clang__
#define PELLUCID_EACH _Pragma("clang loop vectorize(assume_safety)")
#else
#define PELLUCID_EACH _Pragma("GCC ivdep")
#endif

// What a pointer led to is fetched again, and not kept in a register that there isn't.
#define PELLUCID_AFRESH(pointer) __asm__ volatile("" : "+r"(pointer))

template <int N>
struct Number {
    static constexpr int value = N;
};
template <int... N>
using Numbers = std::integer_sequence<int, N...>;
template <int N>
using Counted = std::make_integer_sequence<int, N>;

PELLUCID_INLINE V load(const float* from) { return *reinterpret_cast<const V*>(from); }
PELLUCID_INLINE void store(float* to, V value) { *reinterpret_cast<V*>(to) = value; }
PELLUCID_INLINE V all(float value) { return value - V{}; }
// sum + a * b, the sum staying in its register: where all are in use, g++ exchanges them and moves what it exchanged.
PELLUCID_INLINE V with_product(V sum, V a, V b) {
#if defined(__FMA__)
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
#else
    return sum + a * b;
#endif
}
PELLUCID_INLINE V where(M mask, V value) { return reinterpret_cast<V>(reinterpret_cast<M>(value) & mask); }
PELLUCID_INLINE V larger(V a, V b) { return a > b ? a : b; }

PELLUCID_INLINE float sum(V values) {  // by halves
    float lanes[kWidth];
    __builtin_memcpy(lanes, &values, sizeof lanes);
    PELLUCID_UNROLL
    for (int64_t half = kWidth / 2; half > 0; half /= 2)
        for (int64_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    return lanes[0];
}

// Groups of `Half` lanes of a and b in turns: of each pair of groups the first ones, or, with `Half` as offset, the last.
template <int Half, int Offset, int... I>
PELLUCID_INLINE V in_turns(V a, V b, Numbers<I...>) {
    return __builtin_shufflevector(a, b, (I / (2 * Half) * 2 * Half + I % Half + Offset +
                                          (I % (2 * Half) >= Half ? static_cast<int>(kWidth) : 0))...);
}

// The same work on kWidth vectors as on a matrix: `combine(a, b)` of the vectors of each pair, log2(kWidth) times.
template <int Half, typename Combine>
PELLUCID_INLINE void by_pairs(V* rows, Combine combine) {
    if constexpr (Half < kWidth) {
        PELLUCID_UNROLL
        for (int i = 0; i < kWidth; i += 2 * Half)
            PELLUCID_UNROLL
            for (int j = 0; j < Half; ++j) combine(Number<Half>{}, rows[i + j], rows[i + j + Half]);
        by_pairs<2 * Half>(rows, combine);
    }
}

// rows[i] lane j becomes rows[j] lane i.
PELLUCID_INLINE void transpose(V* rows) {
    by_pairs<1>(rows, [](auto half, V& a, V& b) __attribute__((always_inline)) {
        constexpr int h = decltype(half)::value;
        const V first = in_turns<h, 0>(a, b, Counted<kWidth>{}), last = in_turns<h, h>(a, b, Counted<kWidth>{});
        a = first;
        b = last;
    });
}

// to[i] = the sum of the lanes of from[i]; kWidth of them at a time, by pairs of lanes.
PELLUCID_INLINE void sum_each(const V* from, int64_t count, float* to) {
    int64_t i = 0;
    for (; i + kWidth <= count; i += kWidth) {
        V rows[kWidth];
        PELLUCID_UNROLL
        for (int j = 0; j < kWidth; ++j) rows[j] = from[i + j];
        transpose(rows);
        PELLUCID_UNROLL
        for (int j = 1; j < kWidth; ++j) rows[0] += rows[j];
        __builtin_memcpy(to + i, &rows[0], sizeof(V));
    }
    for (; i < count; ++i) to[i] = sum(from[i]);
}

PELLUCID_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
PELLUCID_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
PELLUCID_INLINE int64_t floor_of(int64_t a, int64_t b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }  // b > 0
