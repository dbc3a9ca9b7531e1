#include "resize_portable.h"

namespace pellucid {

namespace {

void pack(const Taps&, int32_t*) {}

void across(const uint8_t* source, size_t source_stride, uint8_t* target, size_t target_stride, int64_t rows,
            const Taps& axis, const int32_t*, int channels) {
    (channels == 1 ? across_portable<1> : across_portable<3>)(source, source_stride, target, target_stride, rows,
                                                              axis);
}

}  // namespace

const Kernels& generic_kernels() {
    static const Kernels kernels{"generic", 0, pack, across, down_portable};
    return kernels;
}

}  // namespace pellucid
