// SPDX-License-Identifier: Apache-2.0
// The place of an element in swizzled tiles, against the layout's definition in words.
#include "switchyard/swizzled_tiles.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using namespace switchyard;

namespace {

/// Rows of an expert in the order of the layout: as they are, or eights of gate and up rows in
/// turn; -1 where a tile has no row.
std::vector<std::int64_t> rows_in_order(const SwizzledTiles& tiles) {
  std::vector<std::int64_t> rows;
  if (!tiles.has_gate) {
    for (std::int64_t row = 0; row < tiles.num_rows; ++row) rows.push_back(row);
  } else {
    const std::int64_t half = tiles.num_rows / 2;
    for (std::int64_t first = 0; first < half; first += 8)
      for (const std::int64_t start : {std::int64_t{0}, half})
        for (std::int64_t feature = first; feature < first + 8; ++feature)
          rows.push_back(feature < half ? start + feature : -1);
  }
  while (rows.size() % 256 != 0) rows.push_back(-1);
  return rows;
}

}  // namespace

TEST_CASE("an element of swizzled tiles lies where the layout's definition says", "[layout]") {
  const SwizzledTiles shapes[] = {{512, 128, true},  {512, 128, false}, {2 * 136, 72, true},
                                  {264, 200, false}, {16, 8, true},     {8, 64, false},
                                  {2 * 5, 3, true},  {257, 65, false}};
  for (const SwizzledTiles& tiles : shapes) {
    INFO(tiles.num_rows << " rows of " << tiles.width << (tiles.has_gate ? " with a gate" : ""));
    const std::vector<std::int64_t> rows = rows_in_order(tiles);
    const auto row_tiles = static_cast<std::int64_t>(rows.size()) / 256;
    const std::int64_t width_tiles = (tiles.width + 63) / 64;
    REQUIRE(tiles.row_tiles() == row_tiles);
    REQUIRE(tiles.width_tiles() == width_tiles);
    REQUIRE(tiles.expert_bytes() == row_tiles * width_tiles * 256 * 64 * 2);
    bool places = true;
    bool names = true;
    for (const std::int64_t expert : {0, 3})
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto tile_row = static_cast<std::int64_t>(i) % 256;
        const auto row_tile = static_cast<std::int64_t>(i) / 256;
        const std::int64_t feature = tiles.feature_of(row_tile, tile_row);
        const bool exists = feature < tiles.num_features();
        names = names && exists == (rows[i] >= 0);
        if (!exists) continue;
        names = names && rows[i] == feature + (tiles.is_up(tile_row) ? tiles.num_rows / 2 : 0);
        for (std::int64_t column = 0; column < tiles.width; ++column) {
          const std::int64_t tile = (expert * row_tiles + row_tile) * width_tiles + column / 64;
          const std::int64_t chunk = (column % 64 / 8) ^ (tile_row % 8);
          const std::int64_t place = tile * 32768 + tile_row * 128 + chunk * 16 + column % 8 * 2;
          places = places && tiles.element_offset(expert, rows[i], column) == place;
        }
      }
    CHECK(places);
    CHECK(names);
  }
}

TEST_CASE("offsets in swizzled tiles are 64 bits wide", "[layout]") {
  constexpr SwizzledTiles kLarge{2 * 2048, 7168, true};
  static_assert(kLarge.expert_bytes() == std::int64_t{2} * 2048 * 7168 * 2);
  static_assert(kLarge.tile_offset(255, 15, 111) == 256 * kLarge.expert_bytes() - 32768);
  CHECK(kLarge.element_offset(255, 4095, 7167) ==
        256 * kLarge.expert_bytes() - 128 + (7 ^ 7) * 16 + 14);
}
