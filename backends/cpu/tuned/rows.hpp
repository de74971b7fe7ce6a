// SPDX-License-Identifier: Apache-2.0
// Rows of elements to and from vectors.
#pragma once

#include "backends/cpu/tuned/tile.hpp"

/// The first `count` elements of an array, at most kLanes, zeros beyond.
template <class S, class Stored>
SWITCHYARD_INLINE typename S::Vec load_elements_of(const Stored* from, std::int64_t count) {
  if (count == S::kLanes) return S::load_elements(from);
  Stored all[S::kLanes] = {};
  std::memcpy(all, from, static_cast<std::size_t>(count) * sizeof(Stored));
  return S::load_elements(all);
}

/// to[i] = from[first + i] for i < count; zeros up to the next multiple of kLanes.
template <class S, class Stored>
inline void load_row_of(const void* from, std::int64_t first, std::int64_t count, float* to) {
  const Stored* const p = static_cast<const Stored*>(from) + first;
  std::int64_t i = 0;
  for (; i + S::kLanes <= count; i += S::kLanes) S::store(to + i, S::load_elements(p + i));
  if (i < count) S::store(to + i, load_elements_of<S, Stored>(p + i, count - i));
}

template <class S>
inline void load_row(DType dtype, const void* from, std::int64_t first, std::int64_t count,
                     float* to) {
  if (dtype == DType::f32) return load_row_of<S, float>(from, first, count, to);
  if (dtype == DType::bf16) return load_row_of<S, bf16>(from, first, count, to);
  return load_row_of<S, f16>(from, first, count, to);
}

/// x[r] = columns [first, first + count) of the rows of a block, `stride` floats apart.
template <class S, class X>
inline void load_rows(const X& rows, kernels::RowRange block, std::int64_t first,
                      std::int64_t count, float* x, std::int64_t stride) {
  for (std::int64_t r = 0; r < block.last - block.first; ++r)
    load_row<S>(rows.dtype, rows.address(block.first + r), first, count, x + r * stride);
}

/// Puts each run of 2 * kLanes floats in the order in which load_panel reads an array of Stored.
/// Zeros fill the last run.
template <class S, class Stored>
inline void order_as_panel(float* x, std::int64_t count) {
  constexpr std::int64_t kRun = 2 * S::kLanes;
  const std::int64_t padded = (count + S::kLanes - 1) / S::kLanes * S::kLanes;
  if (padded % kRun != 0) S::store(x + padded, S::set1(0.0F));
  if constexpr (std::is_same_v<Stored, bf16>) {
    for (std::int64_t i = 0; i < count; i += kRun) {
      typename S::Vec a = S::load(x + i);
      typename S::Vec b = S::load(x + i + S::kLanes);
      S::unzip(a, b);
      S::store(x + i, a);
      S::store(x + i + S::kLanes, b);
    }
  }
}

/// Where what is stored goes: to the caches, which read its lines before, or past them.
enum class StoreTo { caches, memory };

/// Elements [first, first + count) of an array, count at most kLanes, rounded. What goes to memory
/// needs S::end_streaming().
template <class S, class Stored>
SWITCHYARD_INLINE void store_lanes_of(void* to, std::int64_t first, std::int64_t count,
                                      typename S::Vec lanes, StoreTo where = StoreTo::caches) {
  constexpr std::size_t kBytes = S::kLanes * sizeof(Stored);
  Stored* const p = static_cast<Stored*>(to) + first;
  if (count == S::kLanes && where == StoreTo::caches) return S::store_elements(p, lanes);
  Stored all[S::kLanes];
  S::store_elements(all, lanes);
  if (count == S::kLanes && reinterpret_cast<std::uintptr_t>(p) % kBytes == 0)
    return S::template stream<kBytes>(p, all);
  std::memcpy(p, all, static_cast<std::size_t>(count) * sizeof(Stored));
}

template <class S>
SWITCHYARD_INLINE void store_lanes(DType dtype, void* to, std::int64_t first, std::int64_t count,
                                   typename S::Vec lanes, StoreTo where = StoreTo::caches) {
  if (dtype == DType::f32) return store_lanes_of<S, float>(to, first, count, lanes, where);
  if (dtype == DType::bf16) return store_lanes_of<S, bf16>(to, first, count, lanes, where);
  return store_lanes_of<S, f16>(to, first, count, lanes, where);
}

/// Lanes [first, first + count) of an array of floats, zeros beyond; null: all zeros.
template <class S>
SWITCHYARD_INLINE typename S::Vec load_lanes(const float* from, std::int64_t first,
                                             std::int64_t count) {
  return from == nullptr ? S::set1(0.0F) : load_elements_of<S, float>(from + first, count);
}

/// The lanes after a round trip through dtype.
template <class S>
SWITCHYARD_INLINE typename S::Vec round_lanes(DType dtype, typename S::Vec lanes) {
  if (dtype == DType::bf16) {
    bf16 all[S::kLanes];
    S::store_elements(all, lanes);
    return S::load_elements(all);
  }
  if (dtype == DType::f16) {
    f16 all[S::kLanes];
    S::store_elements(all, lanes);
    return S::load_elements(all);
  }
  return lanes;
}
