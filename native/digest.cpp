#include "digest.h"

namespace pellucid {

CrcAndSums quick_crc_and_sums() {
#ifdef PELLUCID_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("pclmul"))
        return crc_and_sums_avx512;
#endif
    return nullptr;
}

}  // namespace pellucid
