// The training engine without Python: small networks trained for some steps, on any processor. See README.md.
//
//   driver                  every set of instructions that runs here, with 1, 2 and 3 threads: equal bits whatever the
//                           threads, nearly equal numbers whatever the instructions
//   driver write FILE       what the best set comes to, as text
//   driver against FILE     the same, compared with what another processor wrote
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "../train/network.h"
#include "../train/trainer.h"

namespace {

using namespace pellucid::train;

constexpr int kSteps = 4, kBatch = 40, kPictures = 100, kClasses = 5;  // 40: two full blocks and half of one
constexpr double kNear = 1e-5;  // of the largest: sums of floats in another order

struct Draws {  // splitmix64: the same numbers on every machine
    uint64_t state;
    uint64_t next() {
        uint64_t x = state += 0x9E3779B97F4A7C15ULL;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
        return x ^ (x >> 31);
    }
    float uniform() { return static_cast<float>(next() >> 40) / static_cast<float>(1 << 24) * 2 - 1; }
};

struct Parameter {
    int64_t offset, count, fan_in;  // fan_in 0: a bias; -1: a factor, which begins as 1
};

// A network being built. Borders are wider than any of these layers needs.
class Builder {
   public:
    static constexpr int64_t kHalo = 8;
    Network network;
    std::vector<Parameter> parameters;

    int input(int64_t channels, int64_t rows, int64_t columns) {
        return network.tensor(channels, rows, columns, kHalo, kHalo);
    }
    int conv(int in, int64_t channels, int64_t kernel, int64_t pad, int64_t stride = 1, int64_t dilation = 1,
             int64_t groups = 1) {
        const Tensor t = network.tensors[in];
        const auto size = [&](int64_t n) { return (n + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1; };
        Step& s = add(Kind::conv, {in}, network.tensor(channels, size(t.rows), size(t.columns), kHalo, kHalo));
        for (int axis = 0; axis < 2; ++axis) {
            s.kernel[axis] = kernel;
            s.stride[axis] = stride;
            s.before[axis] = pad;
            s.dilation[axis] = dilation;
        }
        s.groups = groups;
        const int64_t fan_in = t.channels / groups * kernel * kernel;
        s.weight = learned(channels * fan_in, fan_in);
        s.bias = learned(channels, 0);
        return s.out;
    }
    int pool(int in, bool largest, int64_t window) {
        const Tensor t = network.tensors[in];
        const int64_t rows = t.rows / window, columns = t.columns / window;
        Step& s = add(largest ? Kind::max_pool : Kind::mean_pool, {in},
                      network.tensor(t.channels, rows, columns, kHalo, kHalo));
        const auto spans = [&](int64_t n) {
            std::vector<Span> found;
            for (int64_t i = 0; i < n; ++i)
                found.push_back({static_cast<int32_t>(i * window), static_cast<int32_t>((i + 1) * window)});
            return found;
        };
        s.windows.y = spans(rows);
        s.windows.x = spans(columns);
        return s.out;
    }
    int curve(int in, Curve curve) {  // a rectifier in place, the others beside
        Step& s = add(Kind::curve, {in}, curve == Curve::relu ? in : like(in));
        s.curve = curve;
        s.number = 0.1f;
        return s.out;
    }
    int norm(int in) {
        const int64_t channels = network.tensors[in].channels;
        Step& s = add(Kind::norm, {in}, like(in));
        s.number = 1e-5f;
        s.weight = learned(channels, -1);
        s.bias = learned(channels, 0);
        norms.push_back(static_cast<int>(network.steps.size()) - 1);
        return s.out;
    }
    int join(Kind kind, int a, int b) {
        const Tensor t = network.tensors[a], u = network.tensors[b];
        const int64_t channels = kind == Kind::add ? t.channels : t.channels + u.channels;
        return add(kind, {a, b}, network.tensor(channels, t.rows, t.columns, kHalo, kHalo)).out;
    }
    int dropout(int in, float rate) {
        Step& s = add(Kind::dropout, {in}, like(in));
        s.number = rate;
        return s.out;
    }
    int flat(int in) {
        const Tensor t = network.tensors[in];
        return add(Kind::copy, {in}, network.tensor(t.channels * t.rows * t.columns, 1, 1, 0, 0)).out;
    }
    int dense(int in, int64_t outputs) {
        const int64_t inputs = network.tensors[in].channels;
        Step& s = add(Kind::dense, {in}, network.tensor(outputs, 1, 1, 0, 0));
        s.weight = learned(outputs * inputs, inputs);
        s.bias = learned(outputs, 0);
        return s.out;
    }
    void finish() {  // running statistics stand behind everything learned
        for (const int number : norms) {
            Step& s = network.steps[number];
            const int64_t channels = network.tensors[s.in[0]].channels;
            s.mean = network.weights + network.statistics;
            s.variance = s.mean + channels;
            network.statistics += 2 * channels;
        }
    }

   private:
    std::vector<int> norms;

    Step& add(Kind kind, std::vector<int> in, int out) {
        Step step;
        step.kind = kind;
        step.in = std::move(in);
        step.out = out;
        network.steps.push_back(std::move(step));
        return network.steps.back();
    }
    int like(int in) {
        const Tensor t = network.tensors[in];
        return network.tensor(t.channels, t.rows, t.columns, t.halo, t.gradient_halo);
    }
    int64_t learned(int64_t count, int64_t fan_in) {
        parameters.push_back({network.weights, count, fan_in});
        network.weights += count;
        return parameters.back().offset;
    }
};

struct Case {
    const char* name;
    int64_t channels, rows, columns;
    bool augmented;
    int optimiser;  // 0 Adam, 2 gradient descent, 3 Muon
    std::function<void(Builder&, int)> build;
};

const std::vector<Case>& cases() {
    static const std::vector<Case> all = {
        {"lenet", 1, 20, 20, false, 0, [](Builder& b, int x) {
            x = b.curve(b.pool(b.conv(x, 8, 5, 2), true, 2), Curve::relu);
            x = b.curve(b.pool(b.conv(x, 13, 3, 0), true, 2), Curve::relu);
            x = b.curve(b.dense(b.flat(x), 33), Curve::relu);
            b.dense(x, kClasses);
        }},
        {"residual", 3, 12, 10, true, 2, [](Builder& b, int x) {
            x = b.curve(b.norm(b.conv(x, 8, 3, 1)), Curve::relu);
            int y = b.curve(b.norm(b.conv(x, 8, 3, 1)), Curve::silu);
            x = b.join(Kind::add, x, b.norm(b.conv(y, 8, 3, 1)));
            x = b.curve(b.norm(b.conv(x, 17, 3, 1, 2)), Curve::relu);
            b.dense(b.flat(b.pool(x, false, 5)), kClasses);
        }},
        {"the rest", 2, 11, 13, true, 3, [](Builder& b, int x) {
            const int wide = b.curve(b.conv(x, 6, 3, 2, 1, 2), Curve::gelu);
            const int deep = b.curve(b.conv(wide, 6, 3, 1, 1, 1, 6), Curve::tanh);
            x = b.join(Kind::concat, wide, b.curve(b.conv(deep, 5, 1, 0), Curve::leaky));
            x = b.dropout(b.curve(b.conv(x, 9, 2, 0, 3), Curve::hardswish), 0.25f);
            b.dense(b.flat(x), kClasses);
        }},
        {"single values", 2, 9, 8, false, 1, [](Builder& b, int x) {
            x = b.curve(b.norm(b.conv(x, 10, 3, 1, 2, 2)), Curve::relu);
            x = b.pool(b.conv(x, 7, 2, 2, 1, 1), true, 3);
            b.dense(b.curve(b.norm(b.flat(x)), Curve::tanh), kClasses);
        }},
    };
    return all;
}

struct Result {
    std::vector<double> losses;   // of each step
    std::vector<float> gradient;  // of the first, by a step of plain descent at rate 1
    std::vector<float> weights;   // after the last
};

Result train(const Case& c, const Kernels& kernels, int threads) {
    Builder b;
    const int input = b.input(c.channels, c.rows, c.columns);
    c.build(b, input);
    b.finish();
    Draws draws{42};
    std::vector<uint8_t> pixels(static_cast<size_t>(kPictures * c.channels * c.rows * c.columns));
    for (auto& p : pixels) p = static_cast<uint8_t>(draws.next() >> 56);
    std::vector<int64_t> labels(kPictures);
    for (auto& l : labels) l = static_cast<int64_t>(draws.next() % kClasses);
    std::vector<float> start(static_cast<size_t>(b.network.weights + b.network.statistics), 0.0f);
    for (const Parameter& p : b.parameters)
        for (int64_t i = 0; i < p.count; ++i)
            start[p.offset + i] = p.fan_in > 0   ? draws.uniform() * std::sqrt(3.0f / static_cast<float>(p.fan_in))
                                  : p.fan_in < 0 ? 1.0f
                                                 : 0.1f * draws.uniform();
    for (const Step& s : b.network.steps)
        if (s.kind == Kind::norm) std::fill_n(start.begin() + s.variance, b.network.tensors[s.in[0]].channels, 1.0f);
    std::vector<int64_t> rows;
    std::vector<float> affine, gain, offset;
    std::vector<int32_t> erase;
    for (int i = 0; i < kSteps * kBatch; ++i) {
        rows.push_back(static_cast<int64_t>(draws.next() % kPictures));
        const float turn = 0.2f * draws.uniform();
        affine.insert(affine.end(), {1, turn, 2 * draws.uniform(), -turn, 1, 2 * draws.uniform()});
        gain.push_back(1 + 0.2f * draws.uniform());
        offset.push_back(10 * draws.uniform());
        erase.insert(erase.end(), {1, 1, 1 + i % 4, 4});
    }
    const std::vector<float> scale(static_cast<size_t>(c.channels), 1.0f / 64), shift(static_cast<size_t>(c.channels), -2.0f);
    const Pictures pictures{pixels.data(), c.channels, c.rows, c.columns, scale.data(), shift.data()};
    Result result;
    for (const bool first : {true, false}) {
        Settings settings;
        settings.batch = kBatch;
        settings.threads = threads;
        settings.optimiser = first ? 2 : c.optimiser;
        settings.momentum = first ? 0.0f : 0.9f;
        settings.smoothing = 0.1f;
        settings.averaging = 0.99f;
        settings.seed = 7;
        for (const Parameter& p : b.parameters) {
            settings.offsets.push_back(p.offset);
            settings.counts.push_back(p.count);
            settings.decays.push_back(p.fan_in > 0);
            settings.frozen.push_back(0);
            settings.rows.push_back(p.fan_in > 0 ? p.count / p.fan_in : 0);
        }
        Network network = b.network;
        network.finish(kernels);
        Trainer trainer(std::move(network), kernels, pictures, labels.data(), std::move(settings));
        std::copy(start.begin(), start.end(), trainer.weights());
        std::copy(start.begin(), start.end(), trainer.average());
        for (int step = 0; step < (first ? 1 : kSteps); ++step) {
            const float rate = first ? 1.0f : 0.01f;
            const int64_t at = step * kBatch;
            const Steps work{rows.data() + at, &rate, 1, kBatch, step,
                             c.augmented ? affine.data() + at * 6 : nullptr, c.augmented ? gain.data() + at : nullptr,
                             c.augmented ? offset.data() + at : nullptr, c.augmented ? erase.data() + at * 4 : nullptr};
            const Report report = trainer.steps(work);
            if (!first) result.losses.push_back(report.loss / static_cast<double>(report.count));
        }
        const float* weights = trainer.weights();
        if (first)
            for (int64_t i = 0; i < b.network.weights; ++i) result.gradient.push_back(start[i] - weights[i]);
        else
            result.weights.assign(weights, weights + start.size());
    }
    return result;
}

using Values = std::map<std::string, std::vector<double>>;

// A result as named rows of numbers. Adam divides by the gradient's own size, so that weights whose gradient is nearly
// 0 may go either way: of the last weights what counts is the loss that they give.
void add_to(Values& values, const Case& c, const Result& result) {
    values[std::string(c.name) + "/loss"] = result.losses;
    values[std::string(c.name) + "/gradient"] = {result.gradient.begin(), result.gradient.end()};
}

// The largest difference, as a share of the largest value; infinite where there is no number.
double apart(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size() || a.empty()) return HUGE_VAL;
    double largest = 0, difference = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return HUGE_VAL;
        largest = std::max(largest, std::fabs(a[i]));
        difference = std::max(difference, std::fabs(a[i] - b[i]));
    }
    return largest > 0 ? difference / largest : HUGE_VAL;  // all zeros: nothing was computed
}

// Prints a line for each row; how many rows are too far apart.
int compare(const Values& ours, const Values& theirs, const char* what) {
    int wrong = 0;
    for (const auto& [name, values] : ours) {
        const auto found = theirs.find(name);
        const double difference = found == theirs.end() ? HUGE_VAL : apart(values, found->second);
        const bool holds = difference <= kNear;
        std::printf("%-22s %-16s %6zu values   within %.1e of the largest   %s\n", what, name.c_str(), values.size(),
                    difference, holds ? "ok" : "TOO FAR");
        wrong += !holds;
    }
    return wrong;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

int write(const Values& values, const char* path) {
    std::ofstream file(path);
    char text[40];
    for (const auto& [name, row] : values) {
        file << name << '\n' << row.size() << '\n';
        for (const double value : row) {
            std::snprintf(text, sizeof text, "%.17g\n", value);
            file << text;
        }
    }
    file.close();
    if (!file) std::fprintf(stderr, "can't write %s\n", path);
    return file ? 0 : 1;
}

Values read(const char* path) {
    std::ifstream file(path);
    Values values;
    std::string name, count, value;
    while (std::getline(file, name) && std::getline(file, count)) {
        auto& row = values[name];
        for (long i = std::strtol(count.c_str(), nullptr, 10); i > 0 && std::getline(file, value); --i)
            row.push_back(std::strtod(value.c_str(), nullptr));
    }
    return values;
}

int check_here() {
    int wrong = 0;
    Values first;
    for (const Kernels* kernels : usable()) {
        Values values;
        for (const Case& c : cases()) {
            const Result one = train(c, *kernels, 1);
            for (const int threads : {2, 3}) {
                const Result other = train(c, *kernels, threads);
                const bool equal = same_bits(one.weights, other.weights) && same_bits(one.gradient, other.gradient);
                std::printf("%-22s %-16s %6zu weights  with %d threads as with 1   %s\n", kernels->name, c.name,
                            one.weights.size(), threads, equal ? "ok" : "OTHER BITS");
                wrong += !equal;
            }
            add_to(values, c, one);
        }
        if (first.empty()) first = values;
        else wrong += compare(values, first, (std::string(kernels->name) + " and " + usable()[0]->name).c_str());
    }
    return wrong;
}

}  // namespace

int main(int count, char** arguments) {
    if (usable().empty()) {
        std::fprintf(stderr, "this processor has no set of instructions that the engine is compiled for\n");
        return 1;
    }
    const std::string verb = count > 1 ? arguments[1] : "";
    if ((verb.empty() && count > 1) || (!verb.empty() && (count != 3 || (verb != "write" && verb != "against")))) {
        std::fprintf(stderr, "driver, driver write FILE, or driver against FILE\n");
        return 2;
    }
    if (verb.empty()) return check_here() ? 1 : 0;
    Values values;
    for (const Case& c : cases()) add_to(values, c, train(c, *usable().back(), 2));
    if (verb == "write") return write(values, arguments[2]);
    return compare(values, read(arguments[2]), (std::string(usable().back()->name) + " and the file").c_str()) ? 1 : 0;
}
