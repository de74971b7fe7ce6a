// SPDX-License-Identifier: Apache-2.0
// Expert matrices from a checkpoint's rows to WeightLayout::swizzled_tiles: the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/elements.hpp"
#include "kernels/sm90/repack.hpp"

namespace switchyard::kernels::sm90 {

/// Eight elements that are stored at once.
template <class To>
struct alignas(16) Chunk {
  To element[SwizzledTiles::kChunkElements];
};

template <class From, class To>
__device__ void repack_chunk(const RepackParams& params, std::int64_t i) {
  const SwizzledTiles& tiles = params.tiles;
  const std::int64_t chunk = i % SwizzledTiles::kChunks;
  const std::int64_t row = i / SwizzledTiles::kChunks % SwizzledTiles::kRows;
  const std::int64_t tile = i / (SwizzledTiles::kChunks * SwizzledTiles::kRows);
  const std::int64_t feature = tiles.feature_of(tile / tiles.width_tiles(), row);
  const std::int64_t staged = feature + (tiles.is_up(row) ? params.num_features : 0);
  const std::int64_t column = tile % tiles.width_tiles() * SwizzledTiles::kWidth +
                              chunk * SwizzledTiles::kChunkElements;
  const From* const from = static_cast<const From*>(params.from) + staged * tiles.width;
  Chunk<To> packed;
  for (std::int64_t j = 0; j < SwizzledTiles::kChunkElements; ++j) {
    if (feature >= params.num_features || column + j >= tiles.width)
      packed.element[j] = To{};
    else if constexpr (std::is_same_v<From, To>)
      packed.element[j] = from[column + j];
    else
      packed.element[j] = To(static_cast<float>(from[column + j]));
  }
  std::byte* const to = static_cast<std::byte*>(params.to) + tile * SwizzledTiles::kBytes +
                        SwizzledTiles::chunk_offset(row, chunk);
  *reinterpret_cast<Chunk<To>*>(to) = packed;
}

/// One thread per chunk; the grid strides.
__global__ void __launch_bounds__(kRepackThreads) repack(const RepackParams params) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  with_type_of(params.from_dtype, [&](auto from) {
    const auto run = [&](auto to) {
      for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
           i < num_chunks(params); i += step)
        repack_chunk<decltype(from), decltype(to)>(params, i);
    };
    if (params.to_dtype == DType::bf16)
      run(bf16{});
    else
      run(f16{});
  });
}

}  // namespace switchyard::kernels::sm90
