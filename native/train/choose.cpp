#include <vector>

#include "kernels.h"

namespace pellucid::train {

#ifdef PELLUCID_X86
namespace sse4 { extern const Kernels kernels; }
namespace avx2 { extern const Kernels kernels; }
namespace avx512 { extern const Kernels kernels; }
#elif defined(PELLUCID_NEON)
namespace neon { extern const Kernels kernels; }
#endif

const std::vector<const Kernels*>& usable() {
    static const std::vector<const Kernels*> found = [] {
        std::vector<const Kernels*> sets;
#ifdef PELLUCID_X86
        __builtin_cpu_init();
        if (__builtin_cpu_supports("sse4.2")) sets.push_back(&sse4::kernels);
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(&avx2::kernels);
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
            sets.push_back(&avx512::kernels);
#elif defined(PELLUCID_NEON)
        sets.push_back(&neon::kernels);
#endif
        return sets;
    }();
    return found;
}

}  // namespace pellucid::train
