// SPDX-License-Identifier: Apache-2.0
// The warpgroup that fills the ring: weights by the copy engine, a tile's 32 KB at a time, each
// block of a cluster its share for all of them; packed rows as Rows brings them
// (gathered_rows.cuh, boxed_rows.cuh).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/sm90/copy.cuh"
#include "kernels/sm90/grid.cuh"
#include "kernels/sm90/product/block.cuh"
#include "kernels/sm90/product/item_numbers.cuh"
#include "kernels/sm90/product/progress.cuh"
#include "kernels/sm90/warp.cuh"

namespace switchyard::kernels::sm90 {

using WarpScheduler = ProductScheduler<WarpLanes>;

/// ProductLaunch::guessed_stages; by one thread, before anything is known of the call's rows.
template <int kCluster>
__device__ __forceinline__ void fetch_guess(const ProductView& view, int stages) {
  constexpr int kShare = ProductShape::kWeightBytes / kCluster;
  const auto tile = static_cast<std::int32_t>(blockIdx.x) / kCluster;
  const std::int64_t depths = view.tiles.width_tiles();
  if (tile >= view.num_experts * view.tiles.row_tiles()) return;
  const std::byte* const weights = static_cast<const std::byte*>(view.weights) +
                                   tile * depths * ProductShape::kWeightBytes +
                                   (kCluster == 1 ? 0 : cluster_rank() * kShare);
  for (int depth = 0; depth < stages && depth < depths; ++depth)
    bulk_prefetch(weights + std::int64_t{depth} * ProductShape::kWeightBytes, kShare);
}

/// By the first Rows::kThreads threads of the block.
template <class Rows, int kCluster>
class Producer {
 public:
  /// `rank`: the block's in its cluster, uniform.
  __device__ Producer(const Block& block, const ProductView& view, const ProductLaunch& launch,
                      const typename Rows::Arguments& arguments, int rank)
      : block_(block),
        view_(view),
        depths_(static_cast<int>(view.tiles.width_tiles())),
        expert_bytes_(view.tiles.expert_bytes()),
        policy_(l2_policy(launch.weights)),
        rank_(rank),
        numbers_(block, launch.counters.drawn),
        rows_(block, view, launch, arguments) {}

  /// Fills stages for all items, and tells the consumers what they are. Weights do not depend on
  /// earlier kernels: those of the first item are on their way before the wait.
  __device__ __forceinline__ void run(WarpScheduler scheduler, ExpertGate& gate) {
    ProductItem item;
    bool more = scheduler.find(numbers_.first(), item);
    int requested = 0;  // stages whose weights are under way
    if (more) {
      find_weights(item);
      requested = depths_ < ProductShape::kStages ? depths_ : ProductShape::kStages;
      for (int depth = 0; depth < requested; ++depth) request_weights(item, depth, depth);
    }
    if (!gate.is_there()) {
      wait_for_predecessors();
      start_successors();
    }
    if (more) {
      gate.look(item);
      rows_.look_up(item);
    }
    const int look_ahead = depth_before_end(kLookAhead);
    const int draw_ahead = depth_before_end(kDrawAhead);
    while (more) {
      rows_.begin(item);
      ProductItem following;
      for (int depth = 0; depth < depths_; ++depth) {
        if (depth == draw_ahead) numbers_.draw();
        block_.empty(ring_.stage).wait(ring_.phase ^ 1U);
        if (requested > 0)
          --requested;
        else
          request_weights(item, depth, ring_.stage);
        if (depth == 0) gate.pass();
        rows_.request(item, depth, ring_.stage);
        ring_.advance();
        if (depth == look_ahead) {
          more = scheduler.find(numbers_.next(), following);
          if (more) {
            gate.look(following);
            rows_.look_up(following);
          }
        }
      }
      items_.advance();
      item = following;
      if (more) find_weights(item);
    }
    if (gate.is_there()) {
      wait_for_predecessors();
      start_successors();
    }
    tell_end();
    wait_for_copies();  // none may land in the memory of another block
  }

 private:
  static constexpr int kShareBytes = ProductShape::kWeightBytes / kCluster;
  static constexpr unsigned kAllBlocks = (1U << kCluster) - 1;

  /// What a block copies of a tile, and to whom.
  struct Share {
    int offset = 0;
    int bytes = 0;
    unsigned blocks = 0;  ///< A bit for each.
  };

  /// The next item is looked up behind the request of the last stage but two, when the ring has long
  /// been full and nobody waits; its number is drawn before that of the last but three.
  static constexpr int kLookAhead = 3;
  static constexpr int kDrawAhead = 4;

  /// The depth of an item's last stage but `stages - 1`, or its first.
  [[nodiscard]] __device__ __forceinline__ int depth_before_end(int stages) const {
    return depths_ < stages ? 0 : depths_ - stages;
  }

  /// Whether this thread acts for all.
  [[nodiscard]] __device__ __forceinline__ static bool leads() { return threadIdx.x == 0; }

  /// What this block brings of the item's tiles, one behind the other: its share, for all blocks of
  /// the cluster where they have the same. Once per item, and uniform: between an empty stage and its
  /// request, when consumers may stand still, nothing is left to compute.
  __device__ __forceinline__ void find_weights(const ProductItem& item) {
    const bool shares = uniform(item.shares_weights ? 1 : 0) != 0;
    share_ = shares ? Share{rank_ * kShareBytes, kShareBytes, kAllBlocks}
                    : Share{0, ProductShape::kWeightBytes, 1U << rank_};
    weights_ = static_cast<const std::byte*>(view_.weights) +
               uniform(item.expert) * expert_bytes_ +
               std::int64_t{uniform(item.row_tile)} * depths_ * ProductShape::kWeightBytes +
               share_.offset;
  }

  /// Brings the next tile; tells the item with its first.
  __device__ __forceinline__ void request_weights(const ProductItem& item, int depth, int stage) {
    if (leads()) {
      if (depth == 0) store_item(block_.item(items_.place), item);
      const Barrier full = block_.full(stage);
      full.arrive_expecting(ProductShape::kWeightBytes + Rows::expected_bytes(item));
      const std::uint32_t to = block_.weights(stage);
      if constexpr (kCluster == 1)
        bulk_copy(to, weights_, ProductShape::kWeightBytes, full, policy_);
      else
        bulk_multicast(to + share_.offset, weights_, share_.bytes, full,
                       static_cast<std::uint16_t>(share_.blocks), policy_);
    }
    weights_ += ProductShape::kWeightBytes;
    asm volatile("" : "+l"(weights_));  // added now, not when the next stage is empty
  }

  /// Fills a stage with nothing but the word that there is no more.
  __device__ __forceinline__ void tell_end() {
    block_.empty(ring_.stage).wait(ring_.phase ^ 1U);
    const Barrier full = block_.full(ring_.stage);
    if (leads()) {
      store_item(block_.item(items_.place), {0, 0, 0, kNoMoreRows, false});
      full.arrive();  // for the weights
    }
    if constexpr (Rows::kArrivals > 0) full.arrive();
  }

  const Block& block_;
  const ProductView& view_;
  int depths_;
  std::int64_t expert_bytes_;
  std::uint64_t policy_;
  int rank_;
  // Of the item:
  const std::byte* weights_ = nullptr;  // of the next tile
  Share share_;
  ItemNumbers<Rows::kThreads, kCluster> numbers_;
  Ring ring_;
  ItemRing items_;
  Rows rows_;
};

}  // namespace switchyard::kernels::sm90
