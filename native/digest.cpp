#include "digest.h"

namespace pellucid {

std::vector<Digest> usable_digests() {
    std::vector<Digest> usable;
#ifdef PELLUCID_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("pclmul")) return usable;
    if (__builtin_cpu_supports("avx2")) usable.push_back({"AVX2", crc_and_sums_avx2});
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq"))
        usable.push_back({"AVX-512", crc_and_sums_avx512});
#endif
    return usable;
}

}  // namespace pellucid
