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
// `Count` floats over and over.
template <int Count>
PELLUCID_INLINE V repeated(const float* from) {
    if constexpr (Count == 1) {
        return all(*from);
    } else if constexpr (Count == 2) {
        typedef int64_t Pairs __attribute__((vector_size(sizeof(V)), may_alias));
        int64_t pair;
        __builtin_memcpy(&pair, from, sizeof pair);
        return reinterpret_cast<V>(Pairs{} + pair);
    } else {
        static_assert(Count == 4);
        typedef float Four __attribute__((vector_size(16), may_alias));
        const Four& four = *reinterpret_cast<const Four*>(from);
        V found;
#if defined(__AVX512F__)
        __asm__("vbroadcastf32x4 %1, %0" : "=v"(found) : "m"(four));
#elif defined(__AVX__)
        __asm__("vbroadcastf128 %1, %0" : "=x"(found) : "m"(four));
#else
        found = reinterpret_cast<V>(four);
#endif
        return found;
    }
}
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

// rows[i] group of lanes j becomes rows[j] group i; kWidth / Lanes rows, whose groups are of `Lanes` lanes each.
template <int Lanes = 1, int Half = Lanes>
PELLUCID_INLINE void transpose(V* rows) {
    if constexpr (Half < kWidth) {
        constexpr int apart = Half / Lanes;
        PELLUCID_UNROLL
        for (int i = 0; i < kWidth / Lanes; i += 2 * apart)
            PELLUCID_UNROLL
            for (int j = i; j < i + apart; ++j) {
                const V a = rows[j], b = rows[j + apart];
                rows[j] = in_turns<Half, 0>(a, b, Counted<kWidth>{});
                rows[j + apart] = in_turns<Half, Half>(a, b, Counted<kWidth>{});
            }
        transpose<Lanes, 2 * Half>(rows);
    }
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
