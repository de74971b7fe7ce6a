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
// is arithmetic on the plan's offsets: no table, and the sums of a row depend neither on other rows
// nor on who computes them. The producer runs it for the numbers that the block gets
// (item_numbers.cuh), and tells the consumers each item with its first stage. In a
// cluster of two, both blocks work on the same tile of weights, each loads half of it for both.
//
// Where the launch counts what is stored (progress.cuh), down waits for the rows of its items, not
// for the end of gate_up. Its blocks start when all of gate_up's have, so that none waits for one
// that cannot run. What it writes nobody reads any more: gate_up let it start after a wait of its
// own, and of hidden states that lie where down writes (kernels/gate_up/sm90_pack.cuh), those of an
// expert have been read when its rows are stored. Its producer still waits for gate_up before it
// lets a successor start.
#pragma once

#include <cstdint>

#include "kernels/sm90/grid.cuh"
#include "kernels/sm90/product/consumer.cuh"
#include "kernels/sm90/product/producer.cuh"
#include "kernels/sm90/product/progress.cuh"
#include "kernels/sm90/warp.cuh"

namespace switchyard::kernels::sm90 {

template <class Element, class Stage, int kUnits, int kCluster>
__device__ __forceinline__ void consume(StageReader<kCluster>& reader, Consumer& consumer,
                                        StoredRows& stored, const ProductItem& item,
                                        const typename Stage::Params& params, int depths) {
  Sums<kUnits> sums;
  multiply<Element, typename Stage::Rows, kUnits>(reader, consumer.index, sums, depths);
  if constexpr (Stage::kTells) stored.tell(consumer);
  Stage::template finish<Element, kUnits>(consumer, sums, item, params);
}

/// The variant for the item's units.
template <class Element, class Stage, int kCluster>
__device__ __forceinline__ void consume(StageReader<kCluster>& reader, Consumer& consumer,
                                        StoredRows& stored, const ProductItem& item,
                                        const typename Stage::Params& params, int depths) {
#define SWITCHYARD_UNITS(n)                                                    \
  case n:                                                                      \
    return consume<Element, Stage, n>(reader, consumer, stored, item, params, depths)
  switch (units_of(item)) {
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

/// Stage names its Params, who brings its Rows and how sums finish; kPlanIsComplete: the plan was complete
/// before the kernel's predecessor let it start, so that only the rows have to be waited for.
template <class Element, class Stage, int kCluster>
__global__ void __launch_bounds__(ProductShape::kThreads, 1)
    product(const __grid_constant__ typename Stage::Params params,
            const __grid_constant__ ProductLaunch launch,
            const __grid_constant__ typename Stage::Rows::Arguments row_arguments) {
  using Rows = typename Stage::Rows;
  extern __shared__ __align__(1024) std::uint8_t memory[];
  const ProductView view = view_of(params);
  const Block block{shared_address(memory)};

  if (threadIdx.x == 0) init_barriers<Rows, kCluster>(block);
  if constexpr (!Stage::kPlanIsComplete) {
    if (threadIdx.x == 0) fetch_guess<kCluster>(view, launch.guessed_stages);
    wait_for_predecessors();
  }
  const PackedRow* const offsets = load_offsets(memory, view);
  __syncthreads();
  if constexpr (kCluster > 1) meet_cluster();

  const int group = warp_index() / (ProductShape::kGroupThreads / 32);
  if (group == 0) {
    shrink_registers<ProductShape::kProducerRegisters>();
    if (warp_index() < Rows::kThreads / 32) {
      const int rank = kCluster == 1 ? 0 : uniform(cluster_rank());
      const WarpScheduler scheduler(offsets, view.num_experts,
                                    static_cast<std::int32_t>(view.tiles.row_tiles()),
                                    {kCluster, rank});
      ExpertGate gate(Stage::kTells ? nullptr : launch.counters.stored, offsets,
                      static_cast<std::int32_t>(view.tiles.width / 8));
      Producer<Rows, kCluster>(block, view, launch, row_arguments, rank).run(scheduler, gate);
    }
  } else {
    grow_registers<ProductShape::kConsumerRegisters>();
    if (Stage::kTells || launch.counters.stored == nullptr) wait_for_predecessors();
    Consumer consumer(block, group - 1);
    StoredRows stored(launch.counters.stored);
    StageReader<kCluster> reader{block};
    const auto depths = static_cast<int>(view.tiles.width_tiles());
    for (ProductItem item; reader.next(item);) {
      consume<Element, Stage>(reader, consumer, stored, item, params, depths);
      if constexpr (Stage::kTells) stored.add(item, Stage::eights(consumer, item, params));
    }
    if constexpr (Stage::kTells) stored.tell(consumer);
  }
  if constexpr (kCluster > 1) {  // no block leaves while its partner may write to it or signal it
    __syncwarp();
    meet_cluster();
  }
}

/// The compiled variant for clusters of so many blocks.
template <class Element, class Stage>
[[nodiscard]] const void* find_product(std::int32_t cluster) noexcept {
  return cluster == 1 ? reinterpret_cast<const void*>(&product<Element, Stage, 1>)
                      : reinterpret_cast<const void*>(&product<Element, Stage, 2>);
}
/// The same for a build; Stage is a template over Generality.
template <class Element, template <Generality> class Stage>
[[nodiscard]] const void* find_product(const ProductBuild& build) noexcept {
  return build.generality == Generality::lean
             ? find_product<Element, Stage<Generality::lean>>(build.cluster)
             : find_product<Element, Stage<Generality::full>>(build.cluster);
}

}  // namespace switchyard::kernels::sm90
