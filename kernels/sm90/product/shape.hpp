// SPDX-License-Identifier: Apache-2.0
// The tile of the grouped matrix products and the block that computes it; what a launch is laid out
// by. Host and device read it.
#pragma once

#include <cstdint>

#include "kernels/sm90/l2_keep.hpp"
#include "switchyard/swizzled_tiles.hpp"

namespace switchyard::kernels::sm90 {

/// A tile is 256 weight rows by up to 160 packed rows; its width passes through a ring of stages,
/// 64 elements at a time. Three warpgroups: one copies, two multiply 128 weight rows each.
struct ProductShape {
  static constexpr int kWeightRows = SwizzledTiles::kRows;
  static constexpr int kDepth = SwizzledTiles::kWidth;
  static constexpr int kUnitRows = 8;  ///< Packed rows of a tile are a multiple of this.
  static constexpr int kMaxUnits = 20;
  static constexpr int kMaxRows = kMaxUnits * kUnitRows;

  static constexpr int kStages = 4;
  static constexpr int kWeightBytes = SwizzledTiles::kBytes;
  static constexpr int kRowBytes = SwizzledTiles::kRowBytes;
  static constexpr int kStageBytes = kWeightBytes + kMaxRows * kRowBytes;

  static constexpr int kGroupThreads = 128;
  static constexpr int kConsumers = 2;
  static constexpr int kThreads = (1 + kConsumers) * kGroupThreads;
  static constexpr int kProducerRegisters = 72;
  static constexpr int kConsumerRegisters = 216;

  /// Where a consumer turns its sums into rows of the output.
  static constexpr int kStagingBytes = 8192;
  /// Offsets of more experts are read from global memory.
  static constexpr int kSharedExperts = 256;

  /// An item, as the producer tells it, and how many are told before the first one's place is used
  /// again: all stages and one more have gone to later items then, even if each takes but one.
  static constexpr int kItemBytes = 16;
  static constexpr int kItemPlaces = kStages + 1;

  /// Sources of an item's rows, as the producer's threads tell each other.
  static constexpr int kSourceBytes = kMaxRows * 4;

  /// Bytes before the sources of two items, items, the barriers, the numbers of items and the
  /// offsets of the experts' rows; in all.
  static constexpr int kSources = kStages * kStageBytes + kConsumers * kStagingBytes;
  static constexpr int kItems = kSources + 2 * kSourceBytes;
  static constexpr int kBarriers = kItems + kItemPlaces * kItemBytes;
  static constexpr int kNumbers = kBarriers + (2 * kStages + kItemPlaces) * 8;
  static constexpr int kOffsets = kNumbers + kItemPlaces * 4;
  static constexpr int kSharedBytes = kOffsets + (kSharedExperts + 1) * 4;
};
static_assert(ProductShape::kSharedBytes <= 232'448, "what a block may have");
static_assert(ProductShape::kThreads * 168 <= 65'536, "registers at the start");

/// What a compiled variant can do.
enum class Generality : std::uint8_t {
  lean,  ///< What most layers want, with nothing else in the way (is_lean in view.hpp).
  full,  ///< Whatever a parameter block asks for.
};

/// The compiled variant of a product.
struct ProductBuild {
  std::int32_t cluster;  ///< Blocks that share a tile of weights, each with rows of its own: 1, 2.
  Generality generality;
};

/// What the blocks of a call's products count together.
struct ProductCounters {
  /// [E], zero before gate_up, or null. gate_up counts here, for each expert, eights of features of
  /// packed rows that it has stored; down begins with an expert when all of its are there, instead
  /// of waiting for the whole of gate_up.
  std::uint32_t* stored;
  /// [1], zero before the launch, or null. Clusters draw the numbers of their items here, each when
  /// it is about to need one, instead of taking turns.
  std::uint32_t* drawn;
};

/// How a product is laid out, beside its parameter block.
struct ProductLaunch {
  std::int32_t cluster;  ///< As in ProductBuild.
  L2Keep weights;
  L2Keep rows;
  /// Stages that gate_up brings to L2 while it waits for the plan, of the item that a block begins
  /// with if every expert has one item for each tile of its weights.
  std::int32_t guessed_stages;
  ProductCounters counters;
};

}  // namespace switchyard::kernels::sm90
