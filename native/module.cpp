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

#include "blake2b.h"
#include "digest.h"
#include "filter.h"
#include "measure.h"
#include "resize.h"
#include "train/binding.h"

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

const pellucid::FilterKernels& filter_kernels_named(const std::string& name) {
    static const std::vector<const pellucid::FilterKernels*> usable = pellucid::usable_filter_kernels();
    if (name.empty()) return *usable.back();
    for (const auto* kernels : usable)
        if (name == kernels->name) return *kernels;
    throw std::invalid_argument("this processor has no " + name);
}

std::vector<std::string> filter_instructions() {
    std::vector<std::string> names;
    for (const auto* kernels : pellucid::usable_filter_kernels()) names.emplace_back(kernels->name);
    return names;
}

template <typename T>
using Planes = nb::ndarray<T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
constexpr int64_t kLongestSide = int64_t{1} << 24;

// That each place which the kernel meets on one axis is a place of the picture or of its border.
void check_axis(const char* axis, int64_t size, int64_t answers, int64_t kernel, int64_t stride, int64_t dilation,
                int64_t before, pellucid::Border border) {
    const bool possible = size >= 1 && size <= kLongestSide && answers >= 1 && answers <= kLongestSide && kernel >= 1 &&
                          kernel <= 4096 && stride >= 1 && stride <= 4096 && dilation >= 1 && dilation <= 4096 &&
                          before >= 0 && before <= kLongestSide;
    const int64_t last = possible ? (answers - 1) * stride + (kernel - 1) * dilation - before : 0;
    if (!possible || last > 2 * kLongestSide ||
        (border == pellucid::Border::reflect && (before > size - 1 || last > 2 * (size - 1))))
        throw std::invalid_argument(std::string("the kernel can't slide so over the picture's ") + axis);
}

template <typename T>
void correlate(Planes<const T> pixels, Planes<const float> weights, Two stride, Two before, Two dilation, int border,
               bool volume, Planes<float> target, int threads, const std::string& set) {
    if (border < 0 || border > 2) throw std::invalid_argument("a border is 0, 1 or 2: zero, reflect, replicate");
    const auto side = [](const auto& array, size_t axis) { return static_cast<int64_t>(array.shape(axis)); };
    const pellucid::Slide slide{side(pixels, 0), side(pixels, 1), side(pixels, 2), side(target, 0), side(target, 1),
                                side(weights, 1), side(weights, 2), {stride[0], stride[1]},
                                {dilation[0], dilation[1]}, {before[0], before[1]},
                                static_cast<pellucid::Border>(border), volume, threads};
    const int64_t channels = slide.channels;
    if (channels < 1 || channels > 65536 || side(weights, 0) != (volume ? channels : 1) ||
        side(target, 2) != (volume ? 1 : channels))
        throw std::invalid_argument("the kernel's planes, or the answer's channels, don't fit the picture");
    check_axis("rows", slide.height, slide.rows, slide.kernel_height, stride[0], dilation[0], before[0], slide.border);
    check_axis("columns", slide.width, slide.columns, slide.kernel_width, stride[1], dilation[1], before[1],
               slide.border);
    const pellucid::FilterKernels& kernels = filter_kernels_named(set);
    const nb::gil_scoped_release others_may_run;
    pellucid::correlate(pixels.data(), slide, weights.data(), target.data(), kernels);
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

void blake2b_rows(const nb::bytes& prefix, nb::ndarray<const uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> rows,
                  nb::ndarray<uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu> target) {
    const size_t count = rows.shape(0), size = rows.shape(1), length = target.shape(1);
    if (target.shape(0) != count || length < 1 || length > pellucid::kBlakeLongest)
        throw std::invalid_argument("a row of 1 to 64 bytes is needed for each");
    const auto* first = static_cast<const uint8_t*>(prefix.data());
    const size_t first_size = prefix.size();
    const nb::gil_scoped_release others_may_run;
    for (size_t i = 0; i < count; ++i)
        pellucid::blake2b(first, first_size, rows.data() + i * size, size, target.data() + i * length, length);
}

const pellucid::MeasuringLoops& loops_named(const std::string& name, int threads, double seconds) {
    if (threads < 1 || threads > 1024 || !(seconds >= 0 && seconds <= 60))
        throw std::invalid_argument("1 to 1,024 threads are measured, for up to 60 seconds");
    for (const auto* loops : pellucid::usable_measuring_loops())
        if (name == loops->name) return *loops;
    throw std::invalid_argument("this processor has no " + name);
}

double multiply_add_rate(const std::string& set, int threads, double seconds) {
    const auto& loops = loops_named(set, threads, seconds);
    const nb::gil_scoped_release others_may_run;
    return pellucid::multiply_add_rate(loops, threads, seconds);
}

double triad_rate(const std::string& set, int threads, int64_t bytes, double seconds) {
    if (bytes < 0 || bytes > (int64_t{1} << 30)) throw std::invalid_argument("up to 1 GiB is gone through");
    const auto& loops = loops_named(set, threads, seconds);
    const nb::gil_scoped_release others_may_run;
    return pellucid::triad_rate(loops, threads, bytes, seconds);
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
    module.def("filter_instructions", &filter_instructions);
    const auto filters = [&module](auto function) {
        module.def("correlate", function, nb::arg("pixels").noconvert(), nb::arg("weights").noconvert(),
                   nb::arg("stride"), nb::arg("before"), nb::arg("dilation"), nb::arg("border"), nb::arg("volume"),
                   nb::arg("target").noconvert(), nb::arg("threads"), nb::arg("instructions") = "");
    };
    filters(&correlate<uint8_t>);
    filters(&correlate<float>);
    module.def("digest_instructions", &digest_instructions);
    if (digests().empty())
        module.attr("crc_and_sums") = nb::none();
    else
        module.def("crc_and_sums", &crc_and_sums, nb::arg("values").noconvert(), nb::arg("instructions") = "");
    module.def("blake2b_rows", &blake2b_rows, nb::arg("prefix"), nb::arg("rows").noconvert(),
               nb::arg("target").noconvert());
    module.def("multiply_add_rate", &multiply_add_rate, nb::arg("instructions"), nb::arg("threads"),
               nb::arg("seconds"));
    module.def("triad_rate", &triad_rate, nb::arg("instructions"), nb::arg("threads"), nb::arg("bytes"),
               nb::arg("seconds"));
    pellucid::train::bind(module);
}
