// Training: every kernel for one set of instructions. The including file defines PELLUCID_SET (a namespace of its own,
// so that no function compiled for one processor is linked for another), PELLUCID_WIDTH and PELLUCID_NAME.
// Nothing of the standard library that has code is used below, for the same reason.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels.h"

namespace pellucid::train {
namespace PELLUCID_SET {
namespace {

#include "lanes.h"
#include "winners.h"
#include "convolution.h"
#include "weights.h"
#include "fused.h"
#include "points.h"
#include "products.h"
#include "strips.h"
#include "winograd.h"
#include "dense.h"
#include "curves.h"
#include "pooling.h"
#include "normalisation.h"
#include "precise.h"
#include "joining.h"
#include "loss.h"
#include "optimiser.h"
#include "muon.h"
#include "pictures.h"

}  // namespace

extern const Kernels kernels;
const Kernels kernels{
    PELLUCID_NAME, PELLUCID_WIDTH, kOutputs, kColumns, kDense, kPanelInputs, kPanelOutputs,
    load_pictures, convolve, convolve_pool, convolve_weights, winograd, winograd_slopes, winograd_pack, winograd_weights, expand, sum_planes, dense, panels, dense_weights,
    curve, curve_back, max_pool, max_pool_back, mean_pool, mean_pool_back, moments, affine, affine_pool, norm_back,
    convolve_precise, moments_precise, norm_precise, norm_back_precise,
    copy, pad, pad_back, dropout, cross_entropy, sum_groups, squares, optimise, muon, follow,
};

}  // namespace PELLUCID_SET
}  // namespace pellucid::train
