// SPDX-License-Identifier: Apache-2.0
// The grouped matrix product of stages "gate_up" and "down" for compute capability 9.0.
//
// Weights are the first operand of wgmma and packed rows the second: an expert's rows are cut into
// slices of any multiple of 8 up to 160, one compiled variant each, so that a ragged number of rows
// wastes at most 7 whatever its size, from 1 row per expert, where reading the weights is all there
// is, to thousands, where the tensor cores are. Blocks are persistent, one per multiprocessor. A
// producer warpgroup keeps a ring of four stages full (producer.cuh); two consumer warpgroups
// multiply (consumer.cuh) and finish their sums in registers: the activation, or the rounding, and
// a transposition through shared memory to whole rows of the output. The scheduler (scheduler.hpp)
// is arithmetic on the plan's offsets: no table, no atomics, and the sums of a row do not depend on
// other rows. In a cluster of two, both blocks work on the same tile of weights, each loads half of
// it for both.
#pragma once

#include <cstdint>

#include "kernels/sm90/grid.cuh"
#include "kernels/sm90/product/consumer.cuh"
#include "kernels/sm90/product/producer.cuh"

namespace switchyard::kernels::sm90 {

template <class Element, class Stage, int kUnits>
__device__ __forceinline__ void consume(Consumer& consumer, const ProductItem& item,
                                        const typename Stage::Params& params, int depths) {
  Sums<kUnits> sums;
  multiply<Element, kUnits>(consumer, sums, depths);
  Stage::template finish<Element, kUnits>(consumer, sums, item, params);
}

/// The variant for the item's units.
template <class Element, class Stage>
__device__ __forceinline__ void consume(Consumer& consumer, const ProductItem& item,
                                        const typename Stage::Params& params, int depths) {
#define SWITCHYARD_UNITS(n)                                            \
  case n:                                                              \
    return consume<Element, Stage, n>(consumer, item, params, depths)
  switch (item.units) {
    SWITCHYARD_UNITS(1);
    SWITCHYARD_UNITS(2);
    SWITCHYARD_UNITS(3);
    SWITCHYARD_UNITS(4);
    SWITCHYARD_UNITS(5);
    SWITCHYARD_UNITS(6);
    SWITCHYARD_UNITS(7);
    SWITCHYARD_UNITS(8);
    SWITCHYARD_UNITS(9);
    SWITCHYARD_UNITS(10);
    SWITCHYARD_UNITS(11);
    SWITCHYARD_UNITS(12);
    SWITCHYARD_UNITS(13);
    SWITCHYARD_UNITS(14);
    SWITCHYARD_UNITS(15);
    SWITCHYARD_UNITS(16);
    SWITCHYARD_UNITS(17);
    SWITCHYARD_UNITS(18);
    SWITCHYARD_UNITS(19);
    SWITCHYARD_UNITS(20);
  }
#undef SWITCHYARD_UNITS
}
static_assert(ProductShape::kMaxUnits == 20);

/// Stage names its Params and how sums finish; kPlanIsComplete: the plan was complete
/// before the kernel's predecessor let it start, so that only the rows have to be waited for.
template <class Element, class Stage>
__global__ void __launch_bounds__(ProductShape::kThreads, 1)
    product(const __grid_constant__ typename Stage::Params params,
            const __grid_constant__ ProductLaunch launch) {
  extern __shared__ __align__(1024) std::uint8_t memory[];
  const ProductView view = view_of(params);
  const Block block{shared_address(memory), launch.cluster,
                    launch.cluster == 1 ? 0 : cluster_rank()};

  if (threadIdx.x == 0) init_barriers(block);
  if constexpr (!Stage::kPlanIsComplete) wait_for_predecessors();
  const PackedRow* const offsets = load_offsets(memory, view);
  __syncthreads();
  if (launch.cluster > 1) meet_cluster();

  const ProductScheduler scheduler(
      offsets, view.num_experts, static_cast<std::int32_t>(view.tiles.row_tiles()),
      {block.cluster_size, block.rank, static_cast<std::int32_t>(blockIdx.x) / launch.cluster,
       static_cast<std::int32_t>(gridDim.x) / launch.cluster});
  const int group = static_cast<int>(threadIdx.x) / ProductShape::kGroupThreads;
  if (group == 0) {
    shrink_registers<ProductShape::kProducerRegisters>();
    Producer(block, view, launch).run(scheduler);
  } else {
    grow_registers<ProductShape::kConsumerRegisters>();
    wait_for_predecessors();
    Consumer consumer(block, group - 1);
    ProductScheduler own = scheduler;
    const auto depths = static_cast<int>(view.tiles.width_tiles());
    for (ProductItem item; own.next(item);)
      consume<Element, Stage>(consumer, item, params, depths);
  }
  if (launch.cluster > 1) {  // no block leaves while its partner may write to it or signal it
    __syncwarp();
    meet_cluster();
  }
}

}  // namespace switchyard::kernels::sm90
