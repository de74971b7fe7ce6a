// SPDX-License-Identifier: Apache-2.0
// Which tiles of a grouped matrix product a block computes: arithmetic on the plan's offsets.
#pragma once

#include <cstdint>

#include "kernels/function.hpp"
#include "kernels/sm90/product/shape.hpp"
#include "switchyard/index.hpp"

namespace switchyard::kernels::sm90 {

/// One tile.
struct ProductItem {
  std::int32_t expert;
  std::int32_t row_tile;   ///< Of the expert's weights.
  std::int32_t first_row;  ///< Packed.
  std::int32_t num_rows;   ///< May be 0.
  std::int32_t units;      ///< Of kUnitRows rows to compute, padding included; at least 1.
};

/// The rows of an expert are cut into equal slices of whole units, so that an expert wastes less
/// than a unit whatever its size. Items are numbered expert by expert; inside an expert the slices
/// run fastest, so that blocks that run at the same time share a tile of weights in L2. An item
/// belongs to a cluster, each block of which takes a slice of its own.
class ProductScheduler {
 public:
  static constexpr std::int32_t kMaxCluster = 2;

  struct Place {
    std::int32_t cluster_size;  ///< 1 or kMaxCluster.
    std::int32_t rank;          ///< In the cluster.
    std::int32_t cluster;       ///< Among the launch's clusters.
    std::int32_t num_clusters;
  };

  SWITCHYARD_FN constexpr ProductScheduler(const PackedRow* expert_offsets,
                                           std::int32_t num_experts, std::int32_t row_tiles,
                                           const Place& place)
      : offsets_(expert_offsets),
        num_experts_(num_experts),
        row_tiles_(row_tiles),
        cluster_size_(place.cluster_size),
        rank_(place.rank),
        num_clusters_(place.num_clusters),
        ahead_(place.cluster) {
    static_assert(kMaxCluster == 2);
    if (num_experts > 0) first_row_ = value_of(expert_offsets[0]);
    enter(0);
  }

  /// The block's next item, or false: there is none.
  SWITCHYARD_FN constexpr bool next(ProductItem& item) {
    while (expert_ < num_experts_ && ahead_ >= items()) {
      ahead_ -= items();
      enter(expert_ + 1);
    }
    if (expert_ >= num_experts_) return false;
    const std::int32_t slices = groups_ * cluster_size_;
    const std::int32_t slice = ahead_ % groups_ * cluster_size_ + rank_;
    const std::int32_t units = units_of(num_rows_);
    const std::int32_t each = units / slices;
    const std::int32_t longer = units % slices;  // slices with a unit more, the first ones
    const std::int32_t first = slice * each + (slice < longer ? slice : longer);
    const std::int32_t count = each + (slice < longer ? 1 : 0);
    const std::int32_t left = num_rows_ - first * ProductShape::kUnitRows;
    const std::int32_t most = count * ProductShape::kUnitRows;
    item.expert = expert_;
    item.row_tile = ahead_ / groups_;
    item.first_row = first_row_ + first * ProductShape::kUnitRows;
    item.num_rows = left < 0 ? 0 : (left < most ? left : most);
    item.units = count > 0 ? count : 1;
    ahead_ += num_clusters_;
    return true;
  }

 private:
  [[nodiscard]] SWITCHYARD_FN static constexpr std::int32_t units_of(std::int32_t rows) {
    return rows / ProductShape::kUnitRows + (rows % ProductShape::kUnitRows != 0 ? 1 : 0);
  }
  [[nodiscard]] SWITCHYARD_FN constexpr std::int32_t items() const { return groups_ * row_tiles_; }

  /// Goes on to the next expert. Blocks pass many experts from item to item: no division but by
  /// constants.
  SWITCHYARD_FN constexpr void enter(std::int32_t expert) {
    expert_ = expert;
    if (expert >= num_experts_) return;
    first_row_ += num_rows_;
    num_rows_ = value_of(offsets_[expert + 1]) - first_row_;
    const std::int32_t slices =
        (units_of(num_rows_) + ProductShape::kMaxUnits - 1) / ProductShape::kMaxUnits;
    groups_ = cluster_size_ == 1 ? slices : (slices + 1) / 2;
  }

  const PackedRow* offsets_;
  std::int32_t num_experts_;
  std::int32_t row_tiles_;
  std::int32_t cluster_size_;
  std::int32_t rank_;
  std::int32_t num_clusters_;
  std::int32_t ahead_;  // the next item's number among those of the expert and of later ones
  std::int32_t expert_ = 0;
  std::int32_t first_row_ = 0;
  std::int32_t num_rows_ = 0;
  std::int32_t groups_ = 0;  // slices per block of a cluster
};

}  // namespace switchyard::kernels::sm90
