// pellucid._native: what Python sees. src/pellucid/_native.pyi says it in Python's terms.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "digest.h"
#include "resize.h"

namespace nb = nanobind;

namespace {

using Pictures = nb::ndarray<const uint8_t, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Target = nb::ndarray<uint8_t, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
constexpr int64_t kLongest = int64_t{1} << 30;  // so that sums of two fit 32 bits

using Two = std::array<int64_t, 2>;

const pellucid::Kernels& kernels_named(const std::string& name) {
    static const std::vector<const pellucid::Kernels*> usable = pellucid::usable_kernels();
    if (name.empty()) return *usable.back();
    for (const auto* kernels : usable)
        if (name == kernels->name) return *kernels;
    throw std::invalid_argument("this processor has no " + name);
}

std::vector<std::string> instructions() {
    std::vector<std::string> names;
    for (const auto* kernels : pellucid::usable_kernels()) names.emplace_back(kernels->name);
    return names;
}

void resize(Pictures pictures, Two size, Two offset, Target target, std::array<int32_t, 3> luma,
            const std::string& set) {
    const size_t count = pictures.shape(0);
    const auto channels = static_cast<int>(pictures.shape(3)), wanted = static_cast<int>(target.shape(3));
    if (target.shape(0) != count) throw std::invalid_argument("as many targets as pictures are needed");
    if ((channels != 1 && channels != 3) || (wanted != 1 && wanted != 3))
        throw std::invalid_argument("pictures have 1 or 3 channels");
    for (size_t axis = 0; axis < 2; ++axis) {
        const auto from = static_cast<int64_t>(pictures.shape(axis + 1));
        const auto to = static_cast<int64_t>(target.shape(axis + 1));
        if (from < 1 || from > kLongest || size[axis] < 1 ||
            size[axis] > kLongest || to > kLongest || offset[axis] < -kLongest ||
            offset[axis] > kLongest)
            throw std::invalid_argument("sides from 1 to 1,073,741,824 are resized");
    }
    const pellucid::Kernels& kernels = kernels_named(set);
    const size_t height = target.shape(1), width = target.shape(2), places = height * width;
    if (!count || !places) return;
    const nb::gil_scoped_release others_may_run;
    std::vector<uint8_t> own(channels == wanted ? 0 : places * channels);
    for (size_t n = 0; n < count; ++n) {
        const pellucid::Picture picture{pictures.data() + n * pictures.shape(1) * pictures.shape(2) * channels,
                                        static_cast<int64_t>(pictures.shape(1)),
                                        static_cast<int64_t>(pictures.shape(2)), channels};
        uint8_t* final = target.data() + n * places * wanted;
        uint8_t* first = channels == wanted ? final : own.data();
        pellucid::resize(picture, size[0], size[1], offset[0], offset[1], static_cast<int64_t>(height),
                         static_cast<int64_t>(width), first, kernels);
        if (channels < wanted) {
            for (size_t i = 0; i < places; ++i)
                for (int c = 0; c < wanted; ++c) final[i * wanted + c] = first[i];
        } else if (channels > wanted) {
            for (size_t i = 0; i < places; ++i)
                final[i] = static_cast<uint8_t>(
                    (luma[0] * first[i * 3] + luma[1] * first[i * 3 + 1] + luma[2] * first[i * 3 + 2] + (1 << 15)) >>
                    16);
        }
    }
}

const std::vector<pellucid::Digest>& digests() {
    static const std::vector<pellucid::Digest> usable = pellucid::usable_digests();
    return usable;
}

pellucid::CrcAndSums digest_named(const std::string& name) {
    if (name.empty()) return digests().back().run;
    for (const auto& digest : digests())
        if (name == digest.name) return digest.run;
    throw std::invalid_argument("this processor has no " + name);
}

nb::tuple crc_and_sums(nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> values,
                       const std::string& set) {
    const pellucid::CrcAndSums quick = digest_named(set);
    uint64_t sums[pellucid::kLanes];
    uint32_t crc = 0;
    {
        const nb::gil_scoped_release others_may_run;
        crc = quick(values.data(), values.size(), sums);
    }
    return nb::make_tuple(crc, nb::bytes(sums, sizeof sums));
}

std::vector<std::string> digest_instructions() {
    std::vector<std::string> names;
    for (const auto& digest : digests()) names.emplace_back(digest.name);
    return names;
}

}  // namespace

NB_MODULE(_native, module) {
    module.def("instructions", &instructions);
    module.def("resize", &resize, nb::arg("pictures").noconvert(), nb::arg("size"), nb::arg("offset"),
               nb::arg("target").noconvert(),
               nb::arg("luma"), nb::arg("instructions") = "");
    module.def("digest_instructions", &digest_instructions);
    if (digests().empty())
        module.attr("crc_and_sums") = nb::none();
    else
        module.def("crc_and_sums", &crc_and_sums, nb::arg("values").noconvert(), nb::arg("instructions") = "");
}
