// SPDX-License-Identifier: Apache-2.0
// The inner kernels: products of a few rows with a few panels. A sum goes over k in ascending
// order, one fused multiply-add per k, whatever the tile: a row's result does not depend on the
// rows and panels beside it, nor on the width of a vector.
#pragma once

#if defined(__GNUC__)
#define SWITCHYARD_INLINE inline __attribute__((always_inline))
#else
#define SWITCHYARD_INLINE inline
#endif

/// Floats from one row of x to the next: one cache line more than a power of two, so that rows do
/// not share the sets of a cache.
template <std::int64_t Depth>
inline constexpr std::int64_t kRowStride = Depth + 16;

/// Bytes between what is read and what is fetched to the second-level cache, and from there to the
/// first.
inline constexpr std::uintptr_t kFarBytes = 3072;
inline constexpr std::uintptr_t kNearBytes = 1024;

/// The cache that what is fetched comes to, as __builtin_prefetch counts.
enum class FetchTo : int { second_level = 2, first_level = 3 };

/// Asks for `Bytes` bytes. An address, not a pointer: it may lie beyond the matrix.
template <std::uintptr_t Bytes, FetchTo To = FetchTo::first_level>
SWITCHYARD_INLINE void fetch(std::uintptr_t address) {
  __builtin_prefetch(reinterpret_cast<const void*>(address), 0, static_cast<int>(To));
  if constexpr (Bytes > 64) fetch<Bytes - 64, To>(address + 64);
}

/// Asks for what one k of a panel takes, twice as it comes nearer.
template <class S, class Stored>
SWITCHYARD_INLINE void fetch_ahead(const Stored* panel) {
  constexpr std::uintptr_t kBytes = 2 * S::kLanes * sizeof(Stored);
  const auto address = reinterpret_cast<std::uintptr_t>(panel);
  fetch<kBytes, FetchTo::second_level>(address + kFarBytes);
  fetch<kBytes>(address + kNearBytes);
}

/// What a tile alone with its panel fetches while it runs: what it is about to read, once or twice.
template <class S, class Stored>
struct FetchOwn {
  const Stored* panel;

  SWITCHYARD_INLINE void next() {
    if constexpr (S::kFetchesTwice)
      fetch_ahead<S>(panel);
    else
      fetch<2 * S::kLanes * sizeof(Stored)>(reinterpret_cast<std::uintptr_t>(panel) + kFarBytes);
    panel += 2 * S::kLanes;
  }
};

/// Bytes within which the processor itself reads ahead of what is asked for in order.
inline constexpr std::uintptr_t kPageBytes = 4096;

/// What one of several tiles with a panel fetches: its share of what they read next, a line for
/// each k at most, so that memory is read as evenly as products are made. All pages of that go on
/// side by side, a k each in turn: the processor reads ahead in each of them, so that a line is
/// near when its turn comes.
template <std::uintptr_t Pages>
struct FetchShare {
  static_assert((Pages & (Pages - 1)) == 0);

  std::uintptr_t address;  // in the first page
  std::uintptr_t step;     // bytes for each k, no more than a line for each turn
  std::uintptr_t page = 0;

  SWITCHYARD_INLINE void next() {
    fetch<64>(address + page);
    address += step;
    page = (page + kPageBytes) % (Pages * kPageBytes);
  }
};

/// The sums of one row with one panel.
template <class S>
struct Sums {
  typename S::Vec first;
  typename S::Vec second;

  SWITCHYARD_INLINE void load(const float* p) {
    first = S::load(p);
    second = S::load(p + S::kLanes);
  }
  SWITCHYARD_INLINE void store(float* p) const {
    S::store(p, first);
    S::store(p + S::kLanes, second);
  }
  SWITCHYARD_INLINE void add(typename S::Vec x, const Sums& weight) {
    first = S::fma(x, weight.first, first);
    second = S::fma(x, weight.second, second);
  }
};

/// The sums of `Rows` rows with one panel. A list, not an array: GCC keeps arrays on the stack.
template <class S, int Rows>
struct TileSums {
  Sums<S> first;
  TileSums<S, Rows - 1> others;

  SWITCHYARD_INLINE void load(const float* p) {
    first.load(p);
    others.load(p + 2 * S::kLanes);
  }
  SWITCHYARD_INLINE void store(float* p) const {
    first.store(p);
    others.store(p + 2 * S::kLanes);
  }
  /// Rows of x are Stride apart.
  template <std::int64_t Stride>
  SWITCHYARD_INLINE void add(const float* x, const Sums<S>& weight) {
    first.add(S::set1(*x), weight);
    others.template add<Stride>(x + Stride, weight);
  }
};
template <class S>
struct TileSums<S, 0> {
  SWITCHYARD_INLINE void load(const float* /*p*/) {}
  SWITCHYARD_INLINE void store(float* /*p*/) const {}
  template <std::int64_t Stride>
  SWITCHYARD_INLINE void add(const float* /*x*/, const Sums<S>& /*weight*/) {}
};

/// sums[r][2 * kLanes] += x[r][k] * panel[k] for r < Rows, at most S::kTileRows.
template <class S, class Stored, int Rows, std::int64_t Stride, class Fetch>
inline void tall_tile(const float* x, const Stored* panel, std::int64_t depth, Fetch ahead,
                      float* sums) {
  static_assert(Rows >= 1 && Rows <= S::kTileRows);
  TileSums<S, Rows> tile;
  tile.load(sums);
  for (std::int64_t k = 0; k < depth; ++k, ++x, panel += 2 * S::kLanes) {
    ahead.next();
    Sums<S> weight;
    S::load_panel(panel, weight.first, weight.second);
    tile.template add<Stride>(x, weight);
  }
  tile.store(sums);
}

/// The tile of `rows` rows, in [1, Rows].
template <class S, class Stored, std::int64_t Stride, class Fetch, int Rows = S::kTileRows>
inline void tall_tile_of(std::int64_t rows, const float* x, const Stored* panel, std::int64_t depth,
                         Fetch ahead, float* sums) {
  if constexpr (Rows > 1) {
    if (rows < Rows)
      return tall_tile_of<S, Stored, Stride, Fetch, Rows - 1>(rows, x, panel, depth, ahead, sums);
  }
  tall_tile<S, Stored, Rows, Stride>(x, panel, depth, ahead, sums);
}

/// tall_tile for one row with four panels: enough sums in flight to hide the latency of an
/// addition, and enough reads to hide that of memory. Panels are `next_panel` elements apart, their
/// sums `next_sums` floats.
template <class S, class Stored>
inline void one_row_tile(const float* x, const Stored* panels, std::int64_t next_panel,
                         std::int64_t depth, float* sums, std::int64_t next_sums) {
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  const Stored* const end = panels + depth * kColumns;
  Sums<S> s0, s1, s2, s3;
  s0.load(sums);
  s1.load(sums + next_sums);
  s2.load(sums + 2 * next_sums);
  s3.load(sums + 3 * next_sums);
  for (; panels != end; ++x, panels += kColumns) {
    const typename S::Vec value = S::set1(*x);
    Sums<S> weight;
    fetch_ahead<S>(panels);
    S::load_panel(panels, weight.first, weight.second);
    s0.add(value, weight);
    fetch_ahead<S>(panels + next_panel);
    S::load_panel(panels + next_panel, weight.first, weight.second);
    s1.add(value, weight);
    fetch_ahead<S>(panels + 2 * next_panel);
    S::load_panel(panels + 2 * next_panel, weight.first, weight.second);
    s2.add(value, weight);
    fetch_ahead<S>(panels + 3 * next_panel);
    S::load_panel(panels + 3 * next_panel, weight.first, weight.second);
    s3.add(value, weight);
  }
  s0.store(sums);
  s1.store(sums + next_sums);
  s2.store(sums + 2 * next_sums);
  s3.store(sums + 3 * next_sums);
}

/// The same for two or three rows with two panels.
template <class S, class Stored, int Rows, std::int64_t Stride>
inline void two_panel_tile(const float* x, const Stored* panels, std::int64_t next_panel,
                           std::int64_t depth, float* sums, std::int64_t next_sums) {
  static_assert(Rows == 2 || Rows == 3);
  constexpr std::int64_t kColumns = 2 * S::kLanes;
  const Stored* const end = panels + depth * kColumns;
  Sums<S> s00, s01, s02, s10, s11, s12;
  s00.load(sums);
  s01.load(sums + kColumns);
  if constexpr (Rows > 2) s02.load(sums + 2 * kColumns);
  s10.load(sums + next_sums);
  s11.load(sums + next_sums + kColumns);
  if constexpr (Rows > 2) s12.load(sums + next_sums + 2 * kColumns);
  for (; panels != end; ++x, panels += kColumns) {
    Sums<S> weight;
    fetch_ahead<S>(panels);
    S::load_panel(panels, weight.first, weight.second);
    s00.add(S::set1(x[0]), weight);
    s01.add(S::set1(x[Stride]), weight);
    if constexpr (Rows > 2) s02.add(S::set1(x[2 * Stride]), weight);
    fetch_ahead<S>(panels + next_panel);
    S::load_panel(panels + next_panel, weight.first, weight.second);
    s10.add(S::set1(x[0]), weight);
    s11.add(S::set1(x[Stride]), weight);
    if constexpr (Rows > 2) s12.add(S::set1(x[2 * Stride]), weight);
  }
  s00.store(sums);
  s01.store(sums + kColumns);
  if constexpr (Rows > 2) s02.store(sums + 2 * kColumns);
  s10.store(sums + next_sums);
  s11.store(sums + next_sums + kColumns);
  if constexpr (Rows > 2) s12.store(sums + next_sums + 2 * kColumns);
}
