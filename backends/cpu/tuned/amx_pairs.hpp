// SPDX-License-Identifier: Apache-2.0
// Products of pairs by AMX: a tile of up to 16 rows of x, 16 pairs wide, with tiles of 16 pairs by
// 16 columns. A panel is two tiles wide; up to 32 rows meet it at a time, in four tiles of sums.
// The sums of a row are the same in either height.
#pragma once

#include "backends/cpu/tuned/pair_product.hpp"

/// What LDTILECFG reads (Intel's manual, volume 1, chapter 18).
struct alignas(64) TileConfig {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfig) == 64);

class AmxPairs {
 public:
  AmxPairs() = default;
  AmxPairs(const AmxPairs&) = delete;
  AmxPairs& operator=(const AmxPairs&) = delete;
  /// Tiles that hold nothing make a switch of threads cheaper.
  ~AmxPairs() { _tile_release(); }

  void multiply_panels(const float* x, std::int64_t num_rows, const Pair* panels,
                       std::int64_t num_panels, std::int64_t next_panel, std::int64_t steps,
                       float* sums) {
    for (; num_panels != 0; --num_panels, panels += next_panel, sums += num_rows * kPairColumns)
      multiply_rows(x, num_rows, panels, steps, sums);
  }

 private:
  static constexpr std::int64_t kTileRows = 16;
  static constexpr std::int64_t kMaxRows = 2 * kTileRows;
  static constexpr std::int64_t kHalf = kPairColumns / 2;
  static constexpr std::size_t kRowBytes = kPairStride * sizeof(float);
  static constexpr std::size_t kSumBytes = kPairColumns * sizeof(float);
  static constexpr std::size_t kWeightBytes = kHalf * sizeof(Pair);
  static constexpr std::int64_t kNextTile = kPairStep * kHalf;
  static constexpr std::int64_t kNextStep = 2 * kNextTile;
  static constexpr std::uintptr_t kFetchAhead = 768;  // bytes

  // Tiles by number, as the instructions name them: 0 and 1 are the sums of the first rows, 2 and 3
  // of the second; 4 and 5 x of the first and the second rows; 6 and 7 weights.

  /// Tiles read memory that the compiler has written, and the other way round; it does not know.
  SWITCHYARD_INLINE static void fence() { __asm__ volatile("" ::: "memory"); }

  /// Heights of the tiles for `rows` rows.
  void configure(std::int64_t rows) {
    if (rows == configured_rows_) return;
    configured_rows_ = rows;
    const std::int64_t first_rows = std::min(rows, kTileRows);
    const std::int64_t second_rows = rows > kTileRows ? rows - kTileRows : first_rows;
    TileConfig config;
    const auto set = [&config](int tile, std::int64_t height) SWITCHYARD_LAMBDA {
      config.row_bytes[tile] = 64;
      config.rows[tile] = static_cast<std::uint8_t>(height);
    };
    for (const int tile : {0, 1, 4}) set(tile, first_rows);
    for (const int tile : {2, 3, 5}) set(tile, second_rows);
    for (const int tile : {6, 7}) set(tile, kPairStep);
    fence();
    _tile_loadconfig(&config);
  }

  /// Asks for the step of weights that lies kFetchAhead further: so near that it is one stream with
  /// what is read, for the processor's own prefetching. That ends with a page: a line of the next
  /// one, early, has it begin there.
  SWITCHYARD_INLINE static void fetch_step(const Pair* panel) {
    const auto ahead = reinterpret_cast<std::uintptr_t>(panel) + kFetchAhead;
    fetch<kNextStep * sizeof(Pair), FetchTo::second_level>(ahead);
    fetch<64, FetchTo::second_level>(ahead + kPageBytes);
  }

  SWITCHYARD_INLINE static void load_sums(const float* first, const float* second) {
    _tile_loadd(0, first, kSumBytes);
    _tile_loadd(1, first + kHalf, kSumBytes);
    _tile_loadd(2, second, kSumBytes);
    _tile_loadd(3, second + kHalf, kSumBytes);
  }
  SWITCHYARD_INLINE static void store_sums(float* first, float* second) {
    _tile_stored(0, first, kSumBytes);
    _tile_stored(1, first + kHalf, kSumBytes);
    _tile_stored(2, second, kSumBytes);
    _tile_stored(3, second + kHalf, kSumBytes);
    fence();
  }

  /// Many rows with one panel, in blocks of equal height.
  void multiply_rows(const float* x, std::int64_t num_rows, const Pair* panel, std::int64_t steps,
                     float* sums) {
    const std::int64_t blocks = (num_rows + kMaxRows - 1) / kMaxRows;
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::int64_t first = block * num_rows / blocks;
      const std::int64_t rows = (block + 1) * num_rows / blocks - first;
      const float* const from = x + first * kPairStride;
      float* const to = sums + first * kPairColumns;
      configure(rows);
      if (rows > kTileRows) {
        multiply_tall(from, panel, steps, to);
      } else {
        multiply_low(from, panel, steps, to);
      }
    }
  }

  /// Up to 16 rows with one panel. Tiles are configured.
  static void multiply_low(const float* x, const Pair* panel, std::int64_t steps, float* sums) {
    _tile_loadd(0, sums, kSumBytes);
    _tile_loadd(1, sums + kHalf, kSumBytes);
    for (std::int64_t step = 0; step < steps; ++step) {
      fetch_step(panel);
      _tile_loadd(4, x, kRowBytes);
      _tile_loadd(6, panel, kWeightBytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, panel + kNextTile, kWeightBytes);
      _tile_dpbf16ps(1, 4, 7);
      x += kPairStep;
      panel += kNextStep;
    }
    _tile_stored(0, sums, kSumBytes);
    _tile_stored(1, sums + kHalf, kSumBytes);
    fence();
  }

  /// 17 to 32 rows with one panel. Tiles are configured.
  static void multiply_tall(const float* x, const Pair* panel, std::int64_t steps, float* sums) {
    const float* second = x + kTileRows * kPairStride;
    float* const second_sums = sums + kTileRows * kPairColumns;
    load_sums(sums, second_sums);
    for (std::int64_t step = 0; step < steps; ++step) {
      fetch_step(panel);
      _tile_loadd(4, x, kRowBytes);
      _tile_loadd(6, panel, kWeightBytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, panel + kNextTile, kWeightBytes);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, second, kRowBytes);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
      x += kPairStep;
      second += kPairStep;
      panel += kNextStep;
    }
    store_sums(sums, second_sums);
  }

  std::int64_t configured_rows_ = 0;
};
