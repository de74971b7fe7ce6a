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
  bool shares_weights;     ///< All blocks of the cluster have this tile of the weights.
};

/// Units of kUnitRows rows that `rows` rows fill.
[[nodiscard]] SWITCHYARD_FN constexpr std::int32_t units_of(std::int32_t rows) noexcept {
  return rows / ProductShape::kUnitRows + (rows % ProductShape::kUnitRows != 0 ? 1 : 0);
}
/// Units of an item to compute, padding included; at least 1.
[[nodiscard]] SWITCHYARD_FN constexpr std::int32_t units_of(const ProductItem& item) noexcept {
  return item.num_rows > 0 ? units_of(item.num_rows) : 1;
}

/// The lanes that run a scheduler together: here one. Each lane calls each function.
struct OneLane {
  static constexpr int kLanes = 1;

  [[nodiscard]] static constexpr int lane() noexcept { return 0; }
  /// The value that lane `from` brings.
  [[nodiscard]] static constexpr std::int32_t shuffle(std::int32_t value, int /*from*/) noexcept {
    return value;
  }
  /// The first lane whose condition holds, or -1.
  [[nodiscard]] static constexpr int first(bool condition) noexcept { return condition ? 0 : -1; }
};

/// The rows of an expert are cut into equal slices of whole units, so that an expert wastes less
/// than a unit whatever its size. Items are numbered expert by expert; inside an expert the slices
/// run fastest, so that blocks that run at the same time share a tile of weights in L2. An item
/// belongs to a cluster, each block of which takes a slice of its own, or, of an expert whose rows
/// are one slice, a tile of its own.
///
/// Blocks pass many experts from item to item: each lane knows one of the next kLanes experts.
template <class Lanes>
class ProductScheduler {
 public:
  static constexpr std::int32_t kMaxCluster = 2;

  struct Place {
    std::int32_t cluster_size;  ///< 1 or kMaxCluster.
    std::int32_t rank;          ///< In the cluster.
  };

  SWITCHYARD_FN constexpr ProductScheduler(const PackedRow* expert_offsets,
                                           std::int32_t num_experts, std::int32_t row_tiles,
                                           const Place& place)
      : offsets_(expert_offsets),
        num_experts_(num_experts),
        row_tiles_(row_tiles),
        cluster_size_(place.cluster_size),
        rank_(place.rank) {
    static_assert(kMaxCluster == 2);
    enter(0);
  }

  /// The block's part of item `number`, or false: there are not so many. Numbers grow from call to
  /// call.
  SWITCHYARD_FN constexpr bool find(std::int32_t number, ProductItem& item) {
    while (first_expert_ < num_experts_) {
      const int lane = Lanes::first(number - passed_ < end_);
      if (lane >= 0) {
        item = slice_of(lane, number - passed_);
        return true;
      }
      passed_ += Lanes::shuffle(end_, Lanes::kLanes - 1);
      enter(first_expert_ + Lanes::kLanes);
    }
    return false;
  }

 private:
  /// How the items of an expert with some rows are made.
  struct Cut {
    std::int32_t groups;  ///< Items of a tile.
    std::int32_t slices;
    std::int32_t items;  ///< Of the expert.
    bool shares_weights;
  };
  [[nodiscard]] SWITCHYARD_FN constexpr Cut cut_of(std::int32_t rows) const {
    const std::int32_t slices =
        (units_of(rows) + ProductShape::kMaxUnits - 1) / ProductShape::kMaxUnits;
    if (cluster_size_ == 1) return {slices, slices, slices * row_tiles_, false};
    if (slices <= 1) return {1, 1, slices * ((row_tiles_ + 1) / 2), false};
    const std::int32_t groups = (slices + 1) / 2;
    return {groups, groups * 2, groups * row_tiles_, true};
  }

  /// Goes on to the experts from first_expert on, one per lane.
  SWITCHYARD_FN constexpr void enter(std::int32_t first_expert) {
    first_expert_ = first_expert;
    const std::int32_t expert = first_expert + Lanes::lane();
    if (expert < num_experts_) {
      first_row_ = value_of(offsets_[expert]);
      num_rows_ = value_of(offsets_[expert + 1]) - first_row_;
    } else {
      num_rows_ = 0;
    }
    end_ = cut_of(num_rows_).items;
    for (int distance = 1; distance < Lanes::kLanes; distance *= 2) {
      const bool adds = Lanes::lane() >= distance;
      const std::int32_t before = Lanes::shuffle(end_, Lanes::lane() - (adds ? distance : 0));
      end_ += adds ? before : 0;
    }
  }

  /// This block's slice of the item `ahead` of first_expert_'s first, which is one of the expert of
  /// `lane`.
  [[nodiscard]] SWITCHYARD_FN constexpr ProductItem slice_of(int lane, std::int32_t ahead) const {
    const std::int32_t first_row = Lanes::shuffle(first_row_, lane);
    const std::int32_t num_rows = Lanes::shuffle(num_rows_, lane);
    const std::int32_t end = Lanes::shuffle(end_, lane);
    const Cut cut = cut_of(num_rows);
    const std::int32_t number = ahead - (end - cut.items);  // in the expert
    const std::int32_t units = units_of(num_rows);
    if (cluster_size_ > 1 && !cut.shares_weights) {
      const std::int32_t tile = number * 2 + rank_;
      return tile < row_tiles_ ? ProductItem{first_expert_ + lane, tile, first_row, num_rows, false}
                               : ProductItem{first_expert_ + lane, 0, first_row, 0, false};
    }
    const std::int32_t slice = number % cut.groups * cluster_size_ + rank_;
    const std::int32_t each = units / cut.slices;
    const std::int32_t longer = units % cut.slices;  // slices with a unit more, the first ones
    const std::int32_t first =
        (slice * each + (slice < longer ? slice : longer)) * ProductShape::kUnitRows;
    const std::int32_t most = (each + (slice < longer ? 1 : 0)) * ProductShape::kUnitRows;
    const std::int32_t left = num_rows - first;
    return {first_expert_ + lane, number / cut.groups, first_row + first,
            left < 0 ? 0 : (left < most ? left : most), cut.shares_weights};
  }

  const PackedRow* offsets_;
  std::int32_t num_experts_;
  std::int32_t row_tiles_;
  std::int32_t cluster_size_;
  std::int32_t rank_;
  std::int32_t first_expert_ = 0;
  std::int32_t passed_ = 0;  // items of the experts before first_expert_
  // Of the lane's expert:
  std::int32_t first_row_ = 0;
  std::int32_t num_rows_ = 0;
  std::int32_t end_ = 0;  // the number behind its items, counted from first_expert_ on
};

}  // namespace switchyard::kernels::sm90
