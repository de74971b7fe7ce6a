// SPDX-License-Identifier: Apache-2.0
// From a checkpoint's rows to swizzled tiles: source rows are staged on the device a run of tiles
// at a time, and a kernel converts and places them.
#include <algorithm>

#include "backends/cuda/native.hpp"
#include "backends/cuda/sm90/bodies.hpp"
#include "backends/cuda/sm90/kernels.hpp"
#include "kernels/sm90/repack.hpp"

namespace switchyard {
namespace {

constexpr std::int64_t kStagingBytes = std::int64_t{64} << 20U;

using Runtime = GpuRuntime<CudaApi>;

/// Device memory for the length of a scope.
class Staging {
 public:
  Staging(int device, std::int64_t bytes)
      : device_(device),
        data_(static_cast<std::byte*>(
            Runtime::allocate_memory(device, static_cast<std::size_t>(bytes)))) {}
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() { Runtime::free_memory(device_, data_); }

  [[nodiscard]] std::byte* data() const noexcept { return data_; }

 private:
  int device_;
  std::byte* data_;
};

}  // namespace

void gpu::TunedBodies<CudaApi>::repack(cudaStream_t stream, DeviceSpan<std::byte> to,
                                       const ExpertMatrices& matrices,
                                       const HostTensor& from) const {
  const SwizzledTiles tiles = SwizzledTiles::of(matrices);
  const std::int64_t row_bytes = tiles.width * static_cast<std::int64_t>(size_of(from.dtype));
  const std::int64_t products = tiles.has_gate ? 2 : 1;
  const std::int64_t tile_bytes = products * tiles.tile_features() * row_bytes;
  const std::int64_t run_tiles =
      std::clamp<std::int64_t>(kStagingBytes / tile_bytes, 1, tiles.row_tiles());
  const Staging staging(device_, std::min(run_tiles * tile_bytes, tiles.num_rows * row_bytes));

  for (std::int64_t expert = 0; expert < matrices.num_experts; ++expert)
    for (std::int64_t tile = 0; tile < tiles.row_tiles(); tile += run_tiles) {
      const std::int64_t feature = tile * tiles.tile_features();
      const std::int64_t features =
          std::min(run_tiles * tiles.tile_features(), tiles.num_features() - feature);
      for (std::int64_t product = 0; product < products; ++product) {
        const std::int64_t row = expert * tiles.num_rows + product * tiles.num_features() + feature;
        Runtime::upload(device_, stream, staging.data() + product * features * row_bytes,
                        from.bytes.data() + row * row_bytes,
                        static_cast<std::size_t>(features * row_bytes));
      }
      kernels::sm90::RepackParams params{to.data() + tiles.tile_offset(expert, tile, 0),
                                         staging.data(),
                                         tiles,
                                         std::min(run_tiles, tiles.row_tiles() - tile),
                                         features,
                                         from.dtype,
                                         matrices.dtype};
      Runtime::launch(device_, stream, sm90::repack_kernel(), kernels::sm90::num_blocks(params),
                      kernels::sm90::kRepackThreads, 0, &params);
    }
  Runtime::synchronize_stream(device_, stream);
}

}  // namespace switchyard
