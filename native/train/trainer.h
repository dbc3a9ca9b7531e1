// Training: a network, its pictures and its optimiser, and the steps that they take.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels.h"
#include "memory.h"
#include "network.h"
#include "threads.h"

namespace pellucid::train {

struct Settings {
    int64_t batch = 256;
    int64_t piece = 1;   // blocks whose pictures are normalised together
    int64_t groups = 8;  // sets of gradients at most
    int threads = 1;
    int optimiser = 0;
    float momentum = 0.9f, beta2 = 0.999f, epsilon = 1e-8f, decay = 0, smoothing = 0, averaging = 0, clip = 0;
    uint64_t seed = 0;
    std::vector<float> class_weights;
    std::vector<char> decays, frozen;           // by parameter
    std::vector<int64_t> offsets, counts;       // of parameters
    std::vector<int64_t> rows;                  // of those that Muon takes as a matrix, 0 for others
};

struct Steps {
    const int64_t* rows;  // [steps][batch]
    const float* rates;   // [steps]
    int64_t steps, batch, first;
    const float *affine, *gain, *offset;  // null without augmentation
    const int32_t* erase;
};

struct Report {
    double loss = 0;
    int64_t correct = 0, count = 0;
};

class Trainer {
   public:
    // The pixels and labels stay the caller's, and must last. Throws std::bad_alloc.
    Trainer(Network network, const Kernels& kernels, Pictures pictures, const int64_t* labels,
            Settings settings);
    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;

    Report steps(const Steps& steps);
    void logits(const int64_t* rows, int64_t count, bool averaged, float* out);

    int64_t weight_count() const { return network_.weights + network_.statistics; }
    int64_t parameter_count() const { return network_.weights; }
    int64_t classes() const {
        const Tensor& last = network_.tensors[network_.output];
        return last.channels * last.rows * last.columns;
    }
    int64_t bytes() const;  // of memory that steps write to
    float* weights() { return weights_.data(); }
    float* average() { return average_.data(); }
    float* moment1() { return moment1_.data(); }
    float* moment2() { return moment2_.data(); }
    int64_t taken = 0;  // by the optimiser
    const Settings& settings() const { return settings_; }

    // Seconds of all threads together since they were asked for: of each of the network's steps forward and back, then of
    // loading pictures and of the loss; and of one thread, of preparing weights and of the optimiser.
    void measure();
    std::vector<double> seconds() const;

   private:
    struct Block {
        int64_t first, live;  // of the batch's pictures
    };
    struct Chunk {
        int64_t offset, count;
        bool decays, direct;  // direct: of a dense layer, whose gradient has one set for the whole batch
        bool matrix;          // part of one that Muon takes as a whole
    };
    struct Matrix {  // of Muon
        int64_t offset, rows, columns;
        bool decays;
    };
    struct Worker {
        Floats memory, scratch, sums, muon;
        std::vector<Moments> moments;
        std::vector<float> counts;
        std::vector<Precise> precise;
        std::vector<int> live;
        int64_t piece = 0;
        std::vector<double> seconds;  // none where nobody asked

        double* clock(size_t place) { return seconds.empty() ? nullptr : &seconds[place]; }
    };
    struct PackTask {
        const Step* step;
        bool back;
    };

    void step(const Steps& steps, int64_t index, Report& report);
    void pack_all(const float* weights, bool back);
    View value(const Worker& worker, int tensor) const;
    View gradient(const Worker& worker, int tensor) const;
    uint8_t* winners(const Worker& worker, const Step& step) const;
    void convolve_back(const Step& step, Worker& worker, int64_t blocks, float* gradients);
    void load(const Worker& worker, const int64_t* rows, const int64_t* places, const Block& block, int64_t b,
              const Steps* steps, int64_t index) const;
    void fetch_soon(const int64_t* rows, int64_t first, int64_t count) const;
    void forward(Worker& worker, const Block* blocks, int64_t n, int64_t first_block, int64_t step, bool training);
    void backward(Worker& worker, const Block* blocks, int64_t n, int64_t first_block, int64_t step, float* gradients);
    void normalise(const Step& step, Worker& worker, int64_t n, bool training);
    void normalise_precise(const Step& step, Worker& worker, int64_t n, bool training);
    void normalise_back(const Step& step, Worker& worker, int64_t n, float* gradients);
    void drop(const Step& step, int64_t number, const Block* blocks, int64_t n, View from, View to, bool add) const;
    uint64_t key(const Step& step, int64_t number) const;
    void optimise(int64_t step, float rate, int64_t groups);
    void follow_statistics(int64_t pieces, float part);

    Network network_;
    const Kernels& k_;
    Pictures pictures_;
    const int64_t* labels_;
    Settings settings_;
    Floats weights_, average_, moment1_, moment2_, packed_, gradients_, panels_, total_;
    const float* now_ = nullptr;  // the weights that are packed
    int64_t values_ = 0, blocks_ = 0;  // floats of a worker, blocks of a batch
    std::vector<Worker> workers_;
    std::vector<Chunk> chunks_;
    std::vector<Matrix> matrices_;
    std::vector<PackTask> packs_;
    std::vector<float> piece_statistics_;  // [pieces][moments][mean, variance]
    std::vector<int64_t> piece_pictures_;
    int64_t batch_blocks_ = 0;
    std::vector<double> between_;  // seconds of what all threads do together
    std::unique_ptr<Threads> threads_;
};

}  // namespace pellucid::train
