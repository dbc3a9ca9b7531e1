// Training: what a network's steps are and where their values lie. Plain data, shared by every set of instructions.
#pragma once
#include <cstdint>
#include <vector>

namespace pellucid::train {

// A block of pictures goes through the network side by side: every value is 16 floats, one for each of them,
// whatever the width of the processor's registers. So the results of a step don't depend on that width's grouping.
constexpr int64_t kBlock = 16;

// Values [channels][rows][columns][16] of some blocks, each row with a border of zeros on both sides (the halo), which
// is never written. Counted in floats; `data` is row 0, column 0 of channel 0 of block 0.
struct View {
    float* data = nullptr;
    int64_t channels = 0, rows = 0, columns = 0;
    int64_t row = 0, plane = 0, block = 0;

    float* at(int64_t b, int64_t c, int64_t y) const { return data + b * block + c * plane + y * row; }
};

// Where one axis of a sliding sum goes: output q stands at out0 + q * out_step and takes, for each j below `taps`,
// weight tap0 + j * tap_step times the input at in0 + q * in_step + j * in_tap, where that is inside [0, size).
struct Axis {
    int64_t count = 0, out0 = 0, out_step = 1;
    int64_t in0 = 0, in_step = 1, in_tap = 1;
    int64_t tap0 = 0, tap_step = 1, taps = 0;
    int64_t size = 0;
};

enum class Start : int { zero, bias, add };

// Some columns of outputs that are computed side by side, with the taps that any of them has inside the input.
struct Tile {
    int32_t column, count;
    int32_t first, last;  // last is exclusive
};

// A convolution, forward or back: `inputs` channels of a group are summed to `outputs` of it.
struct Sweep {
    Axis y, x;
    int64_t inputs = 0, outputs = 0, groups = 1;
    int64_t kernel_rows = 0, kernel_columns = 0;
    const float* weights = nullptr;  // packed: see pack.h
    const float* bias = nullptr;
    Start start = Start::zero;
    const Tile* tiles = nullptr;  // of a row
    int64_t tile_count = 0;
    int64_t strip = 1;  // rows of outputs whose slopes are at hand together for the weights' gradient ...
    int64_t panel = 1;  // ... and tiles of outputs whose sums are
};

// A convolution by tiles of side x side outputs, whose values are taken to points x points (winograd.h), a strip of
// `down` x `across` tiles at a time.
struct Winograd {
    int64_t side = 0, points = 0;  // 0: it isn't done so
    int64_t advance = 0;           // from one tile's first input to the next's
    int64_t inputs = 0, outputs = 0, groups = 1;  // of a group
    int64_t padded = 0, beside = 1;  // inputs, filled up so that those of `beside` pictures fill whole registers
    int64_t weights_point = 0, sums_point = 0;  // from one point of the weights, or of the gradient's sums, to the next
    int64_t rows = 0, columns = 0, before[2] = {0, 0};  // outputs that are wanted, and the padding
    int64_t tiles_down = 0, tiles_across = 0, down = 0, across = 0;
    const float* weights = nullptr;
    const float* bias = nullptr;
};

// How far apart what a strip needs lies in a worker's scratch, in floats.
struct WinogradPlaces {
    int64_t in_point, out_point, turned_point;  // from one point to the next
    int64_t line, turned_line, row;             // from one line of inputs, or of outputs, to the next
    explicit WinogradPlaces(const Winograd& s);
    static int64_t scratch(const Winograd& s, int64_t in_columns);
};

enum class Curve : int { relu, leaky, relu6, sigmoid, tanh, gelu, silu, hardswish };

struct Span {
    int32_t begin, end;
};

// Pooling by windows [y spans] x [x spans]; `divisor` 0: the mean is over as many as the window holds.
struct Windows {
    std::vector<Span> y, x;
    float divisor = 0;
};

enum class Kind : int { conv, dense, curve, max_pool, mean_pool, norm, add, concat, dropout, copy, pad };

// One layer. Tensors and parameters by number; -1 where there is none.
struct Step {
    Kind kind{};
    std::vector<int> layers;  // of those that were added: its own number, and of those that were taken into it
    std::vector<int> in;
    int out = -1;
    // Offsets into the flat weights, in floats.
    int64_t weight = -1, bias = -1, mean = -1, variance = -1;
    bool frozen = false;
    // Convolution.
    int64_t kernel[2] = {1, 1}, stride[2] = {1, 1}, before[2] = {0, 0}, dilation[2] = {1, 1}, groups = 1;
    bool pooled = false, relu = false;  // of the largest of each 2x2 only; of that only what is above 0
    int full = -1;                      // where more was taken in: its own outputs, of which at most the gradient is kept
    int64_t winners = -1;               // and where these lie in a worker's memory, in floats
    // Curves, dropout, normalisation.
    Curve curve{};
    float number = 0;  // slope, rate or epsilon
    int place = 0;     // of a dropout or a normalisation among its like
    Windows windows;
    std::vector<int32_t> from_rows, from_columns;  // padding: where each comes from; -1: zero

    // Worked out by Plan::finish.
    std::vector<bool> adds;      // whether the gradient of in[i] is added to what is there
    std::vector<bool> wanted;    // whether in[i] needs a gradient
    int64_t packed = -1, packed_back = -1;  // offsets into the packed weights
    std::vector<Sweep> back;     // of a convolution: one for each phase of its stride
    Sweep forward;
    Winograd winograd;
    int64_t sums = -1;           // where those of its gradient at the points lie in a worker's
    std::vector<std::vector<Tile>> tiles;  // what these look into
    int64_t panels_in = -1, panels_out = -1;  // of dense layers: offsets into the batch's panels
};

// Lines of 64 bytes to the next row or plane of so many. Planes whole pages apart would share a few places of the nearest
// cache, which then answers four times as slowly.
inline int64_t spread(int64_t lines) { return lines + (21 - lines % 16) % 16; }

inline WinogradPlaces::WinogradPlaces(const Winograd& s) {
    const int64_t tiles = s.down * s.across, columns = (s.across - 1) * s.advance + s.points;
    in_point = spread(s.inputs * tiles) * kBlock;
    out_point = spread(s.outputs * tiles) * kBlock;
    turned_point = spread(s.padded * tiles) * kBlock;
    line = spread(columns) * kBlock;
    turned_line = spread(columns * s.padded) * kBlock;
    row = spread(s.across * s.side) * kBlock;
}

struct Tensor {
    int64_t channels, rows, columns, halo, gradient_halo;
    int64_t value = 0, gradient = 0;  // offsets of the first block's view into a worker's memory
    bool tight = true;                // its values lie side by side, as dense layers read them

    int64_t values() const { return channels * rows * columns; }
    int64_t row(int64_t border) const {
        const int64_t lines = columns + 2 * border;
        return (lines + (!tight && lines % 16 == 0)) * kBlock;
    }
    int64_t plane(int64_t border) const {
        const int64_t lines = rows * row(border) / kBlock;
        return (tight ? lines : spread(lines)) * kBlock;
    }
    int64_t floats(int64_t border) const { return channels * plane(border); }
};

}  // namespace pellucid::train
