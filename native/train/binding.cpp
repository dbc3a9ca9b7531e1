#include "binding.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "describe.h"
#include "trainer.h"

namespace nb = nanobind;

namespace pellucid::train {
namespace {

using Two = std::array<int64_t, 2>;
using Spans = std::vector<std::pair<int32_t, int32_t>>;
template <typename T, int Axes>
using Array = nb::ndarray<const T, nb::ndim<Axes>, nb::c_contig, nb::device::cpu>;
using Result = nb::ndarray<nb::numpy, float>;

void must(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

Result array_of(std::vector<size_t> shape, const float* values) {
    size_t count = 1;
    for (const size_t n : shape) count *= n;
    auto copy = std::make_unique<float[]>(count);
    if (values) std::memcpy(copy.get(), values, count * sizeof(float));
    float* data = copy.release();
    const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<float*>(p); });
    return Result(data, shape.size(), shape.data(), owner);
}

Step& added(Network& network, Kind kind, std::vector<int> in, int out) {
    Step step;
    step.kind = kind;
    step.layers = {static_cast<int>(network.steps.size())};
    step.in = std::move(in);
    step.out = out;
    network.steps.push_back(std::move(step));
    return network.steps.back();
}

void add_conv(Network& network, int in, int out, int64_t weight, int64_t bias, Two kernel, Two stride, Two before,
              Two dilation, int64_t groups, bool frozen) {
    Step& s = added(network, Kind::conv, {in}, out);
    s.weight = weight;
    s.bias = bias;
    s.frozen = frozen;
    s.groups = groups;
    for (int axis = 0; axis < 2; ++axis) {
        s.kernel[axis] = kernel[axis];
        s.stride[axis] = stride[axis];
        s.before[axis] = before[axis];
        s.dilation[axis] = dilation[axis];
    }
}

void add_dense(Network& network, int in, int out, int64_t weight, int64_t bias, bool frozen) {
    Step& s = added(network, Kind::dense, {in}, out);
    s.weight = weight;
    s.bias = bias;
    s.frozen = frozen;
}

void add_curve(Network& network, int in, int out, int curve, float slope) {
    must(curve >= 0 && curve < 8, "there are 8 curves");
    Step& s = added(network, Kind::curve, {in}, out);
    s.curve = static_cast<Curve>(curve);
    s.number = slope;
}

void add_pool(Network& network, int in, int out, bool largest, const Spans& rows, const Spans& columns, float divisor) {
    Step& s = added(network, largest ? Kind::max_pool : Kind::mean_pool, {in}, out);
    for (const auto& [begin, end] : rows) s.windows.y.push_back({begin, end});
    for (const auto& [begin, end] : columns) s.windows.x.push_back({begin, end});
    s.windows.divisor = divisor;
}

void add_norm(Network& network, int in, int out, int64_t weight, int64_t bias, int64_t mean, int64_t variance,
              float epsilon) {
    Step& s = added(network, Kind::norm, {in}, out);
    s.weight = weight;
    s.bias = bias;
    s.mean = mean;
    s.variance = variance;
    s.number = epsilon;
}

void add_dropout(Network& network, int in, int out, float rate, int number) {
    must(rate >= 0 && rate < 1, "a dropout rate is from 0 to below 1");
    Step& s = added(network, Kind::dropout, {in}, out);
    s.number = rate;
    s.place = number;
}

void add_pad(Network& network, int in, int out, std::vector<int32_t> rows, std::vector<int32_t> columns) {
    Step& s = added(network, Kind::pad, {in}, out);
    s.from_rows = std::move(rows);
    s.from_columns = std::move(columns);
}

const Kernels& kernels_named(const std::string& name) {
    if (usable().empty()) throw std::invalid_argument("this processor has no set of instructions to train with");
    for (const Kernels* kernels : usable())
        if (name == kernels->name) return *kernels;
    throw std::invalid_argument("this processor has no " + name);
}

// A trainer and the arrays that it looks into.
struct Held {
    Array<uint8_t, 4> pixels;
    Array<int64_t, 1> labels;
    std::vector<float> scale, shift;
    std::unique_ptr<Trainer> trainer;
};

// The parameters: (offset, count, whether weight decay is for it, whether it is frozen, its rows if Muon takes it as a
// matrix, else 0).
using Parameters = std::vector<std::tuple<int64_t, int64_t, bool, bool, int64_t>>;

std::unique_ptr<Held> open(Network network, const std::string& instructions, Array<uint8_t, 4> pixels,
                           Array<int64_t, 1> labels, std::vector<float> scale, std::vector<float> shift,
                           const Parameters& parameters, int64_t batch, int64_t piece, int64_t groups, int threads,
                           int optimiser, float momentum, float beta2, float epsilon, float decay, float smoothing,
                           float averaging, float clip, uint64_t seed, std::vector<float> class_weights) {
    const Kernels& kernels = kernels_named(instructions);
    network.finish(kernels);
    const Tensor &in = network.tensors[0], &last = network.tensors[network.output];
    const int64_t classes = last.channels * last.rows * last.columns;
    must(static_cast<int64_t>(pixels.shape(1)) == in.rows && static_cast<int64_t>(pixels.shape(2)) == in.columns &&
         static_cast<int64_t>(pixels.shape(3)) == in.channels, "the pictures don't fit the network's input");
    must(labels.shape(0) == pixels.shape(0), "there is a label for each picture");
    must(static_cast<int64_t>(scale.size()) == in.channels && scale.size() == shift.size(), "a scale for each channel");
    must(class_weights.empty() || static_cast<int64_t>(class_weights.size()) == classes, "a weight for each class");
    must(batch >= 1 && batch <= (1 << 24), "a batch has 1 to 16,777,216 pictures");
    must(network.needs[network.output] != 0, "there is nothing to learn");
    for (size_t i = 0; i < labels.shape(0); ++i)
        must(labels.data()[i] >= 0 && labels.data()[i] < classes, "a label is no class of the network");
    Settings s{batch, piece, groups, threads, optimiser, momentum, beta2, epsilon, decay, smoothing, averaging, clip,
               seed, std::move(class_weights), {}, {}, {}, {}, {}};
    must(optimiser >= 0 && optimiser < 4, "there are 4 optimisers");
    for (const auto& [offset, count, decays, frozen, rows] : parameters) {
        must(offset >= 0 && count >= 0 && offset + count <= network.weights, "a parameter is out of range");
        s.offsets.push_back(offset);
        s.counts.push_back(count);
        s.decays.push_back(decays);
        must(rows >= 0 && (rows == 0 || count % rows == 0), "a matrix has whole rows");
        s.frozen.push_back(frozen);
        s.rows.push_back(rows);
    }
    auto held = std::make_unique<Held>(Held{pixels, labels, std::move(scale), std::move(shift), nullptr});
    const Pictures pictures{held->pixels.data(), in.channels, in.rows, in.columns, held->scale.data(),
                            held->shift.data()};
    held->trainer = std::make_unique<Trainer>(std::move(network), kernels, pictures, held->labels.data(),
                                              std::move(s));
    return held;
}

nb::tuple steps(Held& held, Array<int64_t, 2> rows, Array<float, 1> rates, int64_t first,
                std::optional<Array<float, 4>> affine, std::optional<Array<float, 2>> gain,
                std::optional<Array<float, 2>> offset, std::optional<Array<int32_t, 3>> erase) {
    const size_t count = rows.shape(0), batch = rows.shape(1), in_all = count * batch;
    must(rates.shape(0) == count, "there is a rate for each step");
    must(static_cast<int64_t>(batch) <= held.trainer->settings().batch, "the batch is larger than it was said to be");
    for (size_t i = 0; i < in_all; ++i)
        must(rows.data()[i] >= -1 && rows.data()[i] < static_cast<int64_t>(held.pixels.shape(0)), "there is no such row");
    Steps work{rows.data(), rates.data(), static_cast<int64_t>(count), static_cast<int64_t>(batch), first,
               nullptr, nullptr, nullptr, nullptr};
    if (affine) {
        must(gain && offset && erase && affine->size() == in_all * 6 && gain->size() == in_all &&
             offset->size() == in_all && erase->size() == in_all * 4, "a variation for each picture");
        const auto height = static_cast<int64_t>(held.pixels.shape(1)), width = static_cast<int64_t>(held.pixels.shape(2));
        for (size_t i = 0; i < in_all; ++i) {
            const int32_t* box = erase->data() + i * 4;
            must(box[0] >= box[2] || (box[0] >= 0 && box[2] <= height && box[1] >= 0 && box[3] <= width),
                 "an erased box lies outside");
        }
        work.affine = affine->data();
        work.gain = gain->data();
        work.offset = offset->data();
        work.erase = erase->data();
    }
    Report report;
    {
        const nb::gil_scoped_release others_may_run;
        report = held.trainer->steps(work);
    }
    return nb::make_tuple(report.loss, report.correct, report.count);
}

Result logits(Held& held, Array<int64_t, 1> rows, bool averaged, int64_t classes) {
    for (size_t i = 0; i < rows.shape(0); ++i)
        must(rows.data()[i] >= 0 && rows.data()[i] < static_cast<int64_t>(held.pixels.shape(0)), "there is no such row");
    must(classes == held.trainer->classes(), "the classes are the network's");
    Result result = array_of({rows.shape(0), static_cast<size_t>(classes)}, nullptr);
    const nb::gil_scoped_release others_may_run;
    held.trainer->logits(rows.data(), static_cast<int64_t>(rows.shape(0)), averaged, result.data());
    return result;
}

std::pair<float*, int64_t> part_of(Trainer& trainer, const std::string& name) {
    if (name == "weights") return {trainer.weights(), trainer.weight_count()};
    if (name == "average") return {trainer.average(), trainer.weight_count()};
    if (name == "exp_avg") return {trainer.moment1(), trainer.parameter_count()};
    if (name == "exp_avg_sq") return {trainer.moment2(), trainer.parameter_count()};
    throw std::invalid_argument("there is no part called " + name);
}

Result read(Held& held, const std::string& name) {
    const auto [data, count] = part_of(*held.trainer, name);
    must(data || !count, "this trainer keeps none");
    return array_of({static_cast<size_t>(count)}, data);
}

void write(Held& held, const std::string& name, Array<float, 1> values) {
    const auto [data, count] = part_of(*held.trainer, name);
    must(data && static_cast<int64_t>(values.shape(0)) == count, "as many values as there are");
    std::copy_n(values.data(), count, data);
}

// The steps of a network as they are taken: (layers, what, channels, rows, columns, kernel, bytes of values, of gradients
// and of weights, FLOP of a picture forward and back), and the bytes of a worker.
nb::tuple described(Network network, const std::string& instructions, int64_t piece) {
    const Kernels& kernels = kernels_named(instructions);
    network.finish(kernels);
    const int64_t floats = network.place(piece) + network.scratch;
    nb::list steps;
    for (const Description& d : describe(network, kernels))
        steps.append(nb::make_tuple(d.layers, d.what, d.channels, d.rows, d.columns, d.kernel, d.value_bytes,
                                    d.gradient_bytes, d.weight_bytes, d.forward, d.back));
    return nb::make_tuple(steps, floats * static_cast<int64_t>(sizeof(float)));
}

}  // namespace

void bind(nb::module_& module) {
    module.def("train_instructions", [] {
        std::vector<std::string> names;
        for (const Kernels* kernels : usable()) names.emplace_back(kernels->name);
        return names;
    });
    nb::class_<Network>(module, "TrainNetwork")
        .def("__init__", [](Network* self, int64_t weights, int64_t statistics) {
            must(weights >= 0 && statistics >= 0, "counts are at least 0");
            new (self) Network();
            self->weights = weights;
            self->statistics = statistics;
        }, nb::arg("weights"), nb::arg("statistics"))
        .def("tensor", &Network::tensor, nb::arg("channels"), nb::arg("rows"), nb::arg("columns"), nb::arg("halo"),
             nb::arg("gradient_halo"))
        .def("conv", &add_conv, nb::arg("input"), nb::arg("output"), nb::arg("weight"), nb::arg("bias"),
             nb::arg("kernel"), nb::arg("stride"), nb::arg("before"), nb::arg("dilation"), nb::arg("groups"),
             nb::arg("frozen"))
        .def("dense", &add_dense, nb::arg("input"), nb::arg("output"), nb::arg("weight"), nb::arg("bias"),
             nb::arg("frozen"))
        .def("curve", &add_curve, nb::arg("input"), nb::arg("output"), nb::arg("curve"), nb::arg("slope"))
        .def("pool", &add_pool, nb::arg("input"), nb::arg("output"), nb::arg("largest"), nb::arg("rows"),
             nb::arg("columns"), nb::arg("divisor"))
        .def("norm", &add_norm, nb::arg("input"), nb::arg("output"), nb::arg("weight"), nb::arg("bias"),
             nb::arg("mean"), nb::arg("variance"), nb::arg("epsilon"))
        .def("add", [](Network& n, std::vector<int> in, int out) { added(n, Kind::add, std::move(in), out); },
             nb::arg("inputs"), nb::arg("output"))
        .def("concat", [](Network& n, std::vector<int> in, int out) { added(n, Kind::concat, std::move(in), out); },
             nb::arg("inputs"), nb::arg("output"))
        .def("copy", [](Network& n, int in, int out) { added(n, Kind::copy, {in}, out); }, nb::arg("input"),
             nb::arg("output"))
        .def("describe", &described, nb::arg("instructions"), nb::arg("piece"))
        .def("dropout", &add_dropout, nb::arg("input"), nb::arg("output"), nb::arg("rate"), nb::arg("number"))
        .def("pad", &add_pad, nb::arg("input"), nb::arg("output"), nb::arg("rows"), nb::arg("columns"));
    nb::class_<Held>(module, "Trainer")
        .def_static("open", &open, nb::arg("network"), nb::arg("instructions"), nb::arg("pixels"), nb::arg("labels"),
                    nb::arg("scale"), nb::arg("shift"), nb::arg("parameters"), nb::arg("batch"), nb::arg("piece"),
                    nb::arg("groups"), nb::arg("threads"), nb::arg("optimiser"), nb::arg("momentum"), nb::arg("beta2"),
                    nb::arg("epsilon"), nb::arg("decay"), nb::arg("smoothing"), nb::arg("averaging"), nb::arg("clip"),
                    nb::arg("seed"), nb::arg("class_weights"))
        .def("steps", &steps, nb::arg("rows"), nb::arg("rates"), nb::arg("first"), nb::arg("affine").none(),
             nb::arg("gain").none(), nb::arg("offset").none(), nb::arg("erase").none())
        .def("logits", &logits, nb::arg("rows"), nb::arg("averaged"), nb::arg("classes"))
        .def("read", &read, nb::arg("part"))
        .def("write", &write, nb::arg("part"), nb::arg("values"))
        .def_prop_rw("taken", [](const Held& held) { return held.trainer->taken; },
                     [](Held& held, int64_t taken) { held.trainer->taken = taken; })
        .def("measure", [](Held& held) { held.trainer->measure(); })
        .def_prop_ro("seconds", [](const Held& held) { return held.trainer->seconds(); })
        .def_prop_ro("bytes", [](const Held& held) { return held.trainer->bytes(); });
}

}  // namespace pellucid::train
